"""Sample plots: every case's repetitions as a strip of points, and the share that was as fast (empirical distribution function)."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup

from assay.harness.measurement import Measurement
from assay.results.html.element import element, joined
from assay.results.html.figure import BOTTOM, LEFT, RIGHT, WIDTH, Figure, legend, points, style_of, x_axis
from assay.results.html.naming import case_names
from assay.results.html.scale import Scale, scale
from assay.results.html.section import Section
from assay.results.html.table import Cell, Row, Table
from assay.results.metrics import series
from assay.results.report_content import Content
from assay.results.spread import summarise
from assay.results.truth import figures_doubt
from assay.results.units import digits, duration, time_unit

# Points in all plots of a page together, and in one plot: what keeps 1,000 cases under 6 MB.
ALL_POINTS, FEWEST, MOST_POINTS = 40_000, 24, 240
MOST_PLOTS, SUBJECTS = 1_200, 4
MANY, SUBJECTS_OF_MANY = 200, 2  # with more cases than this fewer devices of each are drawn
STRIP, CDF = 16, 110
Drawn = tuple[str, Sequence[float]]  # subject, its seconds


def samples_section(content: Content) -> Section:
    """Draw every measured case, one group a suite; slowest subjects only where there are many."""
    cases = [(i, case, content.judgement.measurements.get(str(case["key"]))) for i, case in enumerate(content.judgement.cases)]
    drawable = [(i, case, found) for i, case, found in cases if found is not None and subjects(found)]
    if not drawable:
        return Section("samples", "Samples", absent="No case has samples that could be drawn.")
    kept = drawable[:MOST_PLOTS]
    devices = SUBJECTS if len(kept) <= MANY else SUBJECTS_OF_MANY
    most = min(MOST_POINTS, max(FEWEST, ALL_POINTS // len(kept)))
    said = [
        f"Each point is one repetition; of longer series at most {most} points are drawn, evenly spaced by rank, both ends included.",
        f"Of several devices the {devices} slowest are drawn.",
    ]
    if len(drawable) > len(kept):
        said.append(f"Only the first {len(kept)} of {len(drawable)} cases are drawn, to keep this page small; the tables have all.")
    groups, named = [], case_names(content.judgement.cases)
    for suite in dict.fromkeys(str(case["suite"]) for _, case, _ in kept):
        own = [(i, str(case["key"]), found) for i, case, found in kept if case["suite"] == suite]
        figures = [case_figure(i, named[key], subjects(found, devices), found, most).markup() for i, key, found in own]
        title = element("summary", f"{suite}: {len(own)} {'case' if len(own) == 1 else 'cases'}")
        groups.append(element("details", title, element("div", figures, class_="cards"), open=len(kept) <= 40))  # noqa: PLR2004 - a page
    return Section("samples", "Samples", joined(element("p", " ".join(said)), groups))


def subjects(measurement: Measurement, most: int = SUBJECTS) -> list[Drawn]:
    """Give what is drawn of a case: its slowest subjects, slowest first; none where its figures are in doubt or it was not measured."""
    if measurement.status != "measured" or figures_doubt(measurement):
        return []
    known = [(subject, seconds) for subject, seconds, _ in series(measurement) if seconds]
    return sorted(known, key=lambda drawn: -summarise(drawn[1]).value)[:most]


def thinned(seconds: Sequence[float], most: int) -> list[tuple[float, float]]:
    """Give at most ``most`` (share at or below, seconds) of the sorted series, evenly spaced by rank, both ends included."""
    ordered = sorted(seconds)
    n = len(ordered)
    places = range(n) if n <= most else dict.fromkeys(round(i * (n - 1) / (most - 1)) for i in range(most))
    return [((place + 1) / n, ordered[place]) for place in places]


def case_figure(number: int, title: str, drawn: Sequence[Drawn], measurement: Measurement, most: int) -> Figure:
    """Draw one case: one strip a subject, then their distribution functions over the same axis."""
    each = max(FEWEST // 2, most // len(drawn))
    unit, name = time_unit(max(max(seconds) for _, seconds in drawn))
    thin = [thinned(seconds, each) for _, seconds in drawn]
    x = scale([value / unit for series in thin for _, value in series], LEFT, WIDTH - RIGHT)
    strips = 6 + STRIP * len(drawn)
    bottom = strips + 8 + CDF
    drawing = [
        *x_axis(x, top=2, bottom=bottom, label=f"one step, {name}", text=digits),
        *strip_marks(x, thin, unit, drawn),
        *distribution_marks(x, thin, unit, top=strips + 8),
    ]
    return Figure(
        f"case-{number}",
        title,
        described(drawn, measurement),
        drawing,
        numbers(measurement.case.key, drawn),
        caption=joined(element("p", described(drawn, measurement)), legend([subject for subject, _ in drawn]) if len(drawn) > 1 else None),
        height=bottom + BOTTOM,
    )


def strip_marks(x: Scale, thin: Sequence[Sequence[tuple[float, float]]], unit: float, drawn: Sequence[Drawn]) -> list[Markup]:
    """Draw the strips: points moved up and down by the golden ratio so that they lie beside each other, and a line at the median."""
    marks = []
    for row, values in enumerate(thin):
        top = 4 + STRIP * row
        places = [(x(value / unit), top + 2 + (STRIP - 5) * (i * 0.618034 % 1)) for i, (_, value) in enumerate(values)]
        middle = x(summarise(drawn[row][1]).value / unit)
        marks += [points(places, style_of(row)), element("path", d=f"M{middle:.1f} {top}v{STRIP - 1}", class_="median")]
    return marks


def distribution_marks(x: Scale, thin: Sequence[Sequence[tuple[float, float]]], unit: float, *, top: float) -> list[Markup]:
    """Draw the distribution functions, 0 at the bottom and 1 at the top, with lines at 0, 0.5 and 1."""
    y = Scale(0.0, 1.0, top + CDF, top + 3)
    shares = (0.0, 0.5, 1.0)
    marks = [
        element("path", d="".join(f"M{LEFT} {y(share):.1f}H{WIDTH - RIGHT}" for share in shares), class_="grid"),
        *(element("text", f"{share:.0%}", x=LEFT - 4, y=f"{y(share) + 3.5:.1f}", class_="e") for share in shares),
    ]
    return marks + [element("path", d=steps(values, x, y, unit), class_=f"line {style_of(row)}") for row, values in enumerate(thin)]


def steps(values: Sequence[tuple[float, float]], x: Scale, y: Scale, unit: float) -> str:
    """Write an empirical distribution function as a path: it rises where a repetition lies and is level in between."""
    rises = "".join(f"H{x(value / unit):.1f}V{y(share):.1f}" for share, value in values)
    return f"M{x(values[0][1] / unit):.1f} {y(0.0):.1f}{rises}"


def described(drawn: Sequence[Drawn], measurement: Measurement) -> str:
    """Say what a plot shows."""
    subject, seconds = drawn[0]
    spread = summarise(seconds)
    known = f" (95 % {duration(spread.ci_lo)}..{duration(spread.ci_hi)})" if spread.ci_lo is not None and spread.ci_hi is not None else ""
    among = f", slowest of {len(measurement.samples.rows)}" if subject != "cluster" and len(measurement.samples.rows) > 1 else ""
    left = f"; {measurement.samples.dropped}" if measurement.samples.dropped else ""
    ends = f"{duration(spread.min)}..{duration(spread.max)}"
    return f"Median {duration(spread.value)}{known}, {ends}, n = {spread.n}, {subject}{among}{left}."


def numbers(key: str, drawn: Sequence[Drawn]) -> Table:
    """Give the quantiles behind a plot."""
    shares = (0.0, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)
    columns = ["subject", "n", "min", "25 %", "50 %", "75 %", "95 %", "99 %", "max"]
    rows: list[Row] = []
    for subject, seconds in drawn:
        ordered = sorted(seconds)
        found = [ordered[max(0, math.ceil(share * len(ordered)) - 1)] for share in shares]
        rows.append([subject, Cell(len(ordered)), *(Cell(duration(value)) for value in found)])
    return Table(key, columns, rows, numeric=frozenset(columns[1:]), small=True)
