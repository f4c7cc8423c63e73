"""Whether a stretch of runs holds a change, where, and how sure: by the table, by permutation, or by blocks where runs remember."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median

from assay.results.cusum import ALPHAS, LEVELS, MIN_SEGMENT, NEWEST, Peak, critical, critical_newest, find_peak, ranks_of
from assay.results.permutation import p_value
from assay.results.scan import ALPHA, Inside, critical_ratio, find_inside
from assay.results.serial import residuals

OPEN = "inconclusive"
BLOCK = 5
ENOUGH_FOR_BLOCKS = 60
PLAIN_STEP = 5.0  # MADs of the residuals from which on a step speaks for itself
CHOSEN_STEP = 8.0  # the same inside a window that was chosen from many; both hold false alerts under AR(1) of 0.5 within 5 %
# (values, whether they end with the newest run) -> (first value of the new segment, level); no level, no change.
Look = Callable[[Sequence[float], bool], tuple[int, str]]
NOTHING = (0, "")


def by_table(values: Sequence[float], newest: bool) -> tuple[int, str]:  # noqa: FBT001 - the second half of what every look is given
    """Look at the whole stretch, and where nothing surprises, a second time inside windows for a level that came and went.

    A change among the newest runs is an alert from a smaller statistic on: it is the one that somebody can still do something about.
    """
    peak = find_peak(values)
    level = LEVELS[ALPHA] if newest and is_new(len(values), peak) else level_of(len(values), peak.statistic)
    if level:
        return peak.index, level
    inside = seen_inside(values)
    return (inside.index, LEVELS[ALPHA]) if inside else NOTHING


def by_permutation(values: Sequence[float], _newest: bool) -> tuple[int, str]:  # noqa: FBT001 - as above
    """Look at a stretch with many equal values."""
    peak = find_peak(values)
    level = permuted(values, 1) if peak.statistic > 0 else ""
    return (peak.index, level) if level else NOTHING


def by_blocks(plain: Look) -> Look:
    """Make the look at a stretch whose runs remember.

    What ``plain`` does not see is nothing. What it sees counts where the step is over 5 MAD; otherwise blocks decide, and where there are
    too few runs for blocks, nobody can. A level that came and went must be over 8 MAD within its window.
    """

    def look(values: Sequence[float], newest: bool) -> tuple[int, str]:  # noqa: FBT001 - as above
        index, level = plain(values, newest)
        peak = find_peak(values).index
        if not level:
            return NOTHING
        if index == peak:
            if speaks_for_itself(values, index):
                return index, level
            decided = permuted(values, BLOCK) if len(values) >= ENOUGH_FOR_BLOCKS else OPEN
            if decided:
                return index, decided
        inside = seen_inside(values)
        if inside and speaks_for_itself(values[inside.start : inside.end], inside.index - inside.start, least=CHOSEN_STEP):
            return inside.index, LEVELS[ALPHA]
        return NOTHING

    return look


def level_of(n: int, statistic: float) -> str:
    """Give the level that a statistic reaches by the shipped table; empty for none."""
    return max_level([LEVELS[alpha] for alpha in ALPHAS if statistic >= critical(n, alpha)])


def is_new(n: int, peak: Peak) -> bool:
    """Tell whether the largest statistic of a series lies among its newest runs and would surprise there."""
    return peak.index >= n - NEWEST and peak.statistic >= critical_newest(n)


def permuted(values: Sequence[float], block: int) -> str:
    """Give the level that a stretch reaches among permutations of its blocks."""
    p = p_value(ranks_of(values), block=block, min_segment=MIN_SEGMENT, until=max(ALPHAS))
    return max_level([LEVELS[alpha] for alpha in ALPHAS if p <= alpha])


def max_level(levels: Sequence[str]) -> str:
    """Give the surest of some levels; empty for none."""
    return max(levels, key=(OPEN, *LEVELS.values()).index, default="")


def seen_inside(values: Sequence[float]) -> Inside | None:
    """Find the change inside windows, if it is surprising."""
    inside = find_inside(values)
    return inside if inside.statistic >= critical_ratio(len(values)) else None


def speaks_for_itself(values: Sequence[float], index: int, *, least: float = PLAIN_STEP) -> bool:
    """Tell whether a step is over ``least`` MAD of what is left when it, and nothing else, is taken off."""
    step = median(values[index:]) - median(values[:index])
    return abs(step) > least * median(map(abs, residuals(values, [index])))
