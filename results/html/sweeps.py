"""Size sweeps: the rate of every size of a message or a matrix, beside the limits that hold for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from assay.results.html.element import element, joined
from assay.results.html.figure import BOTTOM as FOOT
from assay.results.html.figure import HEIGHT, LEFT, RIGHT, TOP, WIDTH, Figure, axes, legend, line, points, style_of
from assay.results.html.scale import scale
from assay.results.html.section import Section
from assay.results.html.table import Cell, Row, Table
from assay.results.record import Record, finite_float
from assay.results.report_content import Content
from assay.results.tables import spelled
from assay.results.units import percent, quantity, size

RATES = ("busbw", "flop_rate", "memory_rate", "algbw")
LINES = 12
MOST = 60


@dataclass(frozen=True)
class Sweep:
    """One drawing: lines of (size, record) by name, smallest size first."""

    suite: str
    parameter: str
    metric: str
    lines: Mapping[str, Sequence[tuple[float, Record]]]


def sweeps_section(content: Content) -> Section:
    """Draw every suite in which one size takes several values while all else stays."""
    found = [sweep for suite in dict.fromkeys(str(c["suite"]) for c in content.judgement.cases) for sweep in sweeps(suite, content)]
    if not found:
        return Section("sweeps", "Size sweeps", absent="No suite of this run has figures at several sizes, so there is no sweep to draw.")
    cut = element("p", f"Only the first {MOST} of {len(found)} sweeps are drawn.") if len(found) > MOST else None
    figures = [sweep_figure(number, sweep).markup() for number, sweep in enumerate(found[:MOST])]
    return Section("sweeps", "Size sweeps", joined(cut, element("div", figures, class_="cards")))


def sweeps(suite: str, content: Content) -> list[Sweep]:
    """Find the sweeps of one suite; of more lines than can be told apart several drawings are made."""
    cases = [case for case in content.judgement.cases if case["suite"] == suite and isinstance(case.get("params"), Mapping)]
    parameter = swept(cases)
    if not parameter:
        return []
    records = content.records
    rates = [record for case in cases for record in records.get(case["key"], []) if record.metric in RATES]
    metric = next((name for name in RATES if any(record.metric == name for record in rates)), "time")
    others = varying(cases, parameter)
    lines: dict[str, list[tuple[float, Record]]] = {}
    for case in cases:
        at, record = finite_float(case["params"].get(parameter)), worst(records.get(case["key"], []), metric)
        if at is not None and at > 0 and record is not None:
            lines.setdefault(named(case["params"], others) or suite, []).append((at, record))
    long = [(name, sorted(places, key=lambda place: place[0])) for name, places in lines.items() if len({at for at, _ in places}) > 1]
    return [Sweep(suite, parameter, metric, dict(long[i : i + LINES])) for i in range(0, len(long), LINES)]


def swept(cases: Sequence[Mapping[str, Any]]) -> str:
    """Name the parameter that is swept: bytes before others, then the number with the most values; empty for none."""
    values: dict[str, set[float]] = {}
    for case in cases:
        for name, value in case["params"].items():
            number = finite_float(value)
            if number is not None and number > 0 and name != "seed":
                values.setdefault(name, set()).add(number)
    known = {name: found for name, found in values.items() if len(found) > 1}
    sizes = [name for name in known if name == "bytes" or name.endswith("nbytes")]
    return sizes[0] if sizes else max(known, key=lambda name: len(known[name]), default="")


def varying(cases: Sequence[Mapping[str, Any]], parameter: str) -> list[str]:
    """Name the other parameters that differ between cases: each combination of them is a line of its own."""
    names = dict.fromkeys(name for case in cases for name in case["params"])
    return [name for name in names if name != parameter and len({repr(case["params"].get(name)) for case in cases}) > 1]


def named(params: Mapping[str, Any], others: Sequence[str]) -> str:
    """Name a line by what sets it apart."""
    return " ".join(spelled(name, params[name]) for name in others if name in params)


def worst(records: Sequence[Record], metric: str) -> Record | None:
    """Give the record of the worst subject: the figure that the whole machine can rely on."""
    own = [record for record in records if record.metric == metric and record.value > 0]
    return min(own, key=lambda record: record.value if record.better == "higher" else -record.value, default=None)


def sweep_figure(number: int, sweep: Sweep) -> Figure:
    """Draw one sweep on logarithmic axes, limits as dashed lines."""
    places = [place for line_places in sweep.lines.values() for place in line_places]
    unit = places[0][1].unit
    limits = {record.limit_name: record.limit for _, record in places if record.limit is not None and record.limit > 0}
    sizes = tuple(sorted({at for at, _ in places}))
    x = replace(scale(sizes, LEFT, WIDTH - RIGHT, log=True), at=sizes)
    y = scale([*(record.value for _, record in places), *limits.values()], HEIGHT - FOOT, TOP, log=True)
    in_bytes = sweep.parameter == "bytes" or sweep.parameter.endswith("nbytes")
    ends = size if in_bytes else "{:g}".format
    drawing = axes(
        x,
        y,
        xlabel=sweep.parameter,
        ylabel=f"{sweep.metric}, {unit}",
        xtext=lambda v: rough(v, in_bytes=in_bytes),
        ytext=lambda v: quantity(v, unit).removesuffix(unit if len(unit) > 1 else ""),
    )
    for name, limit in limits.items():
        drawing.append(element("path", element("title", name), d=f"M{LEFT} {y(limit):.1f}H{WIDTH - RIGHT}", class_="limit"))
        drawing.append(element("text", name, x=WIDTH - RIGHT - 3, y=f"{y(limit) - 4:.1f}", class_="e limit-name"))
    for i, drawn in enumerate(sweep.lines.values()):
        at = [(x(where), y(record.value)) for where, record in drawn]
        drawing += [line(at, style_of(i)), points(at, style_of(i))]
    best = max(places, key=lambda place: place[1].value if place[1].better == "higher" else -place[1].value)
    held = "; ".join(f"{name}: {quantity(limit, unit)}" for name, limit in limits.items()) or "no limit is known"
    said = f"Best {quantity(best[1].value, unit)} at {ends(best[0])}, worst subject of each case. Dashed: {held}."
    title = f"{sweep.suite}: {sweep.metric} over {sweep.parameter}"
    return Figure(
        f"sweep-{number}", title, said, drawing, numbers(title, sweep, ends), caption=joined(element("p", said), legend([*sweep.lines]))
    )


def rough(value: float, *, in_bytes: bool) -> str:
    """Write the value of a grid line in few characters."""
    return size(value).replace(" ", "") if in_bytes else f"{value:g}"


def numbers(title: str, sweep: Sweep, ends: Any) -> Table:
    """Give the figures behind a sweep."""
    columns = ("line", sweep.parameter, "subject", sweep.metric, "95 % of the median", "n", "share of limit")
    rows: list[Row] = []
    for name, places in sweep.lines.items():
        for at, record in places:
            interval = "" if record.interval is None else "..".join(quantity(end, record.unit) for end in record.interval)
            held = "" if record.share is None else f"{percent(record.share)} of {record.limit_name}"
            value = Cell(quantity(record.value, record.unit), record.value)
            rows.append([name, Cell(ends(at), at), record.subject, value, interval, Cell(record.n, record.n), held])
    return Table(title, columns, rows, numeric=frozenset(columns[1:2] + columns[3:6]), small=True)
