"""The outcome of one gate as a document: rows, what it cost, what was noticed; its exit code; its form on disk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from assay.harness.errors import StoreError
from assay.results.gate import RULE
from assay.results.gate_compile import Compiled, read_compiled
from assay.results.gate_rows import CODES, STATUSES, Row
from assay.results.outcome import combine
from assay.results.thresholds import Thresholds

SCHEMA = "assay.gate/1"
FILE = "gate.json"


@dataclass(frozen=True)
class Cost:
    """What measuring took: turns (one run of one side each) and seconds of the first pass, of more pairs and of the confirming pass.

    ``extended`` counts cases that got more pairs, ``settled`` those of them that are undecided no longer.
    """

    turns: int = 0
    seconds: float = 0.0
    suspected: int = 0
    confirmed: int = 0
    confirm_turns: int = 0
    confirm_seconds: float = 0.0
    warm_seconds: float = 0.0
    extended: int = 0
    settled: int = 0
    extend_turns: int = 0
    extend_seconds: float = 0.0


@dataclass(frozen=True)
class GateReport:
    """One gate.

    Attributes:
        id: of the gate.
        when: start, UTC, ISO 8601.
        base: what A is, in the user's words and ours.
        head: what B is.
        command: what every turn runs.
        pairs: pairs of the first pass.
        shard: ``i/n`` or empty; several are merged.
        thresholds: what counted.
        rows: one a case and subject.
        notes: what a reader should know besides.
        aa: (cases flagged, cases looked at) where runs of one side were held against each other: false alarms of the first pass.
        cost: what it took.
        caches: per side what was compiled and tuned.
        compiled: seconds of first steps with cold caches, one a cold run and side, by key; shown, no part of the exit code.
        machine: hash of the hardware.
        advisory: why this gate only advises; empty where it decides.
        allow_inconclusive: whether 4 becomes 0.

    """

    id: str
    when: str
    base: Mapping[str, Any]
    head: Mapping[str, Any]
    command: Sequence[str]
    pairs: int
    thresholds: Thresholds
    rows: Sequence[Row]
    shard: str = ""
    notes: Sequence[str] = ()
    aa: tuple[int, int] = (0, 0)
    cost: Cost = field(default_factory=Cost)
    caches: Mapping[str, Any] = field(default_factory=dict)
    compiled: Compiled = field(default_factory=dict)
    machine: str = ""
    advisory: str = ""
    allow_inconclusive: bool = False
    rule: str = RULE

    @property
    def counts(self) -> dict[str, int]:
        """Count rows by status, worst first."""
        counted = Counter(row.status for row in self.rows)
        return {status: counted[status] for status in STATUSES if counted[status]}

    @property
    def verdict_code(self) -> int:
        """Give what the rows say: 1 slower or wrong, 2 missing, 4 nobody can tell (nothing compared included), 0 same or faster."""
        return combine(CODES[row.status] for row in self.rows)

    @property
    def exit_code(self) -> int:
        """Give what the door ends with: an advisory gate never fails, an allowed 4 is a 0."""
        code = self.verdict_code
        return 0 if self.advisory or (code == 4 and self.allow_inconclusive) else code  # noqa: PLR2004 - 4 is what the option is about

    @property
    def coverage(self) -> str:
        """Say how many cases have a verdict on both sides."""
        keys = {row.key for row in self.rows}
        judged = {row.key for row in self.rows if row.status in {"same", "faster", "slower"}}
        open_ones = {row.key for row in self.rows if row.status == "inconclusive"} - judged
        rest = len(keys) - len(judged) - len(open_ones)
        return f"{len(judged)} of {len(keys)} cases decided, {len(open_ones)} undecided, {rest} not compared"

    def as_dict(self) -> dict[str, Any]:
        """Give plain JSON types."""
        derived = {"counts": self.counts, "coverage": self.coverage, "verdict_code": self.verdict_code, "exit_code": self.exit_code}
        own = {f.name: getattr(self, f.name) for f in fields(self)}
        plain = {"thresholds": asdict(self.thresholds), "cost": asdict(self.cost), "rows": [row.as_dict() for row in self.rows]}
        lists = {name: list(own[name]) for name in ("command", "notes", "aa")}
        return {"schema": SCHEMA, **own, **plain, **lists, **derived}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> GateReport:
        """Read what ``as_dict`` wrote; StoreError for anything else."""
        if data.get("schema") != SCHEMA:
            message = f"no outcome of a gate: schema {data.get('schema')!r}, not {SCHEMA!r}"
            raise StoreError(message)
        try:
            known = {f.name: data[f.name] for f in fields(cls) if f.name in data}
            read = {
                "thresholds": Thresholds(**data["thresholds"]),
                "cost": Cost(**data["cost"]),
                "rows": tuple(Row.from_dict(row) for row in data["rows"]),
                "aa": (int(data["aa"][0]), int(data["aa"][1])),
                "compiled": read_compiled(data.get("compiled", {})),
            }
            return cls(**(known | read))
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            message = f"no outcome of a gate: {type(error).__name__}: {error}"
            raise StoreError(message) from error


def read_report(path: Path) -> GateReport:
    """Read one gate: its folder or its ``gate.json``; StoreError names what cannot be read."""
    import json

    file = path / FILE if path.is_dir() else path
    try:
        return GateReport.from_dict(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, AttributeError) as error:
        message = f"cannot read {file}: {error}"
        raise StoreError(message) from error
    except StoreError as error:
        message = f"{file}: {error}"
        raise StoreError(message) from error
