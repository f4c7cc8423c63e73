"""What the baselines of a store say of its history: changes that somebody approved, and what crept since a frozen first segment."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from statistics import median

from assay.harness.errors import StoreError
from assay.results.baseline_check import allowances
from assay.results.baselines import Segment, names, segments
from assay.results.changepoint import Segmentation
from assay.results.cusum import MIN_SEGMENT, NEWEST
from assay.results.finding import Finding
from assay.results.series import Series, Timeline
from assay.results.shift import shift_interval
from assay.results.store import Store
from assay.results.units import signed

NORMAL_995 = 2.576  # a 99 % interval: the error of a notice
Baselines = Mapping[str, Sequence[Segment]]


@dataclass(frozen=True)
class Creep:
    """A series whose newest level is worse than a frozen first segment by more than was approved since, though no one step is all of it.

    ``effect`` and ``accepted`` are shares of the time a step takes (of a rate: of its inverse), ``interval`` is the 99 % one of the effect.
    """

    series: Series
    baseline: str
    when: str
    effect: float
    interval: tuple[float, float]
    accepted: float

    @property
    def sentence(self) -> str:
        """Say it."""
        span = f"99 % interval {signed(self.interval[0])} to {signed(self.interval[1])}"
        allowed = f", of which {signed(self.accepted)} was approved" if self.accepted else ""
        return f"{signed(self.effect)} in time since {self.baseline} of {self.when[:10]} ({span}){allowed}; no one step is all of it"


def read_baselines(store: Store) -> tuple[Baselines, list[str]]:
    """Read every baseline; one that cannot be read approves nothing, and is a note."""
    found, problems = {}, []
    for name in names(store):
        try:
            found[name] = segments(store, name)
        except StoreError as error:
            problems.append(f"baseline {name} approves nothing here: {error}")
    return found, problems


def approve(findings: Sequence[Finding], baselines: Baselines, timeline: Timeline, *, min_effect: float) -> list[Finding]:
    """Mark the changes that lie between two segments of a baseline and that its newer one took in."""
    place = {info.id: i for i, info in enumerate(timeline.runs)}
    of: dict[tuple[str, str, str], list[Finding]] = {}
    for one in findings:
        of.setdefault(one.series.identity, []).append(one)
    said: dict[int, str] = {}
    for own in of.values():
        for found in baselines.values():
            for before, after in itertools.pairwise(found):
                said |= between(own, before, after, place, min_effect)
    return [replace(one, approved=said.get(id(one), "")) for one in findings]


def between(own: Sequence[Finding], before: Segment, after: Segment, place: Mapping[str, int], min_effect: float) -> dict[int, str]:
    """Give, by the id of the finding, who approved the changes of one series between two segments and why; nothing where they are more.

    A change for the worse needs an approval of its own case, and all changes between the two together must not be certainly larger than
    what was approved.
    """
    series = own[0].series
    old, new = (middle(series, one, place) for one in (before, after))
    if old is None or new is None or not series.power or any(fnmatch(series.key, glob) for glob in after.excluded):
        return {}
    inside = [one for one in own if old < one.change.index <= new]
    accepted = after.approved.get(f"{series.key} {series.subject}")
    allowed = float(accepted["change"] or 0.0) if accepted else 0.0
    least = math.prod(1 + in_time(one, series.power)[0] for one in inside)
    fits = accepted is not None and least <= (1 + allowed) * (1 + min_effect)
    given = {True: str(accepted["reason"]) if accepted else "", False: after.reason, None: ""}
    return {
        id(one): f"approved by {after.who or 'somebody without a name'} on {after.when[:10]} in {after.label}: {given[one.worse]}"
        for one in inside
        if one.worse is False or (one.worse and fits)
    }


def middle(series: Series, segment: Segment, place: Mapping[str, int]) -> float | None:
    """Give where in a series the runs of a segment lie (the median of their indices); None where none of them does."""
    at = {where: i for i, where in enumerate(series.places)}
    found = [at[place[run]] for run in segment.runs if run in place and place[run] in at]
    return float(median(found)) if found else None


def in_time(finding: Finding, power: int) -> tuple[float, float]:
    """Give the interval of a change as shares of the time a step takes; its effect twice where it has none."""
    ends = finding.change.interval or (finding.change.effect or 0.0,) * 2
    low, high = sorted((1 + end) ** power - 1 for end in ends)
    return low, high


def find_creep(
    timeline: Timeline, cuts: Sequence[Segmentation], findings: Sequence[Finding], baselines: Baselines, *, min_effect: float
) -> Iterator[Creep]:
    """Hold the newest level of every series against the frozen first segment of every baseline."""
    place = {info.id: i for i, info in enumerate(timeline.runs)}
    for found in (one for one in baselines.values() if one):
        accepted = allowances(found)
        for series, cut in zip(timeline.series, cuts, strict=True):
            allowed = accepted.get(f"{series.key} {series.subject}", 1.0)
            told = None if any(fnmatch(series.key, glob) for glob in found[-1].excluded) else since(series, cut, found[0], place)
            if told is None or 1 + told[1][0] <= allowed * (1 + min_effect):
                continue
            left = (1 + told[0]) / allowed - 1
            steps = [in_time(one, series.power) for one in findings if one.fails and one.series.identity == series.identity]
            if not any(low <= left <= high for low, high in steps):
                yield Creep(series, found[0].label, found[0].when, *told, allowed - 1)


def since(series: Series, cut: Segmentation, first: Segment, place: Mapping[str, int]) -> tuple[float, tuple[float, float]] | None:
    """Give how much longer a step takes now than in a segment's runs, and the 99 % interval; None for too few runs or no such figure."""
    at = {where: i for i, where in enumerate(series.places)}
    own = sorted(at[place[run]] for run in first.runs if run in place and place[run] in at)
    if len(own) < MIN_SEGMENT or not series.power:
        return None
    start = max([own[-1] + 1, *(change.index for change in cut.changes)])
    if len(series.values) - start < MIN_SEGMENT:
        start = max(own[-1] + 1, len(series.values) - NEWEST)
    then, now = [series.values[i] for i in own], series.values[start:]
    found = shift_interval(then, now, spreads=NORMAL_995) if len(now) >= MIN_SEGMENT else None
    if found is None:
        return None
    low, high = sorted((1 + end) ** series.power - 1 for end in found)
    return float((median(now) / median(then)) ** series.power - 1), (low, high)
