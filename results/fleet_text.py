"""A fleet's verdicts as text: who is to be looked at first and why, whom to measure again, and what all this rests on."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import Any

from assay.results.confirm import Recheck, rechecks
from assay.results.report import Line, finish
from assay.results.sweep_rows import RULE, Row, Sweep
from assay.results.units import percent, quantity

RED, GREEN, YELLOW, BOLD = "31", "32", "33", "1"
STYLES = {
    "failed": RED,
    "below spec": RED,
    "slow": RED,
    "unstable": YELLOW,
    "untested": YELLOW,
    "too few": YELLOW,
    "not confirmed": YELLOW,
    "sound": GREEN,
}
MOST = 40
CASES = 3


def sentence(row: Row) -> str:
    """Say in one sentence for a technician what was found on what."""
    standing, seen = row.standing, row.seen
    where = f"{seen.host} {seen.slot}".strip()
    who = where if seen.identity in where else f"{where} ({seen.identity})"
    said = "; ".join(standing.reasons.get(status, status) for status in (standing.status, *standing.also))
    if standing.value is None:
        return f"{who}: {standing.status}: {said}"
    against = f", peers' median {quantity(standing.peers, row.unit)} (n = {standing.n_peers})" if standing.peers else ""
    between = f", 95 % interval of the deficit {span(standing.interval)}" if standing.interval and standing.status != "sound" else ""
    spread = f", run to run {percent(standing.spread)}" if standing.spread is not None else ""
    marks = f"; {', '.join(row.marks)}" if row.marks else ""
    runs = f"{standing.n} run{'s' if standing.n != 1 else ''}"
    return (
        f"{who}: {standing.status}: {said}: {row.metric} {quantity(standing.value, row.unit)} over {runs}{spread}{against}{between}{marks}"
    )


def span(interval: tuple[float, float]) -> str:
    """Write an interval of shares."""
    return f"{percent(interval[0])} to {percent(interval[1])}"


def covered(found: Sweep) -> str:
    """Say in one line how much of the fleet the verdicts cover."""
    parts = []
    for level in ("device", "node"):
        tested, known = found.tested(level)
        if known:
            parts.append(f"{tested} of {known} {level}s with a figure in every case")
    absent = {row.seen.host for row in found.rows if not row.key}
    if found.expected_hosts:
        parts.append(f"{len(found.expected_hosts) - len(absent)} of {len(found.expected_hosts)} expected hosts whole")
    cases = len({row.key for row in found.rows if row.key})
    return f"coverage: {', '.join(parts) or 'nothing'}; {cases} case{'s' if cases != 1 else ''}, {len(found.runs)} runs"


def fleet_lines(found: Sweep, *, width: int) -> list[Line]:
    """Write the verdicts, flagged first."""
    counts = ", ".join(f"{number} {status}" for status, number in found.counts.items()) or "no device"
    lines: list[Line] = [(f"fleet: {counts}", BOLD)]
    lines += [(f"  note: {note}", YELLOW) for note in found.notes]
    shown = [row for row in found.rows if row.standing.status not in {"sound", "too few"}]
    for row in shown[:MOST]:
        where = f"  {row.key}" if row.key else ""
        style = STYLES[row.standing.status]
        lines += [(text, style) for text in wrap(sentence(row), max(width, 40), initial_indent="  ", subsequent_indent="      ")]
        lines += [(f"    {where}", "")] if where else []
    if len(shown) > MOST:
        lines.append((f"  ... and {len(shown) - MOST} more verdicts (--json has all)", ""))
    lines += few_lines(found)
    lines += again_lines(rechecks(found))
    rule = f"rule {RULE}: slow beyond z = -{found.k:.2f} and {percent(found.min_deficit)} of the peers' speed"
    return [*lines, (rule if found.k else f"rule {RULE}: no peer statistic was possible", ""), (covered(found), "")]


def few_lines(found: Sweep) -> list[Line]:
    """Say once for which class the peers are too few."""
    few = [row for row in found.rows if row.standing.status == "too few"]
    if not few:
        return []
    devices = len({row.seen.identity for row in few})
    return [(f"  too few: {devices} cannot be judged: {few[0].standing.reasons['too few']}", YELLOW)]


def again_lines(again: Sequence[Recheck]) -> list[Line]:
    """Say whom to measure again with whom."""
    lines: list[Line] = [("measure again before anything is replaced:", BOLD)] if again else []
    for one in again[:MOST]:
        place = f"{one.host} {one.slot}".strip()
        beside = " and ".join(where for _, where in one.controls) or "no sound peer is left to hold it against"
        swapped = ": first with the one, then with places changed with the other" if len(one.controls) > 1 else ""
        more = f" and {len(one.keys) - CASES} more" if len(one.keys) > CASES else ""
        cases = f"; cases {', '.join(one.keys[:CASES])}{more}" if one.keys else ""
        lines.append((f"  {place} ({', '.join(one.found)}) beside {beside}{swapped}{cases}", ""))
    return lines


def render_fleet(found: Sweep, *, color: bool, width: int) -> str:
    """Write a judged fleet as text; what came out of files cannot drive a terminal."""
    return finish(fleet_lines(found, width=width), color=color)


def fleet_document(found: Sweep) -> dict[str, Any]:
    """Give a judged fleet as plain JSON types."""
    return {
        "schema": "assay.fleet/1",
        "rule": RULE,
        "runs": list(found.runs),
        "min_deficit": found.min_deficit,
        "k": found.k,
        "expected_hosts": list(found.expected_hosts),
        "notes": list(found.notes),
        "counts": found.counts,
        "coverage": {level: dict(zip(("tested", "known"), found.tested(level), strict=True)) for level in ("device", "node")}
        | {"text": covered(found)},
        "verdicts": [row.as_dict() | {"sentence": sentence(row)} for row in found.rows],
        "again": [one.as_dict() for one in rechecks(found)],
        "exit_code": found.decides(),
    }
