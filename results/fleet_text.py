"""A fleet as text: what is flagged, what to run again, how many of how many were looked at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from assay.results.fleet import RULE, STATUSES, Finding, confirm_list
from assay.results.fleet_units import Fleet, exit_code, worst_of
from assay.results.units import plain

RED, GREEN, YELLOW, BOLD = "31", "32", "33", "1"
STYLES = {"failed": RED, "untested": RED, "below-spec": RED, "slow": RED, "unstable": YELLOW, "no-verdict": YELLOW, "ok": ""}
FEW = 8

Line = tuple[str, str]


def fleet_lines(fleet: Fleet, findings: Sequence[Finding], *, runs: int, whole: bool = False) -> list[Line]:
    """Write what was found; sound units are counted, and listed only with ``whole``."""
    lines: list[Line] = [(plain(f"note: {note}"), YELLOW) for note in fleet.notes]
    shown = [one for one in findings if whole or one.status not in {"ok", "no-verdict"}]
    for one in shown:
        lines.append((plain(f"{one.status:10} {one.unit}  {one.case} {one.metric}".rstrip()), STYLES[one.status]))
        lines += [(plain(f"    {one.reason}"), "")] if one.reason else []
    unsure = [one for one in findings if one.status == "no-verdict"]
    if unsure and not whole:
        lines.append((plain(f"no verdict for {len(unsure)} figures: {unsure[0].reason}"), YELLOW))
    lines += [(plain(text), BOLD) for text in again(findings)]
    lines.append((coverage(findings, runs=runs), BOLD))
    return lines


def again(findings: Sequence[Finding]) -> list[str]:
    """Say whom to run again with whom."""
    rows = confirm_list(findings)
    if not rows:
        return []
    lines = ["to confirm, run again:"]
    for row in rows[:FEW]:
        beside = f"with {' and '.join(row['with'])}" if row["with"] else "with any units known to be good (none here is)"
        lines.append(f"  {row['unit']} {beside}")
    return [*lines, *([f"  ... and {len(rows) - FEW} more"] if len(rows) > FEW else []), f"  {rows[0]['how']}"]


def coverage(findings: Sequence[Finding], *, runs: int) -> str:
    """Count units by their worst status."""
    worst = worst_of(findings)
    counted = Counter(worst.values())
    parts = ", ".join(f"{counted[status]} {status}" for status in STATUSES if counted[status]) or "no unit was seen"
    tested = sum(status not in {"untested", "failed"} for status in worst.values())
    cases = len({one.case for one in findings if one.case})
    seen = f"{cases} {'case' if cases == 1 else 'cases'}, {runs} {'run' if runs == 1 else 'runs'}"
    return f"{tested} of {len(worst)} units tested in {seen}: {parts}"


def document(fleet: Fleet, findings: Sequence[Finding], *, runs: Sequence[str]) -> dict[str, Any]:
    """Give it as plain JSON types."""
    return {
        "schema": "assay.fleet/1",
        "rule": RULE,
        "runs": list(runs),
        "findings": [one.as_dict() for one in findings],
        "units": {
            name: {"status": status, "places": sorted(fleet.units.get(name, ()))} for name, status in sorted(worst_of(findings).items())
        },
        "confirm": confirm_list(findings),
        "coverage": coverage(findings, runs=len(runs)),
        "notes": list(fleet.notes),
        "exit_code": exit_code(findings),
    }
