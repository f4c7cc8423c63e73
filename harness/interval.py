"""Median with its distribution-free confidence interval: the stop rule's and the report's common ground."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist


def median_interval(values: Sequence[float], confidence: float = 0.95) -> tuple[float, float, float]:
    """Give (low, median, high) of the median of ``values``, in their unit.

    The interval's ends are order statistics chosen by the binomial distribution of "how many lie under the median"
    (normal approximation with continuity correction from 20 values on, exact below), so it holds for any distribution. Under 6 values no
    95 % interval exists: (-inf, median, inf). ValueError for no values; NaN anywhere gives NaN everywhere.
    """
    if not values:
        message = "no values, so no median"
        raise ValueError(message)
    if any(math.isnan(v) for v in values):
        return math.nan, math.nan, math.nan
    ordered = sorted(values)
    n = len(ordered)
    middle = (ordered[(n - 1) // 2] + ordered[n // 2]) / 2
    below = lower_rank(n, confidence)
    if below < 1:
        return -math.inf, middle, math.inf
    return ordered[below - 1], middle, ordered[n - below]


def lower_rank(n: int, confidence: float) -> int:
    """Find the largest 1-based rank r with P(r <= Binomial(n, 1/2) <= n - r) >= ``confidence``; 0 if there is none."""
    tail = (1 - confidence) / 2
    if n > 20:  # noqa: PLR2004 - the exact sum is cheap below, the approximation good above
        return max(0, math.floor((n + 1) / 2 - NormalDist().inv_cdf(1 - tail) * math.sqrt(n) / 2))
    cumulative, rank = 0.0, 0
    while (cumulative := cumulative + math.comb(n, rank) / 2**n) <= tail:
        rank += 1
    return rank
