"""One series of a store and the runs it comes from: one value a run for one case, subject, metric and class of hardware."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from assay.results.runinfo import ID, RunInfo

EARLIEST = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Carry:
    """Where a series was carried over a change of software.

    Attributes:
        index: first value that was measured with the later software; all before it were multiplied.
        bridge: name of the bridge.
        factor: later / earlier, of this metric.
        interval: 95 % interval of the factor.
        differs: which software changed, in words.
        facts: names of what changed.

    """

    index: int
    bridge: str
    factor: float
    interval: tuple[float, float]
    differs: str
    facts: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """Say it."""
        low, high = self.interval
        return f"carried over by bridge {self.bridge}, factor {self.factor:.4g} [{low:.4g}, {high:.4g}] ({self.differs})"


@dataclass(frozen=True)
class Series:
    """One value a run, oldest first.

    Attributes:
        key: of the case; the method's version is part of it.
        subject: what the numbers are about.
        metric: what was measured.
        hw_class: hash of the hardware; another one is another series.
        suite: of the case.
        unit: of every value.
        better: ``higher``, ``lower`` or ``none``.
        places: of the runs that have a value, in ``Timeline.runs``.
        values: one each, finite.
        flags: marks on each value.
        gaps: runs of the same plan and hardware, between the first and the last of these, that have no value.
        measured: the values as they were measured, where ``values`` were carried over a bridge; else empty.
        carried: the bridges, oldest first.

    """

    key: str
    subject: str
    metric: str
    hw_class: str
    suite: str
    unit: str
    better: str
    places: tuple[int, ...]
    values: tuple[float, ...]
    flags: tuple[tuple[str, ...], ...]
    gaps: int = 0
    measured: tuple[float, ...] = ()
    carried: tuple[Carry, ...] = ()

    @property
    def name(self) -> str:
        """Name the series as a listing does."""
        return f"{self.key} {self.subject} {self.metric}"

    @property
    def identity(self) -> tuple[str, str, str]:
        """Give what tells this series from every other of its metric."""
        return self.key, self.subject, self.hw_class

    @property
    def version(self) -> str:
        """Give the method's version."""
        return self.key.removeprefix(f"{self.suite}/").partition("/")[0]

    @property
    def power(self) -> int:
        """Tell how the figure goes with the time of a step: 1 for that time, -1 for a rate made of it, 0 for any other figure."""
        return 1 if self.metric == "time" else -1 if self.unit.endswith("/s") else 0

    @property
    def kin(self) -> tuple[str, str, str]:
        """Give what stays when the method's version or the hardware changes."""
        rest = self.key.removeprefix(f"{self.suite}/").partition("/")[2]
        return f"{self.suite}/{rest}", self.subject, self.metric


@dataclass(frozen=True)
class Timeline:
    """The runs that count, oldest first, their series, and what was left out, in words."""

    runs: tuple[RunInfo, ...]
    series: tuple[Series, ...]
    notes: tuple[str, ...] = ()


def moment(info: RunInfo) -> datetime:
    """Tell when a run began: as it says itself, else as its id says; the beginning of time where neither can be read."""
    told = moment_of(info.started)
    if told is not None:
        return told
    return datetime.strptime(info.id[:15], "%Y%m%d-%H%M%S").replace(tzinfo=UTC) if ID.fullmatch(info.id) else EARLIEST


def moment_of(text: str) -> datetime | None:
    """Read a time (ISO 8601; without a zone UTC); None for what is none."""
    try:
        told = datetime.fromisoformat(text)
    except ValueError:
        return None
    return told if told.tzinfo else told.replace(tzinfo=UTC)
