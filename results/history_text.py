"""A history as text: what changed newest first, each with a strip, its figures and its likely cause."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from assay.results.breaks import Break
from assay.results.changepoint import BLOCKS, SHORT, Segmentation
from assay.results.history import Finding, History
from assay.results.report import finish
from assay.results.series import Series
from assay.results.strip import strip
from assay.results.units import plain, quantity, signed

RED, GREEN, YELLOW, BOLD = "31", "32", "33", "1"
MOST = 40
REVISION = 12
Line = tuple[str, str]


def render_history(history: History, *, color: bool, heights: str, steady: bool = False) -> str:
    """Write a history; ``steady`` also lists the series without a change. ``heights`` are eight characters from low to high."""
    lines = [(headline(history), BOLD), *((f"  note: {plain(note)}", YELLOW) for note in history.timeline.notes)]
    cuts = dict(zip((one.identity for one in history.timeline.series), history.segmentations, strict=True))
    for finding in history.shown[:MOST]:
        lines += finding_lines(finding, cuts[finding.series.identity], heights=heights)
    lines += more(len(history.shown), "changes")
    for one in history.breaks[:MOST]:
        lines += break_lines(one)
    lines += more(len(history.breaks), "new series")
    if steady:
        lines += list(steady_lines(history, heights))
    return finish(lines, color=color)


def headline(history: History) -> str:
    """Say how much was looked at and what was found."""
    series, runs = len(history.timeline.series), len(history.timeline.runs)
    counted = Counter(finding.change.level for finding in history.findings)
    found = [
        f"{counted[level]} {level}{'s' * (counted[level] != 1)}" for level in ("alert", "notice") if counted[level] or level == "alert"
    ]
    found += [f"{counted['inconclusive']} inconclusive"] if counted["inconclusive"] else []
    short = f"; {series - history.judged} too short for an alert" if series > history.judged else ""
    return f"history of {history.metric}: {series} series in {runs} runs: {', '.join(found)}{short}"


def more(count: int, what: str) -> list[Line]:
    """Say how many are not shown."""
    return [(f"  ... and {count - MOST} more {what} (--json has all)", "")] if count > MOST else []


def finding_lines(finding: Finding, cut: Segmentation, *, heights: str) -> list[Line]:
    """Write one change."""
    series, change = finding.series, finding.change
    word = {True: "worse", False: "better", None: "changed"}[finding.worse]
    sure = change.level in {"alert", "notice"}
    style = (RED if finding.worse is not False else GREEN) if change.level == "alert" else YELLOW
    step = step_text(change.effect, change.before, change.after, series.unit)
    past = "" if finding.newest else ", since then changed again"
    commit = f", commit {finding.commit[:REVISION]}" if finding.commit else ""
    return [
        (plain(f"{change.level:12} {word:7} {step}  {series.name}"), style),
        (f"  {strip(series.values, [one.index for one in cut.changes], heights=heights)}  {counted(series, cut)}", ""),
        (plain(f"  {change.n_before} runs before, {change.n_after} after, first {finding.run}{commit}{past}"), ""),
        (plain(f"  {finding.cause.kind}: {'; '.join(finding.cause.evidence)}"), "" if sure else YELLOW),
    ]


def step_text(effect: float | None, before: float, after: float, unit: str) -> str:
    """Write a step with its unit."""
    change = signed(effect) if effect is not None else "from nothing"
    return f"{change}  {quantity(before, unit)} -> {quantity(after, unit)}"


def counted(series: Series, cut: Segmentation) -> str:
    """Say how many runs, gaps, and how far runs scatter without the changes; and how it was tested where not by the table."""
    gaps = f", {series.gaps} gap{'s' * (series.gaps != 1)}" if series.gaps else ""
    memory = f", runs resemble the one before ({cut.autocorrelation:.2f})" if cut.test in {BLOCKS, SHORT} and cut.autocorrelation else ""
    return f"{len(series.values)} runs{gaps}, spread {100 * cut.spread:.2g} %{memory}"


def break_lines(one: Break) -> list[Line]:
    """Write where a series ended and its kin went on."""
    step = step_text(one.effect, one.before, one.after, one.series.unit)
    return [
        (plain(f"{'new series':12} {'':7} {step}  {one.series.name}"), ""),
        (plain(f"  {one.n_before} runs before, {one.n_after} after, first {one.run}; not judged, the two are no one series"), ""),
        (plain(f"  {one.cause.kind}: {'; '.join(one.cause.evidence)}"), ""),
    ]


def steady_lines(history: History, heights: str) -> Iterator[Line]:
    """Yield the series without any change, with where they stand."""
    pairs = [pair for pair in zip(history.timeline.series, history.segmentations, strict=True) if not pair[1].changes]
    for series, cut in pairs[:MOST]:
        yield plain(f"{'steady':12} {quantity(cut.medians[-1], series.unit)}  {series.name}"), ""
        yield f"  {strip(series.values, [], heights=heights)}  {counted(series, cut)}", ""
    yield from more(len(pairs), "steady series")
