"""What the other series did when one changed: a machine that moves as a whole is told from a case that moves alone."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from assay.results.cause import Moved
from assay.results.changepoint import Change, Segmentation
from assay.results.cusum import MIN_SEGMENT
from assay.results.series import Series

NEARBY = 3  # runs of a series within which its change counts as the same event
OTHERS_STAY = 0.2
ENOUGH = 3
MOST = 0.8


@dataclass(frozen=True)
class Vote:
    """One series at one event: its case, its subject, and whether it moved."""

    case: str
    subject: str
    suite: str
    moved: bool


def make_events(series: Sequence[Series], cuts: Sequence[Segmentation]) -> Callable[[Series, Change], Moved]:
    """Make the function that tells, for one series' change, how many others on the same hardware moved the same way at the same time."""
    of_class: dict[str, list[tuple[Series, Segmentation]]] = {}
    for one, cut in zip(series, cuts, strict=True):
        of_class.setdefault(one.hw_class, []).append((one, cut))

    @cache
    def votes(hw_class: str, place: int, sign: int) -> tuple[Vote, ...]:
        return tuple(vote for one, cut in of_class[hw_class] for vote in vote_of(one, cut, place, sign))

    @cache
    def told(hw_class: str, place: int, sign: int, subject: str) -> Moved:
        return weigh(votes(hw_class, place, sign), subject)

    return lambda one, change: told(one.hw_class, one.places[change.index], direction(one, change), one.subject)


def direction(series: Series, change: Change) -> int:
    """Give 1 for the worse and -1 for the better; up and down where no direction is better."""
    up = 1 if change.after > change.before else -1
    return -up if series.better == "higher" else up


def vote_of(series: Series, cut: Segmentation, place: int, sign: int) -> Iterable[Vote]:
    """Say whether a series moved at a run; nothing for one that has too few runs on a side to tell."""
    at = bisect.bisect_left(series.places, place)
    if at < MIN_SEGMENT or len(series.places) - at < MIN_SEGMENT:
        return
    moved = any(abs(change.index - at) <= NEARBY and direction(series, change) == sign for change in cut.changes)
    yield Vote(series.key, series.subject, series.suite, moved)


def weigh(votes: Sequence[Vote], subject: str) -> Moved:
    """Count cases; a case with several subjects moved if at least half of them did."""
    own = [vote for vote in votes if vote.subject == subject]
    others = [vote for vote in votes if vote.subject != subject]
    cases = {case: [vote.moved for vote in votes if vote.case == case] for case in dict.fromkeys(vote.case for vote in votes)}
    moved = [case for case, sides in cases.items() if 2 * sum(sides) >= len(sides)]
    suites = {vote.suite for vote in votes if vote.case in moved}
    here = sum(vote.moved for vote in own)
    alone = bool(others) and len(own) >= ENOUGH and here >= MOST * len(own)
    if alone and sum(vote.moved for vote in others) <= OTHERS_STAY * len(others):
        return Moved(len(own), here, len(suites), 1 + len({vote.subject for vote in others}), alone=True)
    return Moved(len(cases), len(moved), len(suites))
