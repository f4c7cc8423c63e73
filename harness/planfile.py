"""The plan on disk: reviewable, replayable by hand, and refused when edited into nonsense."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from assay.harness.binding import check_rank_env
from assay.harness.case import Case
from assay.harness.errors import RefusalError
from assay.harness.inject import check_fault
from assay.harness.plan import ALIGNMENTS, LeftOut, Plan
from assay.harness.plancheck import budget, one_of, positive_int
from assay.harness.rundir import SCHEMA
from assay.harness.targets import allowed
from assay.harness.telemetry.open import check_name
from assay.harness.timer import asked_timer


def to_dict(plan: Plan) -> dict[str, Any]:
    """Give the plan as plain JSON types."""
    return {
        "schema": SCHEMA,
        "name": plan.name,
        "nranks": plan.nranks,
        "cases": [case.as_dict() for case in plan.cases],
        "left_out": [{"case": row.case.as_dict(), "reason": row.reason} for row in plan.left_out],
        "notes": list(plan.notes),
        "rank_env": dict(plan.rank_env),
        "needs": {key: asdict(need) for key, need in plan.needs.items()},
        "telemetry": plan.telemetry,
        "share": plan.share,
        "exclusive": plan.exclusive,
        "marks": list(plan.marks),
    }


def read_plan(path: Path) -> Plan:
    """Read a plan file; RefusalError (exit code 3) names the file, the case and the way out."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        message = f"cannot be read as a plan: {error}"
        raise RefusalError(message, where=str(path), fix="Make one with assay plan --out FILE.") from error
    return from_dict(data, where=str(path))


def from_dict(data: object, *, where: str) -> Plan:
    """Validate a plan's JSON."""
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        message = f"is no plan of schema {SCHEMA}"
        raise RefusalError(message, where=where, fix="Make one with assay plan --out FILE.")
    nranks = positive_int(data.get("nranks"), where=f"{where}: nranks")
    rows = data.get("cases")
    if not isinstance(rows, list) or not rows:
        message = "has no cases"
        raise RefusalError(message, where=where, fix="Make one with assay plan --out FILE.")
    cases = tuple(read_case(row, nranks, where=f"{where}: cases[{i}]") for i, row in enumerate(rows))
    kinds = sorted({case.device for case in cases})
    if len(kinds) > 1:
        message = f"mixes devices ({', '.join(kinds)}), but a launch has one kind"
        raise RefusalError(message, where=where, fix="Make one plan for each.")
    if len({case.key for case in cases}) != len(cases):
        message = "lists a case twice"
        raise RefusalError(message, where=where, fix="Keep one of each.")
    left = tuple(
        read_left_out(row, nranks, where=f"{where}: left_out[{i}]") for i, row in enumerate(rows_of(data, "left_out", where=where))
    )
    notes, marks = (tuple(map(str, rows_of(data, name, where=where))) for name in ("notes", "marks"))
    share, exclusive = (switch(data, name, where=where) for name in ("share", "exclusive"))
    telemetry = check_name(str(data.get("telemetry", "auto")), where=f"{where}: telemetry")
    ranks_per_node = max((int(case.layout.split("x")[1]) for case in cases), default=1)
    return Plan(
        str(data.get("name", "")),
        nranks,
        cases,
        left,
        notes,
        rank_env=check_rank_env(data.get("rank_env"), ranks_per_node=ranks_per_node, where=f"{where}: rank_env"),
        telemetry=telemetry,
        share=share,
        exclusive=exclusive,
        marks=marks,
    )


def switch(data: Mapping[str, Any], name: str, *, where: str) -> bool:
    """Give a yes or no of the plan, no if an older Assay wrote it; RefusalError if it is none."""
    value = data.get(name, False)
    if not isinstance(value, bool):
        message = "is neither true nor false"
        raise RefusalError(message, value=value, where=f"{where}: {name}", fix="Make the plan again.")
    return value


def rows_of(data: Mapping[str, Any], name: str, *, where: str) -> list[Any]:
    """Give one list of the plan, empty if it is not there; RefusalError if it is none."""
    rows = data.get(name, [])
    if not isinstance(rows, list):
        message = "is no list"
        raise RefusalError(message, value=rows, where=f"{where}: {name}", fix="Make the plan again.")
    return rows


def read_left_out(row: object, nranks: int, *, where: str) -> LeftOut:
    """Validate one case that was planned away, with its reason."""
    if not isinstance(row, Mapping) or not isinstance(row.get("reason"), str):
        message = "names no case with a reason"
        raise RefusalError(message, value=row, where=where, fix="Make the plan again.")
    return LeftOut(read_case(row.get("case"), nranks, where=where), row["reason"])


def read_case(row: object, nranks: int, *, where: str) -> Case:
    """Validate one case; its key must be the one that its contents give."""
    if not isinstance(row, Mapping):
        message = "is no case"
        raise RefusalError(message, value=row, where=where, fix="Make the plan again.")
    try:
        case = Case.from_dict(row)
        case = replace(case, budget=budget({}, row.get("budget", {}), where=where))
        words = all(isinstance(word, str) for word in (case.suite, case.target, case.layout, case.device))
        sound = words and isinstance(case.params, dict) and isinstance(case.inject, dict) and isinstance(case.timer, dict)
        nodes, ranks_per_node = (int(part) for part in case.layout.split("x"))
        fits = nodes > 0 and nodes * ranks_per_node == nranks == case.nranks and case.layout == f"{nodes}x{ranks_per_node}"
        key = case.key
    except (TypeError, ValueError, AttributeError) as error:
        message = f"is no case: {error}"
        raise RefusalError(message, where=where, fix="Make the plan again.") from error
    if not sound or not fits:
        message = f"does not fit a plan of {nranks} ranks, or holds a value of another type"
        raise RefusalError(message, value=row.get("key"), where=where, fix="Make the plan again.")
    if row.get("key") != key:
        message = f"has a key that does not fit its contents, which give {key}"
        raise RefusalError(message, value=row.get("key"), where=where, fix="Make the plan again, or correct the key.")
    allowed(case.target, where=f"{where}.target")
    one_of(case.align, ALIGNMENTS, where=f"{where}.align")
    positive_int(case.version, where=f"{where}.version")
    asked_timer(case.timer, align=case.align, where=f"{where}.timer")
    if case.inject:
        check_fault(case.inject, nranks=nranks, where=f"{where}.inject")
    return case
