"""Roofline (Williams, Waterman and Patterson, CACM 52(4), 2009): attainable rate over arithmetic intensity, beside what was reached."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from assay.results.coverage import cases
from assay.results.html.element import element, joined
from assay.results.html.figure import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Figure, axes, legend, points, style_of
from assay.results.html.scale import Scale, scale
from assay.results.html.section import Section
from assay.results.html.table import Cell, Row, Table
from assay.results.limits import Limit, canonical
from assay.results.record import Record, finite_float
from assay.results.report_content import Content
from assay.results.units import digits, percent, quantity

ABSENT = "No case of this run has both operations and bytes of memory with a figure, so there is nothing to place under a roof."


@dataclass(frozen=True)
class Place:
    """One case: FLOP a byte, the rate of its slowest device, and the resource that limits it."""

    key: str
    suite: str
    intensity: float
    record: Record
    resource: str


def roofline_section(content: Content) -> Section:
    """Draw all cases that compute, one style a suite, under the roofs that are known."""
    places = placed(content)
    if not places:
        return Section("roofline", "Roofline", absent=ABSENT)
    figure = roofline_figure(places, content.limits)
    return Section("roofline", "Roofline", element("div", figure.markup(), class_="cards wide"))


def placed(content: Content) -> list[Place]:
    """Give the places of all cases with operations, bytes and a rate; intensity is flops / memory_nbytes of one step."""
    records, found = content.records, []
    for key, measurement in content.judgement.measurements.items():
        flops, nbytes = finite_float(measurement.volume.flops), finite_float(measurement.volume.memory_nbytes)
        rates = [record for record in records.get(key, []) if record.metric == "flop_rate" and record.value > 0]
        if flops and nbytes and flops > 0 and nbytes > 0 and rates:
            slowest = min(rates, key=lambda record: record.value)
            found.append(Place(key, measurement.case.suite, flops / nbytes, slowest, canonical(str(measurement.volume.resource))))
    return found


def attainable(place: Place, limits: Mapping[str, Limit]) -> float | None:
    """Give min(peak of the arithmetic, intensity x memory rate); None where neither is known."""
    known = []
    if place.resource in limits:
        known.append(limits[place.resource].value)
    if "memory" in limits:
        known.append(limits["memory"].value * place.intensity)
    return min(known, default=None)


def roofline_figure(places: Sequence[Place], limits: Mapping[str, Limit]) -> Figure:
    """Draw one roofline on logarithmic axes."""
    suites = list(dict.fromkeys(place.suite for place in places))
    peaks = {name: limits[name] for name in dict.fromkeys(place.resource for place in places) if name in limits}
    memory = limits.get("memory")
    ridges = [peak.value / memory.value for peak in peaks.values()] if memory else []
    intensities = [*(place.intensity for place in places), *ridges]
    x = scale([min(intensities) / 2, max(intensities) * 2], LEFT, WIDTH - RIGHT, log=True)
    y = scale([*(place.record.value for place in places), *(peak.value for peak in peaks.values())], HEIGHT - BOTTOM, TOP, log=True)
    drawing = axes(
        x,
        y,
        xlabel="intensity, FLOP a byte of memory",
        ylabel="FLOP/s",
        xtext=lambda v: f"{v:g}",
        ytext=lambda v: quantity(v, "FLOP/s").removesuffix("FLOP/s"),
    )
    drawing += roofs(x, y, peaks, memory)
    for number, suite in enumerate(suites):
        drawing.append(points([(x(p.intensity), y(p.record.value)) for p in places if p.suite == suite], f"{style_of(number)} big"))
    said = description(places, peaks, memory)
    return Figure("roof", "Roofline", said, drawing, numbers(places, limits), caption=joined(element("p", said), legend(suites)))


def roofs(x: Scale, y: Scale, peaks: Mapping[str, Limit], memory: Limit | None) -> list[Markup]:
    """Draw each peak as far as the memory lets it reach, and the slope of the memory up to the highest."""
    drawn = []
    for peak in peaks.values():
        start = max(x.low, peak.value / memory.value) if memory else x.low
        drawn.append(element("path", d=f"M{x(start):.1f} {y(peak.value):.1f}H{WIDTH - RIGHT}", class_="limit"))
        drawn.append(element("text", peak.name, x=WIDTH - RIGHT - 3, y=f"{y(peak.value) - 4:.1f}", class_="e limit-name"))
    if memory:
        highest = max((peak.value for peak in peaks.values()), default=y.high)
        ends = [(max(x.low, y.low / memory.value), max(y.low, x.low * memory.value)), (min(x.high, highest / memory.value), 0.0)]
        ends[1] = (ends[1][0], ends[1][0] * memory.value)
        if ends[0][0] < ends[1][0]:
            drawn.append(element("path", d="M" + "L".join(f"{x(at):.1f} {y(rate):.1f}" for at, rate in ends), class_="limit"))
            drawn.append(
                element("text", memory.name, x=f"{x(ends[0][0]) + 6:.1f}", y=f"{max(TOP + 10, y(ends[0][1]) - 8):.1f}", class_="limit-name")
            )
    return drawn


def description(places: Sequence[Place], peaks: Mapping[str, Limit], memory: Limit | None) -> str:
    """Say what the roofs are and how many cases stand under them."""
    roofs_said = [f"{limit.name} {quantity(limit.value, limit.unit)}" for limit in (*peaks.values(), *((memory,) if memory else ()))]
    known = (
        "Roofs: " + ", ".join(roofs_said) if roofs_said else "No roof is known: neither measured by calibration nor stated (hardware=NAME)"
    )
    return f"{len(places)} {cases(len(places))}, the slowest device of each. {known}."


def numbers(places: Sequence[Place], limits: Mapping[str, Limit]) -> Table:
    """Give the figures behind the roofline."""
    columns = ("case", "FLOP/B", "reached", "attainable", "share")
    rows: list[Row] = []
    for place in places:
        most = attainable(place, limits)
        share = None if most is None else place.record.value / most
        rows.append(
            [
                place.key,
                Cell(digits(place.intensity), place.intensity),
                Cell(quantity(place.record.value, place.record.unit), place.record.value),
                Cell("not known" if most is None else quantity(most, "FLOP/s"), most),
                Cell("" if share is None else percent(share), share),
            ]
        )
    return Table("Cases under the roofline", columns, rows, numeric=frozenset(columns[1:]), small=True)
