"""What a sweep of a fleet says: a row for each device or node in each case, and all of them together."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from assay.results.fleet import FLAGGED, STATUSES, Standing
from assay.results.fleet_runs import Class, Seen
from assay.results.outcome import combine

RULE = "fleet/1"
CODES = {**dict.fromkeys(FLAGGED, 1), "failed": 2, "untested": 2, "too few": 4, "not confirmed": 0, "sound": 0}


@dataclass(frozen=True)
class Row:
    """One verdict with whom and what it is about.

    Attributes:
        key: of the case; empty for a host without any run.
        metric: what was judged.
        unit: its unit.
        seen: the subject and its place.
        peers: its class.
        standing: the verdict.
        runs: ids of the runs that it rests on.
        marks: what telemetry says of its figures, such as throttling.

    """

    key: str
    metric: str
    unit: str
    seen: Seen
    peers: Class
    standing: Standing
    runs: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Give it as plain JSON types."""
        told = asdict(self.standing)
        told["interval"] = None if self.standing.interval is None else list(self.standing.interval)
        return {
            "key": self.key,
            "metric": self.metric,
            "unit": self.unit,
            **asdict(self.seen),
            "class": asdict(self.peers),
            "runs": list(self.runs),
            "marks": list(self.marks),
        } | {name: list(value) if isinstance(value, tuple) else value for name, value in told.items() if name != "subject"}


@dataclass(frozen=True)
class Sweep:
    """Every verdict on a fleet, and what it rests on."""

    runs: tuple[str, ...]
    rows: tuple[Row, ...]
    min_deficit: float
    k: float
    expected_hosts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """Count subjects by their worst verdict, worst first."""
        counted = Counter(self.worst.values())
        return {status: counted[status] for status in STATUSES if counted[status]}

    @property
    def worst(self) -> dict[str, str]:
        """Give each subject's worst verdict over all cases."""
        found: dict[str, str] = {}
        for row in self.rows:
            now, name = found.get(row.seen.identity, "sound"), row.seen.identity
            found[name] = min(now, row.standing.status, key=STATUSES.index)
        return found

    def tested(self, level: str) -> tuple[int, int]:
        """Give (subjects with a figure in every case that they should have one in, subjects) of a level."""
        known = {row.seen.identity for row in self.rows if row.seen.level == level and row.key}
        without = {row.seen.identity for row in self.rows if row.standing.value is None}
        return len(known - without), len(known)

    def decides(self) -> int:
        """Give the exit code: flagged 1, failed or untested 2, too few to judge 4, all sound 0."""
        return combine(CODES[status] for row in self.rows for status in (row.standing.status, *row.standing.also))
