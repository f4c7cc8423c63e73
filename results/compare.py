"""Runs against runs: slower, faster, the same, or cannot be told. The run is the unit, never the repetition."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean, median, variance
from typing import Any, Literal

from assay.harness.errors import RefusalError, StoreError
from assay.harness.rundir import RunDir
from assay.results.record import Record, read_records
from assay.results.units import percent, signed

ChangeStatus = Literal["slower", "faster", "same", "inconclusive", "not-comparable", "only-base", "only-head"]
STATUSES: tuple[ChangeStatus, ...] = ("slower", "only-base", "not-comparable", "inconclusive", "only-head", "faster", "same")
FACTS = ("host", "cpu_model", "cores", "memory_gib", "devices", "kernel", "python", "packages", "mpi")
CONFIDENT, EQUIVALENT = 0.975, 0.95  # one-sided: a 95 % interval for a change, a 90 % one for sameness (TOST)


@dataclass(frozen=True)
class Change:
    """One case, one subject, base against head.

    Attributes:
        key: of the case.
        subject: ``device0``, ``cluster``, ...
        status: what can be said.
        effect: head over base minus one, of the seconds of a step; None where one side is missing.
        interval: its 95 % interval, or None with fewer than two runs on a side.
        base: median seconds over the base runs' medians.
        head: the same of the head runs.
        n_base: runs behind it.
        n_head: runs behind it.
        reason: one sentence.

    """

    key: str
    subject: str
    status: ChangeStatus
    effect: float | None
    interval: tuple[float, float] | None
    base: float | None
    head: float | None
    n_base: int
    n_head: int
    reason: str


@dataclass(frozen=True)
class Comparison:
    """All changes between two sets of runs, worst first, and what differs between their machines."""

    base: tuple[str, ...]
    head: tuple[str, ...]
    changes: tuple[Change, ...]
    notes: tuple[str, ...]
    min_effect: float

    def count(self, status: ChangeStatus) -> int:
        """Count changes of one status."""
        return sum(change.status == status for change in self.changes)

    def decides(self) -> int:
        """Give the exit code of this comparison alone: 1 slower, 2 missing on the head's side, 4 cannot be told, 0 same or faster."""
        if self.count("slower"):
            return 1
        if self.count("only-base"):
            return 2
        undecided = self.count("inconclusive") + self.count("not-comparable") + self.count("only-head")
        return 4 if undecided or not self.changes else 0

    def text(self) -> str:
        """Say it in one line."""
        parts = [f"{self.count(status)} {status}" for status in STATUSES if self.count(status)]
        return f"{', '.join(self.head)} against {', '.join(self.base)}: {', '.join(parts) or 'no case in common'}"

    def as_dict(self) -> dict[str, Any]:
        """Give plain JSON types."""
        counts = {status: self.count(status) for status in STATUSES}
        rows = [asdict(change) | {"interval": list(change.interval) if change.interval else None} for change in self.changes]
        head = {"schema": "assay.compare/1", "base": list(self.base), "head": list(self.head), "min_effect": self.min_effect}
        return head | {"counts": counts, "changes": rows, "notes": list(self.notes)}


def compare(base: Sequence[RunDir], head: Sequence[RunDir], *, min_effect: float, min_seconds: float) -> Comparison:
    """Compare the times of every case and subject of two sets of runs.

    RefusalError for no runs, a run on both sides, a minimum effect that is not positive, or two units for one metric.
    """
    names = tuple(run.id for run in base), tuple(run.id for run in head)
    check(names, min_effect, min_seconds)
    differing = differences(base, head)
    hardware = bool({describe(run, "hw_class") for run in base} ^ {describe(run, "hw_class") for run in head})
    sides = times(base), times(head)
    changes = [
        change(pair, sides[0].get(pair, []), sides[1].get(pair, []), min_effect, min_seconds, differing if hardware else ())
        for pair in sorted(set(sides[0]) | set(sides[1]))
    ]
    changes.sort(key=lambda row: (STATUSES.index(row.status), row.key, row.subject))
    notes = tuple(f"differs: {line}" for line in differing)
    return Comparison(*names, tuple(changes), notes, min_effect)


def check(names: tuple[tuple[str, ...], tuple[str, ...]], min_effect: float, min_seconds: float) -> None:
    """Refuse what cannot be compared."""
    if not names[0] or not names[1]:
        message = "needs at least one run on each side"
        raise RefusalError(message, where="BASE" if not names[0] else "HEAD", fix="assay runs lists them.")
    both = sorted(set(names[0]) & set(names[1]))
    if both:
        message = "stands on both sides, so nothing can differ"
        raise RefusalError(message, value=both[0], where="BASE and HEAD", fix="Name different runs.")
    for name, value in (("min_effect", min_effect), ("min_seconds", min_seconds)):
        if not 0 < value < math.inf:
            message = "must be a positive number"
            raise RefusalError(message, value=value, where=name, fix="0.03 is 3 %.")


