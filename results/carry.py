"""Carrying a series across a change of driver or library: its older values times the factor of a bridge that was measured between the two.

A step at a bridge is then what the software does not explain. The factor has an interval of its own, and a step that this could make is
never an alert.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from assay.results.bridge import SOFTWARE_FACTS, Stored, read_bridges
from assay.results.cause import Facts, short
from assay.results.changepoint import Change, Segmentation
from assay.results.series import Carry, Series, Timeline
from assay.results.store import Store
from assay.results.surprise import OPEN

NEAR = 3  # runs by which a change may miss the run that changed the software
NORMAL_975, NORMAL_995, NORMAL_9995 = 1.960, 2.576, 3.291  # two-sided 5 %, and the errors of a notice and of an alert
Software = Mapping[str, str]


def carry_over(store: Store, timeline: Timeline, facts: Callable[[int], Facts]) -> Timeline:
    """Carry every series of times or rates over the bridges of its store; what cannot be used of them is a note."""
    bridges, problems = read_bridges(store)
    if not bridges:
        return replace(timeline, notes=(*timeline.notes, *problems))
    known = [software_of(facts(place)) for place in range(len(timeline.runs))]
    series = tuple(carried(one, bridges, known) for one in timeline.series)
    return replace(timeline, series=series, notes=(*timeline.notes, *problems))


def software_of(facts: Facts) -> dict[str, str]:
    """Pick the facts that a bridge may stand between."""
    return {name: value for name, value in facts.items() if name.partition(".")[0] in SOFTWARE_FACTS}


def carried(series: Series, bridges: Sequence[Stored], known: Sequence[Software]) -> Series:
    """Carry one series; as it is where no bridge leads over any change of its software."""
    steps = list(software_steps(series, known)) if series.power else []
    found = [one for step in steps for one in crossing(series, step, bridges)]
    if not found:
        return series
    scale, values = 1.0, list(series.values)
    ends = [*(one.index for one in found), len(values)]
    for at in range(len(found) - 1, -1, -1):
        scale *= found[at].factor
        start = found[at - 1].index if at else 0
        values[start : ends[at]] = [value * scale for value in values[start : ends[at]]]
    return replace(series, values=tuple(values), measured=series.values, carried=tuple(found))


def software_steps(series: Series, known: Sequence[Software]) -> Iterator[tuple[int, Software, Software]]:
    """Yield (index, before, after) with the facts that differ wherever a run's software differs from that of the run before it.

    Runs that wrote no facts down are passed over.
    """
    told = [(i, known[place]) for i, place in enumerate(series.places) if known[place]]
    for (_, before), (i, after) in itertools.pairwise(told):
        if before != after:
            names = [name for name in sorted({*before, *after}) if before.get(name, "") != after.get(name, "")]
            yield i, {name: before.get(name, "") for name in names}, {name: after.get(name, "") for name in names}


def crossing(series: Series, step: tuple[int, Software, Software], bridges: Sequence[Stored]) -> Iterator[Carry]:
    """Yield the newest bridge that leads over a step, forwards or back: exactly the facts that changed must differ between its sides."""
    index, before, after = step
    for one in reversed(bridges):
        told = one.factors.get((series.key, series.subject))
        way = 1 if (one.old, one.new) == (before, after) else -1 if (one.new, one.old) == (before, after) else 0
        if told is not None and told.interval is not None and way and one.hw_class in {"", series.hw_class}:
            factor, *ends = (value ** (way * series.power) for value in (told.factor, *told.interval))
            differs = "; ".join(f"{name} {short(before[name])} -> {short(after[name])}" for name in before)
            yield Carry(index, one.name, factor, (min(ends), max(ends)), differs, tuple(before))
            return


def weighed(series: Series, cut: Segmentation) -> Segmentation:
    """Hold each change at a bridge against what the bridge's own interval could make."""
    return replace(cut, changes=tuple(doubted(one, carry_at(series, one)) for one in cut.changes)) if series.carried else cut


def carry_at(series: Series, change: Change) -> Carry | None:
    """Find the bridge that a change lies at."""
    near = [one for one in series.carried if abs(one.index - change.index) <= NEAR]
    return min(near, key=lambda one: abs(one.index - change.index), default=None)


def doubted(change: Change, at: Carry | None) -> Change:
    """Widen a change's interval by the bridge's, and lower its level to what the step is worth in spreads of the factor.

    The factor's logarithm is taken as Gaussian with the half-width of its interval; both half-widths add as squares, being independent.
    """
    effect = change.effect
    if at is None or effect is None or effect <= -1:
        return change
    low, high = (math.log(end / at.factor) for end in at.interval)
    step, half = math.log1p(effect), (high if effect > 0 else -low)
    interval = change.interval
    if interval is not None:
        below, above = (math.log1p(end) - step for end in interval)
        interval = (math.expm1(step - math.hypot(below, low)), math.expm1(step + math.hypot(above, high)))
    spreads = math.inf if half <= 0 else NORMAL_975 * abs(step) / half
    if spreads >= NORMAL_9995 or change.level == OPEN:
        return replace(change, interval=interval)
    if spreads >= NORMAL_995:
        return replace(change, interval=interval, level="notice")
    why = f"{at.sentence} is not exact enough to tell such a step: measure the bridge with more runs"
    return replace(change, interval=interval, level=OPEN, reason=why)
