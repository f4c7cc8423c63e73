"""History: every series of the run over the earlier runs of its store, with the points at which a new level begins."""

from __future__ import annotations

from collections.abc import Sequence

from assay.results.earlier import Point
from assay.results.html.element import element, joined
from assay.results.html.figure import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Figure, axes, line, points
from assay.results.html.naming import case_names
from assay.results.html.scale import scale
from assay.results.html.section import Section
from assay.results.html.table import Cell, Table
from assay.results.report_content import Content
from assay.results.units import duration, signed

MOST = 60
ABSENT = "The store holds no earlier finished run with the same cases on the same hardware, so there is no history."


def history_section(content: Content) -> Section:
    """Draw the series: those with a change point first, then by how far the last run is from the run before."""
    if not content.history:
        return Section("history", "History", absent=ABSENT)
    ordered = sorted(
        content.history.items(), key=lambda item: (-sum(point.flagged for point in item[1]), -abs(last_change(item[1])), item[0])
    )
    said = [f"Median of one step in each run, oldest first; {len(ordered)} series over at most {max(len(p) for _, p in ordered)} runs."]
    if len(ordered) > MOST:
        said.append(f"Drawn are the {MOST} that changed most.")
    if not any(point.flagged for _, series in ordered for point in series):
        said.append("No change point is marked.")
    named = case_names(content.judgement.cases)
    figures = [
        series_figure(n, f"{named.get(key, key)}, {subject}", series).markup() for n, ((key, subject), series) in enumerate(ordered[:MOST])
    ]
    return Section("history", "History", joined(element("p", " ".join(said)), element("div", figures, class_="cards")))


def last_change(series: Sequence[Point]) -> float:
    """Give the last value against the one before it."""
    return series[-1].value / series[-2].value - 1 if len(series) > 1 and series[-2].value > 0 else 0.0


def series_figure(number: int, title: str, series: Sequence[Point]) -> Figure:
    """Draw one series; change points are squares on a dashed line."""
    x = scale(range(len(series)), LEFT, WIDTH - RIGHT, log=False)
    y = scale([point.value for point in series], HEIGHT - BOTTOM, TOP, log=None)
    drawing = axes(x, y, xlabel="run, oldest first", ylabel="one step", xtext=whole, ytext=duration)
    places = [(x(i), y(point.value)) for i, point in enumerate(series)]
    drawing += [line(places, "s0"), points(places, "s0")]
    for (at, height), point in zip(places, series, strict=True):
        if point.flagged:
            drawing.append(element("path", d=f"M{at:.1f} {TOP}V{HEIGHT - BOTTOM}", class_="limit"))
            drawing.append(
                element(
                    "rect",
                    element("title", f"change at {point.run}"),
                    x=f"{at - 4:.1f}",
                    y=f"{height - 4:.1f}",
                    width=8,
                    height=8,
                    class_="change",
                )
            )
    flagged = [point.run for point in series if point.flagged]
    found = f"new level at {', '.join(flagged)}" if flagged else "no change point"
    said = f"{len(series)} runs, last {duration(series[-1].value)} ({signed(last_change(series))} against the run before), {found}."
    rows = [[point.run, Cell(duration(point.value), point.value), "new level" if point.flagged else ""] for point in series]
    table = Table(title, ("run", "one step", "change"), rows, numeric=frozenset({"one step"}), small=True)
    return Figure(f"series-{number}", title, said, drawing, table)


def whole(value: float) -> str:
    """Write the number of a run, counted from 1; nothing between two runs."""
    return str(round(value) + 1) if abs(value - round(value)) < 0.01 else ""  # noqa: PLR2004 - rounding