def times(runs: Iterable[RunDir]) -> dict[tuple[str, str], list[float]]:
    """Collect each run's median seconds by (key, subject); a planted fault stays apart through its key."""
    found: dict[tuple[str, str], list[float]] = {}
    for run in runs:
        for record in records_of(run):
            if record.metric == "time":
                if record.unit != "s":
                    message = f"time is in {record.unit!r} in run {run.id}, in s elsewhere"
                    raise RefusalError(message, value=record.key, where="unit", fix="Leave that run out.")
                found.setdefault((record.key, record.subject), []).append(record.value)
    return found


def records_of(run: RunDir) -> list[Record]:
    """Read a run's records; StoreError says how to make them if the run never got that far."""
    try:
        return read_records(run)[0]
    except StoreError as error:
        message = f"run {run.id} has no records yet ({error}); finish it with assay run --resume {run.id}"
        raise StoreError(message) from error


def describe(run: RunDir, name: str) -> str:
    """Read one field of ``run.json`` as text."""
    return str(run.read_json("run.json").get(name, ""))


def differences(base: Sequence[RunDir], head: Sequence[RunDir]) -> tuple[str, ...]:
    """Name the facts in which the two sides differ."""
    found = []
    sides = [[run.read_json("facts.json") for run in side] for side in (base, head)]
    for name in FACTS:
        values = [sorted({str(facts.get(name, "")) for facts in side}) for side in sides]
        if values[0] != values[1]:
            found.append(f"{name}: {' / '.join(values[0])} -> {' / '.join(values[1])}")
    return tuple(found)


def change(
    pair: tuple[str, str], base: Sequence[float], head: Sequence[float], min_effect: float, min_seconds: float, hardware: Sequence[str]
) -> Change:
    """Judge one case and subject by the log ratio of its run medians."""
    middle = [median(side) if side else None for side in (base, head)]
    effect = middle[1] / middle[0] - 1 if middle[0] and middle[1] else None
    interval = welch(base, head, CONFIDENT) if min(len(base), len(head)) > 1 else None
    status, reason = verdict(base, head, effect, interval, min_effect, min_seconds, hardware)
    return Change(*pair, status, effect, interval, *middle, len(base), len(head), reason)


def verdict(
    base: Sequence[float],
    head: Sequence[float],
    effect: float | None,
    interval: tuple[float, float] | None,
    min_effect: float,
    min_seconds: float,
    hardware: Sequence[str],
) -> tuple[ChangeStatus, str]:
    """Choose status and reason."""
    if effect is None:
        missing = "head" if base else "base"
        return ("only-base" if base else "only-head"), f"has no figure on the {missing}'s side; that is no pass"
    if hardware:
        return "not-comparable", f"the machines differ ({'; '.join(hardware)}); {signed(effect)} is no change of one series"
    if interval is None:
        return "inconclusive", f"{signed(effect)}, but with {len(base)} and {len(head)} runs no interval is possible: make at least 2 a side (--runs)"
    shown = f"{signed(effect)} [{signed(interval[0])}, {signed(interval[1])}] over {len(base)} and {len(head)} runs"
    absolute = abs(median(head) - median(base))
    if (interval[0] > 0 or interval[1] < 0) and abs(effect) >= min_effect and absolute >= min_seconds:
        return ("slower" if effect > 0 else "faster"), shown
    narrow = welch(base, head, EQUIVALENT)
    if -min_effect < narrow[0] and narrow[1] < min_effect:
        return "same", f"{shown}: within {percent(min_effect)}"
    return "inconclusive", f"{shown}: neither a change of {percent(min_effect)} nor sameness is shown; make more runs"


def welch(base: Sequence[float], head: Sequence[float], confidence: float) -> tuple[float, float]:
    """Give the interval of head / base - 1 by Welch's t on the logarithms of the run medians (one-sided ``confidence`` at each end)."""
    from scipy.stats import t

    logs = [[math.log(value) for value in side] for side in (base, head)]
    parts = [variance(side) / len(side) for side in logs]
    ratio, error = fmean(logs[1]) - fmean(logs[0]), math.sqrt(sum(parts))
    if error == 0:
        return math.expm1(ratio), math.expm1(ratio)
    freedom = sum(parts) ** 2 / sum(part**2 / (len(side) - 1) for part, side in zip(parts, logs, strict=True))
    half = float(t.ppf(confidence, freedom)) * error
    return math.expm1(ratio - half), math.expm1(ratio + half)


def from_dict(data: Mapping[str, Any]) -> Comparison:
    """Read what ``as_dict`` wrote."""
    rows = tuple(Change(**{**row, "interval": tuple(row["interval"]) if row["interval"] else None}) for row in data["changes"])
    return Comparison(tuple(data["base"]), tuple(data["head"]), rows, tuple(data["notes"]), float(data["min_effect"]))
