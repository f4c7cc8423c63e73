"""Shards of one gate made one: nothing is judged again, and a shard that is missing is never a pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from assay.harness.errors import RefusalError
from assay.results.gate_report import Cost, GateReport
from assay.results.gate_rows import Row


def merge(reports: Sequence[GateReport]) -> GateReport:
    """Make one gate of its shards.

    RefusalError where they do not belong together (sides, thresholds, rule, machine), where one shard is there twice, or where one is
    missing: a part that was not measured is never a pass.
    """
    if not reports:
        message = "there is nothing to merge"
        raise RefusalError(message, where="GATE", fix="Name the gate.json of every shard.")
    first = reports[0]
    for other in reports[1:]:
        for name in ("base", "head", "thresholds", "rule", "machine"):
            mine, its = identity(first, name), identity(other, name)
            if mine != its:
                message = f"shards of different gates: {name} is {its!r} in {other.id} and {mine!r} in {first.id}"
                raise RefusalError(message, where="GATE", fix="Merge the shards of one gate only.")
    check_shards(reports)
    ordered = sorted(reports, key=lambda report: int(report.shard.split("/")[0]) if report.shard else 0)
    rows = unique_rows(ordered)
    costs = [asdict(report.cost) for report in ordered]
    return replace(
        ordered[0],
        id="+".join(report.id for report in ordered),
        shard="",
        rows=rows,
        notes=tuple(dict.fromkeys(note for report in ordered for note in report.notes)),
        aa=(sum(report.aa[0] for report in ordered), sum(report.aa[1] for report in ordered)),
        cost=Cost(**{name: sum(cost[name] for cost in costs) for name in costs[0]}),
        compiled={key: value for report in ordered for key, value in report.compiled.items()},
        advisory=next((report.advisory for report in ordered if report.advisory), ""),
        allow_inconclusive=all(report.allow_inconclusive for report in ordered),
    )


def identity(report: GateReport, name: str) -> Any:
    """Give what must be equal between shards; of a side what it is, not where it was installed."""
    found = getattr(report, name)
    return {key: found.get(key) for key in ("label", "commit")} if name in {"base", "head"} else found


def check_shards(reports: Sequence[GateReport]) -> None:
    """Refuse shards that are not 1/n to n/n, each once."""
    shards = [report.shard for report in reports]
    totals = {shard.partition("/")[2] for shard in shards}
    wanted = {f"{i}/{total}" for total in totals if total for i in range(1, int(total) + 1)}
    twice = sorted({shard for shard in shards if shards.count(shard) > 1})
    if not all(shards) or len(totals) != 1 or twice:
        message = f"must be the shards 1/n to n/n, each once; these are {', '.join(shard or 'whole' for shard in shards)}"
        raise RefusalError(message, where="GATE", fix="Name the gate.json of every shard once.")
    missing = sorted(wanted - set(shards))
    if missing:
        message = f"shard {', '.join(missing)} is missing, and what was not measured cannot pass"
        raise RefusalError(message, where="GATE", fix="Measure it, then merge all of them.")


def unique_rows(reports: Sequence[GateReport]) -> tuple[Row, ...]:
    """Give the rows of all shards; a case that two of them judged is refused."""
    rows: dict[tuple[str, str], Row] = {}
    for report in reports:
        for row in report.rows:
            if (row.key, row.subject) in rows:
                message = f"{row.key} {row.subject} stands in two shards"
                raise RefusalError(message, where=report.id, fix="Shards of one plan share no case; were the plans the same?")
            rows[row.key, row.subject] = row
    return tuple(rows.values())
