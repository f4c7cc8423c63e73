"""A history as text: what changed newest first, each with a strip, its figures and its likely cause."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from statistics import median

from assay.results.breaks import Break
from assay.results.changepoint import BLOCKS, SHORT, Segmentation
from assay.results.events import NEARBY
from assay.results.finding import DIRTY, Finding
from assay.results.history import History
from assay.results.report import finish
from assay.results.series import Series
from assay.results.strip import strip
from assay.results.units import plain, quantity, signed

RED, GREEN, YELLOW, BOLD = "31", "32", "33", "1"
MOST = 40
CHANCE = 0.0025  # clean series that have an alert: by the whole, inside windows, among the newest runs
FEW, NAMED = 5, 3  # an event of fewer series is told whole, else its largest
REVISION = 12
Line = tuple[str, str]


def render_history(history: History, *, color: bool, heights: str, steady: bool = False) -> str:
    """Write a history; ``steady`` also lists the series without a change. ``heights`` are eight characters from low to high."""
    lines = [(headline(history), BOLD), *((f"  note: {plain(note)}", YELLOW) for note in history.timeline.notes)]
    cuts = dict(zip((one.identity for one in history.timeline.series), history.segmentations, strict=True))
    events = clustered(history.shown)
    for event in events[:MOST]:
        lines += event_lines(event)
        for finding in event[: len(event) if len(event) < FEW else NAMED]:
            lines += finding_lines(finding, cuts[finding.series.identity], heights=heights, alone=len(event) == 1)
    lines += more(len(events), "changes")
    lines += [(plain(f"{'creep':12} worse   {one.sentence}  {one.series.name}"), RED) for one in history.creep[:MOST]]
    lines += more(len(history.creep), "series that crept")
    for one in history.breaks[:MOST]:
        lines += break_lines(one)
    lines += more(len(history.breaks), "new series")
    lines += list(bridge_lines(history))
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
    approved = sum(bool(finding.approved) for finding in history.findings)
    found += [f"{approved} of these approved"] if approved else []
    found += [f"{len(history.creep)} crept"] if history.creep else []
    short = f"; {series - history.judged} too short for an alert" if series > history.judged else ""
    chance = f"; chance alone makes about {CHANCE * series:.0f} alerts among so many" if CHANCE * series >= 1 else ""
    return f"history of {history.metric}: {series} series in {runs} runs: {', '.join(found)}{short}{chance}"


def more(count: int, what: str) -> list[Line]:
    """Say how many are not shown."""
    return [(f"  ... and {count - MOST} more {what} (--json has all)", "")] if count > MOST else []


def clustered(findings: Sequence[Finding]) -> list[list[Finding]]:
    """Put changes of a machine that moved as a whole together, the largest first; every other change stands by itself."""
    events: list[list[Finding]] = []
    for finding in findings:
        event = next((one for one in reversed(events) if finding.together and same_event(one[0], finding)), None)
        if event is None:
            events.append([finding])
        else:
            event.append(finding)
    return [sorted(event, key=lambda one: -abs(one.change.effect or 0.0)) for event in events]


def same_event(one: Finding, other: Finding) -> bool:
    """Tell whether two changes are one event: same hardware, same way, a few runs apart at most."""
    alike = one.together and (one.series.hw_class, one.worse) == (other.series.hw_class, other.worse)
    return alike and abs(one.place - other.place) <= 2 * NEARBY


def event_lines(event: Sequence[Finding]) -> list[Line]:
    """Write what several changes share; nothing for one that stands by itself."""
    if len(event) == 1:
        return []
    first = Counter(one.run for one in event).most_common(1)[0][0]
    kind, evidence = Counter((one.cause.kind, one.cause.evidence) for one in event).most_common(1)[0][0]
    effects = sorted(one.change.effect or 0.0 for one in event)
    span = f"{signed(effects[0])} to {signed(effects[-1])}, median {signed(median(effects))}"
    few = f"; the {NAMED} largest" if len(event) >= FEW else ""
    return [
        (plain(f"{len(event)} series moved together at {first}: {span}{few}"), BOLD),
        (plain(f"  {kind}: {'; '.join(evidence)}"), ""),
    ]


def finding_lines(finding: Finding, cut: Segmentation, *, heights: str, alone: bool) -> list[Line]:
    """Write one change; its cause too where it stands alone."""
    series, change = finding.series, finding.change
    word = {True: "worse", False: "better", None: "changed"}[finding.worse]
    sure = change.level in {"alert", "notice"}
    style = YELLOW if finding.approved or change.level != "alert" else RED if finding.worse is not False else GREEN
    step = step_text(change.effect, change.before, change.after, series.unit)
    past = "" if finding.stands else ", undone since"
    commit = f", commit {finding.commit[:REVISION]}" if finding.commit else ""
    dirty = " with changes of its own" if finding.commit.endswith(DIRTY) else ""
    span = f", 95 % interval {signed(change.interval[0])} to {signed(change.interval[1])}" if change.interval else ""
    cause = [(plain(f"  {finding.cause.kind}: {'; '.join(finding.cause.evidence)}"), "" if sure else YELLOW)] if alone else []
    return [
        (plain(f"{change.level:12} {word:7} {step}  {series.name}"), style),
        (f"  {strip(series.values, [one.index for one in cut.changes], heights=heights)}  {counted(series, cut)}", ""),
        (plain(f"  {change.n_before} runs before, {change.n_after} after{span}; first {finding.run}{commit}{dirty}{past}"), ""),
        *cause,
        *([(plain(f"  {finding.approved}"), "")] if finding.approved else []),
        *([(plain(f"  {finding.bridge}"), YELLOW if finding.bridge.startswith("no ") else "")] if finding.bridge else []),
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


def bridge_lines(history: History) -> Iterator[Line]:
    """Yield, for each bridge, how many series it carried, at which run, and by which factors."""
    told: dict[tuple[str, str, str], list[float]] = {}
    for series in history.timeline.series:
        for one in series.carried:
            told.setdefault((one.bridge, history.timeline.runs[series.places[one.index]].id, one.differs), []).append(one.factor)
    for (bridge, run, differs), factors in told.items():
        span = f"factors {min(factors):.4g} to {max(factors):.4g}" if len(factors) > 1 else f"factor {factors[0]:.4g}"
        yield plain(f"{len(factors)} series carried over by bridge {bridge} at {run}, {span}: {differs}"), ""


def steady_lines(history: History, heights: str) -> Iterator[Line]:
    """Yield the series without any change, with where they stand."""
    pairs = [pair for pair in zip(history.timeline.series, history.segmentations, strict=True) if not pair[1].changes]
    for series, cut in pairs[:MOST]:
        yield plain(f"{'steady':12} {quantity(cut.medians[-1], series.unit)}  {series.name}"), ""
        yield f"  {strip(series.values, [], heights=heights)}  {counted(series, cut)}", ""
    yield from more(len(pairs), "steady series")
