"""The comparison with a base: counts, notes, every row, and the changes with their intervals as a drawing."""

from __future__ import annotations

from collections.abc import Mapping

from markupsafe import Markup

from assay.results.compare import STATUSES, Comparison
from assay.results.compare import Row as Compared
from assay.results.comparison_text import names
from assay.results.html.element import element, joined
from assay.results.html.figure import BOTTOM, RIGHT, WIDTH, Figure, x_axis
from assay.results.html.naming import case_names, fitted
from assay.results.html.scale import scale
from assay.results.html.section import Section
from assay.results.html.table import Cell, Row, Table
from assay.results.report_content import Content
from assay.results.units import percent, quantity, signed

MOODS = {"slower": "bad", "missing": "bad", "faster": "good", "same": "", "inconclusive": "open", "new": "open", "not-comparable": "open"}
COLUMNS = ("case", "status", "subject", "base", "head", "change", "95 % of the change", "runs", "reason")
NUMERIC = frozenset({"base", "head", "change", "95 % of the change", "runs"})
FOREST, LINE, NAME = 24, 15, 180
LONG_NAME = 30


def comparison_section(content: Content) -> Section:
    """Write the comparison; absent without a base."""
    comparison = content.comparison
    if comparison is None:
        return Section("comparison", "Comparison", absent="There is no base to compare with (assay report RUN --base RUN).")
    rows = sorted(comparison.rows, key=lambda row: (STATUSES.index(row.status), -abs(row.change or 0.0)))
    counts = ", ".join(f"{number} {status}" for status, number in comparison.counts.items()) or "nothing in common was measured"
    limits = f"A change matters over {percent(comparison.min_effect)} and {quantity(comparison.min_seconds, 's')}."
    head = element("p", f"{names(comparison.head)} against {names(comparison.base)}: ", element("b", counts), f". {limits}")
    notes = element("ul", [element("li", note) for note in comparison.notes]) if comparison.notes else None
    table = Table("Comparison, worst first", COLUMNS, [row_cells(row) for row in rows], numeric=NUMERIC).markup() if rows else None
    return Section("comparison", "Comparison", joined(head, notes, forest(comparison, rows, case_names(content.judgement.cases)), table))


def row_cells(row: Compared) -> Row:
    """Write one row."""
    interval = "" if row.interval is None else "..".join(map(signed, row.interval))
    return [
        row.key,
        Cell(row.status, STATUSES.index(row.status), MOODS[row.status]),
        row.subject,
        Cell("" if row.base is None else quantity(row.base, row.unit), row.base),
        Cell("" if row.head is None else quantity(row.head, row.unit), row.head),
        Cell("" if row.change is None else signed(row.change), row.change),
        Cell(interval),
        Cell(f"{row.n_base} / {row.n_head}", row.n_head),
        row.reason,
    ]


def forest(comparison: Comparison, rows: list[Compared], named: Mapping[str, str]) -> Markup | None:
    """Draw the largest changes with their intervals, worst first, between lines at the smallest change that matters."""
    drawn = [row for row in rows if row.change is not None][:FOREST]
    if not drawn:
        return None
    low, high = -comparison.min_effect, comparison.min_effect
    x = scale([low, high, *(row.change or 0.0 for row in drawn)], NAME, WIDTH - RIGHT, log=False)
    bottom = 6 + LINE * len(drawn)
    marks = x_axis(x, top=2, bottom=bottom, label="change of the time, head against base", text=lambda v: f"{v:+.0%}")
    marks += [element("path", d=f"M{x(edge):.1f} 2V{bottom}", class_="limit") for edge in (low, high)]
    for i, row in enumerate(drawn):
        marks += forest_row(
            row, named.get(row.key, row.key), x(row.change or 0.0), [x(end) for end in row.interval or ()], y=4 + LINE * i + LINE / 2
        )
    said = f"The {len(drawn)} worst of {len(rows)} rows; dashed: the smallest change that matters. Long intervals are cut at the edge."
    table = Table("Changes", COLUMNS, [row_cells(row) for row in drawn], numeric=NUMERIC, small=True)
    figure = Figure("forest", "Changes against the base", said, marks, table, height=bottom + BOTTOM)
    return element("div", figure.markup(), class_="cards wide")


def forest_row(row: Compared, name: str, at: float, ends: list[float], *, y: float) -> list[Markup]:
    """Draw one change."""
    text = fitted(f"{name} {row.subject}", LONG_NAME)
    mood = MOODS[row.status] or "plain"
    line = element("path", d=f"M{ends[0]:.1f} {y:.1f}H{ends[1]:.1f}", class_=f"span fill-{mood}") if ends else None
    dot = element("path", d=f"M{at:.1f} {y:.1f}h0", class_=f"dot big fill-{mood}")
    return [element("text", element("title", row.key), text, x=2, y=f"{y + 3.5:.1f}"), *([line] if line else []), dot]
