"""What the devices told over the run: power, temperature and clock of each, over the time that was sampled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assay.results.coverage import cases as words_for
from assay.results.html.element import element, joined
from assay.results.html.figure import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Figure, axes, line
from assay.results.html.scale import scale
from assay.results.html.section import Section
from assay.results.html.table import Cell, Row, Table
from assay.results.record import finite_float
from assay.results.report_content import Content
from assay.results.telemetry import NO_THROTTLE, NUMBERS, column, rows, spread
from assay.results.telemetry import Row as Told
from assay.results.telemetry_text import SHOWN
from assay.results.units import digits

MOST_POINTS, DEVICES = 300, 16
Samples = list[tuple[float, float]]


def telemetry_section(content: Content) -> Section:
    """Draw each device's readings, case after case; absent with the reason that the run gives."""
    told = told_by_device(content)
    known = {rank: cases for rank, cases in told.items() if any(row.get("source", "none") != "none" for _, row in cases)}
    if not known:
        reasons = sorted({str(row.get("reason", "")) for cases in told.values() for _, row in cases} - {""})
        why = "; ".join(reasons) or "the run was made without it"
        return Section("telemetry", "Device telemetry", absent=f"There is no telemetry of the devices: {why}.")
    figures = [
        figure.markup() for rank, cases in [*known.items()][:DEVICES] for name in NUMBERS if (figure := reading_figure(rank, name, cases))
    ]
    said = "Samples of one case follow those of the case before; the time between cases was not sampled."
    if len(known) > DEVICES:
        said += f" Drawn are the first {DEVICES} of {len(known)} devices."
    return Section("telemetry", "Device telemetry", joined(element("p", said), element("div", figures, class_="cards")))


def told_by_device(content: Content) -> dict[int, list[tuple[str, Told]]]:
    """Give the telemetry of each rank's device: (key of the case, row) in the plan's order."""
    found: dict[int, list[tuple[str, Told]]] = {}
    for case in content.judgement.cases:
        measurement = content.judgement.measurements.get(case["key"])
        for rank, row in enumerate(rows(measurement) if measurement is not None else []):
            found.setdefault(rank, []).append((str(case["key"]), row))
    return found


def sampled(row: Told, name: str) -> Samples:
    """Give (seconds, value) of one reading in one case."""
    seconds = [finite_float(at) for at in (row.get("samples") or {}).get("seconds") or []]
    pairs = zip(seconds, map(finite_float, column(row, name)), strict=False)
    return [(at, value) for at, value in pairs if at is not None and value is not None]


@dataclass(frozen=True)
class Chain:
    """Samples of all cases behind each other, where each case begins, and where the clock was held down (with the reasons)."""

    samples: Samples
    begins: list[float]
    throttled: list[tuple[float, tuple[str, ...]]]


def chained(cases: Sequence[tuple[str, Told]], name: str) -> Chain:
    """Put the samples of one reading behind each other."""
    found = Chain([], [], [])
    end = 0.0
    for _, row in cases:
        own = sampled(row, name)
        if not own:
            continue
        shift = end - own[0][0]
        found.begins.append(end)
        found.samples.extend((at + shift, value) for at, value in own)
        found.throttled.extend((at + shift, reasons) for at, reasons in throttling(row))
        end = found.samples[-1][0] + (finite_float(row.get("period_seconds")) or 0.0)
    return found


def throttling(row: Told) -> list[tuple[float, tuple[str, ...]]]:
    """Give (seconds, reasons) of the samples in which a clock was held down; idleness and limits by choice are none."""
    told = zip((row.get("samples") or {}).get("seconds") or [], column(row, "throttle"), strict=False)
    known = [(float(at), tuple(str(reason) for reason in names if reason not in NO_THROTTLE)) for at, names in told if names]
    return [(at, reasons) for at, reasons in known if reasons]


def thinned(samples: Samples, most: int) -> Samples:
    """Keep the lowest and the highest sample of each of ``most`` / 2 stretches, so that no spike is lost."""
    if len(samples) <= most:
        return samples
    size = -(-2 * len(samples) // most)
    kept: Samples = []
    for start in range(0, len(samples), size):
        stretch = samples[start : start + size]
        kept += sorted({min(stretch, key=lambda sample: sample[1]), max(stretch, key=lambda sample: sample[1])})
    return kept


def reading_figure(rank: int, name: str, cases: Sequence[tuple[str, Told]]) -> Figure | None:
    """Draw one reading of one device; None where it was never sampled."""
    chain = chained(cases, name)
    samples, begins = chain.samples, chain.begins
    if not samples:
        return None
    shown = thinned(samples, MOST_POINTS)
    unit = SHOWN[name]
    words = name.rsplit("_", 1)[0].replace("_", " ")
    x = scale([at for at, _ in shown], LEFT, WIDTH - RIGHT, log=False)
    y = scale([value for _, value in shown], HEIGHT - BOTTOM, TOP, log=False)
    drawing = axes(x, y, xlabel="sampled time, s", ylabel=f"{words}, {unit}", xtext=digits, ytext="{:g}".format)
    drawing += [element("path", d=f"M{x(begin):.1f} {HEIGHT - BOTTOM}v-4", class_="median") for begin in begins]
    drawing.append(line([(x(at), y(value)) for at, value in shown], "s0"))
    held = chain.throttled if name == "sm_clock_mhz" else []
    drawing += [element("path", d="".join(f"M{x(at):.1f} {TOP}v6" for at, _ in held), class_="held")] if held else []
    values = [value for _, value in samples]
    cut = f", {len(shown)} drawn (lowest and highest of each stretch)" if len(shown) < len(samples) else ""
    when = f"{len(begins)} {words_for(len(begins))} (ticks below).{held_text(held)}"
    said = f"{min(values):g}..{max(values):g} {unit}, n = {len(samples)}{cut}, {when}"
    return Figure(f"device-{rank}-{words.replace(' ', '-')}", f"device{rank}: {words}", said, drawing, numbers(rank, name, cases))


def held_text(held: Sequence[tuple[float, tuple[str, ...]]]) -> str:
    """Say in how many samples the clock was held down, and why."""
    reasons = ", ".join(dict.fromkeys(reason for _, names in held for reason in names))
    return f" Throttled in {len(held)} samples (ticks on top): {reasons}." if held else ""


def numbers(rank: int, name: str, cases: Sequence[tuple[str, Told]]) -> Table:
    """Give the spread of a reading in the timed part of each case."""
    columns = ("case", "n", "min", "median", "max")
    rows_: list[Row] = []
    for key, row in cases:
        found = spread(row, name)
        shown = [Cell("", None)] * 4 if found is None else [Cell(f"{found[part]:g}", found[part]) for part in columns[1:]]
        rows_.append([key, *shown])
    return Table(f"device{rank}, {name}, in the timed parts", columns, rows_, numeric=frozenset(columns[1:]), small=True)
