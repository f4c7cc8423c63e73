"""One run as a comparison sees it: its times, its classes, and why a case of it has none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from assay.harness.errors import StoreError
from assay.harness.rundir import RunDir
from assay.results.metrics import derive
from assay.results.record import Record, read_records

METRIC = "time"
# Facts that make the hardware class; where none of them tells, every fact is looked at.
HARDWARE = ("cpu_model", "cores", "memory_gib", "devices")
SOFTWARE = ("kernel", "python", "packages", "mpi", "threads", "launch_flags")
# Facts that differ between any two runs and say nothing about the machine.
FLEETING = {"boot_id", "environment", "git", "code"}
MANY = 4


@dataclass(frozen=True)
class Side:
    """One run of a comparison.

    Attributes:
        id: of the run.
        hw_class: hash of its hardware; empty where nobody wrote it down.
        sw_class: hash of its software.
        inject: whether a fault was planted anywhere in it.
        times: its records of the compared metric by (key, subject).
        facts: the machine, as written down.
        absent: why a case has no figure, by key.
        problems: what could not be read.

    """

    id: str
    hw_class: str
    sw_class: str
    inject: bool
    times: Mapping[tuple[str, str], Record]
    facts: Mapping[str, Any] = field(default_factory=dict)
    absent: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


def read_side(rundir: RunDir) -> Side:
    """Read one run; StoreError if its ``run.json`` cannot be read. Records that are not there are derived from the measurements."""
    described = rundir.read_json("run.json")
    if not isinstance(described, Mapping):
        message = f"{rundir.path / 'run.json'} is no run"
        raise StoreError(message)
    try:
        records, problems = read_records(rundir, metric=METRIC)
    except StoreError:
        lines = rundir.measurements()
        classes = {"hw_class": str(described.get("hw_class", "")), "sw_class": str(described.get("sw_class", ""))}
        records, problems = derive(lines.measurements, run=rundir.id, hardware={}, **classes), list(lines.problems)
    verdicts = optional(rundir, "verdicts.json")
    return make_side(
        rundir.id, described, records, facts=optional(rundir, "facts.json"), coverage=verdicts.get("coverage") or {}, problems=problems
    )


def make_side(
    run: str,
    described: Mapping[str, Any],
    records: Iterable[Record],
    *,
    facts: Mapping[str, Any],
    coverage: Mapping[str, Any],
    problems: Sequence[str] = (),
) -> Side:
    """Make a side from what is known already; of several records for one subject the first is kept."""
    times: dict[tuple[str, str], Record] = {}
    for record in records:
        if record.metric == METRIC:
            times.setdefault((record.key, record.subject), record)
    rows = [row for name in ("rows", "left_out_rows") for row in coverage.get(name) or []]
    absent = {str(row.get("key")): f"{row.get('status')}: {row.get('reason')}" for row in rows if isinstance(row, Mapping)}
    return Side(
        id=run,
        hw_class=str(described.get("hw_class") or ""),
        sw_class=str(described.get("sw_class") or ""),
        inject=bool(described.get("inject")),
        times=times,
        facts=facts,
        absent=absent,
        problems=tuple(f"{run}: {problem}" for problem in problems),
    )


def optional(rundir: RunDir, name: str) -> Mapping[str, Any]:
    """Read a JSON object that may be missing or broken; then it is empty."""
    try:
        data = rundir.read_json(name)
    except StoreError:
        return {}
    return data if isinstance(data, Mapping) else {}


def differing(sides: Sequence[Side], *, names: Sequence[str] = ()) -> str:
    """Name the facts in which some runs differ from the first, with both values; only ``names`` where given."""
    first = sides[0].facts
    found = [
        f"{name} {first.get(name)!r} and {side.facts.get(name)!r}"
        for side in sides[1:]
        for name in names or sorted({*first, *side.facts} - FLEETING)
        if first.get(name) != side.facts.get(name)
    ]
    unique = list(dict.fromkeys(found))
    return "; ".join(unique[:MANY]) + ("; ..." if len(unique) > MANY else "")
