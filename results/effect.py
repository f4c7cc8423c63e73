"""How much two sets of runs differ, and what may be said about it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, variance

from assay.results.units import duration, signed

ENOUGH = 2  # runs a side from which on a variance between runs exists


@dataclass(frozen=True)
class Effect:
    """The change from base to head in per-run medians.

    Attributes:
        base: geometric mean of the base runs' medians, in the metric's unit.
        head: the same of the head runs.
        change: head / base - 1.
        ci95: 95 % interval of the change, or None with fewer than two runs a side.
        ci90: its 90 % interval (both one-sided 5 % tests of equivalence in one), or None.
        noise: standard deviation between runs of one side, pooled over the sides, as a share of the figure; None with one run a side.

    """

    base: float
    head: float
    change: float
    ci95: tuple[float, float] | None
    ci90: tuple[float, float] | None
    noise: float | None = None


def measure_effect(base: Sequence[float], head: Sequence[float]) -> Effect:
    """Compare per-run medians on the log scale; ValueError for a value that is not positive or a side without any.

    The intervals are Welch's for the difference of two means with unequal variances (Welch, Biometrika 34, 1947), taken on logarithms, so
    that they bound the ratio of geometric means. The run is the unit: repetitions inside a run are not independent.
    """
    if not base or not head:
        message = "a side without any run has no effect"
        raise ValueError(message)
    logs = [[math.log(value) for value in side] for side in (base, head)]
    means = [fmean(side) for side in logs]
    difference = means[1] - means[0]
    found = welch(logs[0], logs[1])
    ci95, ci90 = (None if found is None else interval(difference, *found, level) for level in (0.95, 0.90))
    return Effect(math.exp(means[0]), math.exp(means[1]), math.expm1(difference), ci95, ci90, pooled(logs))


def pooled(sides: Sequence[Sequence[float]]) -> float | None:
    """Give the standard deviation of values around their own side's mean, or None where no side has two."""
    freedom = sum(len(side) - 1 for side in sides)
    if not freedom:
        return None
    return math.sqrt(sum((len(side) - 1) * variance(side) for side in sides if len(side) > 1) / freedom)


def welch(base: Sequence[float], head: Sequence[float]) -> tuple[float, float] | None:
    """Give (standard error, degrees of freedom) of the difference of two means.

    None with fewer than two runs a side, and where neither side's runs differ at all: a clock's tick, not certainty, makes them equal.
    """
    if min(len(base), len(head)) < ENOUGH:
        return None
    parts = [variance(side) / len(side) for side in (base, head)]
    if sum(parts) == 0:
        return None
    freedom = sum(parts) ** 2 / sum(part**2 / (len(side) - 1) for part, side in zip(parts, (base, head), strict=True))
    return math.sqrt(sum(parts)), freedom


def interval(difference: float, error: float, freedom: float, level: float) -> tuple[float, float]:
    """Give the interval of the change (not of its logarithm) at a confidence level."""
    from scipy.special import stdtrit

    half = float(stdtrit(freedom, 0.5 + level / 2)) * error
    with_limit = [min(max(difference + sign * half, -700.0), 700.0) for sign in (-1, 1)]
    return math.expm1(with_limit[0]), math.expm1(with_limit[1])


def unknown_spread(counts: tuple[int, int]) -> str:
    """Say why nobody knows how much runs of one side differ."""
    if counts == (1, 1):
        return "one run a side"
    if min(counts) < ENOUGH:
        return f"{counts[0]} runs against {counts[1]}, at least {ENOUGH} a side are needed"
    return "the runs of each side are equal to the last digit, as a coarse clock makes them"


def decide(effect: Effect, *, better: str, min_effect: float, min_seconds: float, counts: tuple[int, int]) -> tuple[str, str]:
    """Give (status, reason): same, faster, slower or inconclusive.

    ``same`` is a positive finding: the 90 % interval lies inside 1 / (1 + min_effect) to 1 + min_effect (two one-sided tests, Schuirmann
    1987). ``slower`` and ``faster`` need a 95 % interval without zero and a change over both thresholds. Everything else is inconclusive;
    not having found a difference is never "same".
    """
    if effect.ci95 is None or effect.ci90 is None:
        return "inconclusive", f"{unknown_spread(counts)}: no interval is possible, effect {signed(effect.change)}"
    span = f"{signed(effect.ci95[0])} to {signed(effect.ci95[1])}"
    low, high = -min_effect / (1 + min_effect), min_effect
    if low <= effect.ci90[0] and effect.ci90[1] <= high:
        return "same", f"the 90 % interval, {signed(effect.ci90[0])} to {signed(effect.ci90[1])}, is within {signed(low)} to {signed(high)}"
    if effect.ci95[0] <= 0 <= effect.ci95[1]:
        return (
            "inconclusive",
            f"the 95 % interval, {span}, holds zero and reaches beyond {signed(high)} or {signed(low)}: more runs are needed",
        )
    if low < effect.change < high:
        return (
            "inconclusive",
            f"the change of {signed(effect.change)} is real but under the smallest that matters; it may still be over it ({span})",
        )
    if abs(effect.head - effect.base) < min_seconds:
        return (
            "inconclusive",
            f"the change of {duration(abs(effect.head - effect.base))} is under {duration(min_seconds)}, the smallest that matters",
        )
    worse = effect.change > 0 if better == "lower" else effect.change < 0
    return ("slower" if worse else "faster"), f"{signed(effect.change)}, 95 % interval {span}"
