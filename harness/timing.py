"""When to stop: pure decisions over the slowest rank's seconds, made on rank 0 and broadcast."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from assay.harness.case import Budget
from assay.harness.interval import median_interval

BLOCKS = 10  # blocks that a time slice is cut into: decisions cost a broadcast each
WINDOW = 3  # repetitions compared with the ones before them during warm-up
SETTLED = 0.05  # the warm-up has converged when two windows agree within this share
PATIENCE = 10  # slices after which even the minimum of repetitions is given up
FEWEST = 3
TICK = 1e-9  # seconds; no clock that times a step here ticks finer


def next_warmup(seconds: Sequence[float], *, elapsed: float, budget: Budget, settle: float = 0.0) -> int:
    """Tell how many more warm-up repetitions to make; 0 when converged or out of time, but never before ``settle`` seconds."""
    if not seconds:
        return 1
    if elapsed < settle:
        return max(1, int(min(settle - elapsed, settle / BLOCKS) / max(seconds[-1], 1e-6)))
    if elapsed >= budget.warmup_seconds or converged(seconds):
        return 0
    fitting = (budget.warmup_seconds - elapsed) / max(*seconds[-WINDOW:], 1e-9)
    return max(1, int(min(WINDOW, fitting)))  # in this order a clock that gives NaN gives WINDOW


def converged(seconds: Sequence[float]) -> bool:
    """Tell whether the last window's median is within ``SETTLED`` of the window's before it."""
    if len(seconds) < 2 * WINDOW:
        return False
    last, before = median(seconds[-WINDOW:]), median(seconds[-2 * WINDOW : -WINDOW])
    return abs(last - before) <= SETTLED * before


def next_block(seconds: Sequence[float], *, elapsed: float, budget: Budget, guess: float = 0.0) -> tuple[int, str]:
    """Tell how many repetitions the next block has, and why none: 0 ends the case.

    Stops on the confidence interval of the median, on the time slice or on the repetition limit; never on the coefficient
    of variation, which does not fall with n. A step so slow that ``PATIENCE`` slices hold fewer than ``min_reps`` of them is made
    ``FEWEST`` times. ``guess`` is what a repetition took in the warm-up, for the first block.
    """
    made = len(seconds)
    if made >= budget.max_reps:
        return 0, f"repetition limit {budget.max_reps} reached"
    wall = elapsed / made if made else guess  # with refresh and check, which are not timed
    if made >= budget.min_reps:
        if elapsed >= budget.seconds / BLOCKS * 2 and precise(seconds, budget.precision):
            return 0, f"median known to {budget.precision:.1%}"
        if elapsed >= budget.seconds:
            return 0, f"time slice of {budget.seconds:g} s spent"
        fitting = int(min(budget.seconds / BLOCKS, budget.seconds - elapsed) / max(wall, 1e-7))
        return max(1, min(fitting, budget.max_reps - made)), ""
    if made >= FEWEST and elapsed >= PATIENCE * budget.seconds:
        return 0, f"{PATIENCE} time slices spent before {budget.min_reps} repetitions"
    wanted = min(budget.min_reps, budget.max_reps) - made
    if not wall <= budget.seconds / BLOCKS:  # slow, or no number at all: look again before the rest
        wanted = min(wanted, FEWEST - made if made < FEWEST else 1)
    return max(1, wanted), ""


def precise(seconds: Sequence[float], share: float) -> bool:
    """Tell whether the half-width of the median's 95 % interval is within ``share`` of the median.

    An interval without any width, which equal readings give, is as wide as the clock's tick: nothing is known better than that.
    """
    low, middle, high = median_interval(seconds)
    return max(high - low, TICK) / 2 <= share * middle
