"""A comparison as text: counts, notes, and the rows that somebody should look at."""

from __future__ import annotations

from collections.abc import Sequence

from assay.results.compare import STATUSES, Comparison, Row
from assay.results.units import percent, plain, quantity, signed

RED, GREEN, YELLOW, BOLD = "31", "32", "33", "1"
STYLES = {
    "slower": RED,
    "missing": RED,
    "faster": GREEN,
    "same": "",
    "inconclusive": YELLOW,
    "new": YELLOW,
    "known": YELLOW,
    "not-comparable": YELLOW,
}
FEW = 8
NAMED = 3


def comparison_lines(comparison: Comparison, *, width: int, whole: bool = False) -> list[tuple[str, str]]:
    """Write a comparison; ``whole`` gives every row that is not ``same``, otherwise only the few that matter most."""
    counts = ", ".join(f"{number} {status}" for status, number in comparison.counts.items()) or "nothing in common was measured"
    lines = [(f"comparison with {names(comparison.base)}: {counts}", BOLD)]
    lines += [(f"  note: {note}", YELLOW) for note in comparison.notes]
    shared = shared_reason(comparison.rows)
    if shared:
        lines.append((f"  {shared}", YELLOW))
    chosen = notable(comparison.rows, whole=whole)
    for row in chosen:
        reason = "" if without_effect(row.reason) == shared else row.reason
        lines += [(text, STYLES[row.status]) for text in row_text(row, width=width, reason=reason)]
    rest = sum(row.status != "same" for row in comparison.rows) - sum(row.status != "same" for row in chosen)
    if rest > 0:
        lines.append((f"  ... and {rest} more (assay compare BASE HEAD has all)", ""))
    return lines


def notable(rows: Sequence[Row], *, whole: bool) -> list[Row]:
    """Choose rows: worst status first, larger change first."""
    ordered = sorted(rows, key=lambda row: (STATUSES.index(row.status), -abs(row.change or 0.0)))
    told = [row for row in ordered if row.status != "same"]
    if whole:
        return told
    certain = [row for row in told if row.status in {"slower", "missing", "faster"}]
    open_ones = [row for row in told if row.status not in {"slower", "missing", "faster"}]
    return [*certain[: 2 * FEW], *open_ones[: max(0, FEW - len(certain))]]


def row_text(row: Row, *, width: int, reason: str) -> list[str]:
    """Write one row; its reason stands below where the line would be too long."""
    figures = ""
    if row.base is not None and row.head is not None:
        noise = "" if row.noise is None else f", runs differ by {percent(row.noise)}"
        counted = f" ({row.n_base} and {row.n_head} runs{noise})" if max(row.n_base, row.n_head) > 1 else ""
        figures = f"  {quantity(row.base, row.unit)} -> {quantity(row.head, row.unit)}  {signed(row.change or 0.0)}{counted}"
    text = plain(f"  {row.status:14} {row.key} {row.subject}{figures}")
    if not reason:
        return [text]
    return [text, f"      {reason}"] if len(text) + len(reason) > width else [f"{text}  {reason}"]


def shared_reason(rows: Sequence[Row]) -> str:
    """Give the reason of all rows that are told if there is only one, so that it is said once."""
    told = [without_effect(row.reason) for row in rows if row.status != "same"]
    return told[0] if len(told) > 1 and len(set(told)) == 1 else ""


def without_effect(reason: str) -> str:
    """Cut the effect off a reason: it stands in the row."""
    return reason.split(", effect ", maxsplit=1)[0]


def names(runs: Sequence[str]) -> str:
    """Name some runs, three at most."""
    return ", ".join(runs[:NAMED]) + (f" and {len(runs) - NAMED} more" if len(runs) > NAMED else "")
