"""Waterfalls: the phases of one step where a suite tells them, and where the time of the whole run went."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from assay.harness.measurement import Measurement
from assay.results.coverage import cases
from assay.results.html.element import element, joined
from assay.results.html.figure import BOTTOM, RIGHT, WIDTH, Figure, style_of, x_axis
from assay.results.html.naming import case_names, fitted
from assay.results.html.scale import scale
from assay.results.html.section import Section
from assay.results.html.table import Cell, Row, Table
from assay.results.record import finite_float
from assay.results.report_content import Content
from assay.results.units import digits, duration, time_unit

NAME, LINE, BARS, CASES = 130, 15, 40, 24
LONG_NAME = 22
ABSENT = "No case of this run tells the phases of its step (notes.phases), so there is no waterfall of a step."


@dataclass(frozen=True)
class Phase:
    """One bar: its name, when it begins and how long it lasts, in seconds since the step began."""

    name: str
    start: float
    seconds: float


def waterfall_section(content: Content) -> Section:
    """Draw the phases of every case that tells them, then the wall time of the run case by case."""
    told = [(case, read_phases(content.judgement.measurements.get(case["key"]))) for case in content.judgement.cases]
    known = [(case, phases) for case, phases in told if phases]
    named = case_names(content.judgement.cases)
    figures = [phases_figure(number, named[case["key"]], phases) for number, (case, phases) in enumerate(known[:CASES])]
    run = run_figure(content)
    if not figures and run is None:
        return Section("waterfall", "Waterfall", absent=f"{ABSENT} No case took any time either.")
    note = element("p", ABSENT, class_="absent") if not figures else None
    drawn = [figure.markup() for figure in (*figures, *([run] if run else []))]
    return Section("waterfall", "Waterfall", joined(note, element("div", drawn, class_="cards wide")))


def read_phases(measurement: Measurement | None) -> list[Phase]:
    """Read ``notes.phases``: JSON, a list of {name, seconds, start_seconds?}; empty where it is absent or cannot be read.

    A phase without ``start_seconds`` follows the one before it.
    """
    text = "" if measurement is None else measurement.notes.get("phases", "")
    try:
        rows = json.loads(text) if isinstance(text, str) else text
    except (ValueError, RecursionError):
        return []
    found: list[Phase] = []
    for row in rows if isinstance(rows, list) else []:
        seconds = finite_float(row.get("seconds")) if isinstance(row, Mapping) else None
        if seconds is None or seconds < 0:
            return []
        start = finite_float(row.get("start_seconds"))
        after = found[-1].start + found[-1].seconds if found else 0.0
        found.append(Phase(str(row.get("name", "")), after if start is None else start, seconds))
    return found


def phases_figure(number: int, name: str, phases: Sequence[Phase]) -> Figure:
    """Draw one step."""
    end = max(phase.start + phase.seconds for phase in phases)
    longest = max(phases, key=lambda phase: phase.seconds)
    said = f"{len(phases)} phases in {duration(end)}; the longest is {longest.name} with {duration(longest.seconds)}."
    return bars_figure(f"step-{number}", f"Step of {name}", said, phases)


def run_figure(content: Content) -> Figure | None:
    """Draw the wall time of the cases in the plan's order, one behind the other."""
    phases, at = [], 0.0
    named = case_names(content.judgement.cases)
    for case in content.judgement.cases:
        measurement = content.judgement.measurements.get(case["key"])
        seconds = None if measurement is None else finite_float(measurement.seconds)
        if seconds is not None and seconds > 0:
            phases.append(Phase(named[case["key"]], at, seconds))
            at += seconds
    if not phases:
        return None
    shown = (
        phases if len(phases) <= BARS else sorted(sorted(phases, key=lambda phase: -phase.seconds)[:BARS], key=lambda phase: phase.start)
    )
    cut = f" Drawn are the {BARS} longest of {len(phases)} cases." if len(phases) > BARS else ""
    return bars_figure(
        "wall",
        "Where the time of the run went",
        f"{len(phases)} {cases(len(phases))} took {duration(at)}, all included.{cut}",
        shown,
    )


def bars_figure(ident: str, title: str, said: str, phases: Sequence[Phase]) -> Figure:
    """Draw bars over time, the first on top."""
    unit, name = time_unit(max((phase.start + phase.seconds for phase in phases), default=1.0) or 1.0)
    x = scale([0.0, *((phase.start + phase.seconds) / unit for phase in phases)], NAME, WIDTH - RIGHT, log=False, zero=True)
    bottom = 6 + LINE * len(phases)
    drawing: list[Markup] = x_axis(x, top=2, bottom=bottom, label=name, text=digits)
    for i, phase in enumerate(phases):
        drawing += bar(i, phase, x(phase.start / unit), x((phase.start + phase.seconds) / unit))
    rows: list[Row] = [
        [phase.name, Cell(duration(phase.start), phase.start), Cell(duration(phase.seconds), phase.seconds)] for phase in phases
    ]
    table = Table(title, ("phase", "begins", "lasts"), rows, numeric=frozenset({"begins", "lasts"}), small=True)
    return Figure(ident, title, said, drawing, table, height=bottom + BOTTOM)


def bar(number: int, phase: Phase, left: float, right: float) -> list[Markup]:
    """Draw one bar with its name before it."""
    name = fitted(phase.name, LONG_NAME)
    top = 4 + LINE * number
    told = element("title", f"{phase.name}: {duration(phase.seconds)}")
    shape = element(
        "rect", told, x=f"{left:.1f}", y=top + 1, width=f"{max(right - left, 1):.1f}", height=LINE - 4, class_=f"bar-{style_of(0)}"
    )
    return [element("text", name, x=NAME - 4, y=top + 10, class_="e"), shape]
