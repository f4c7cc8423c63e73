"""What one series of repetitions looks like: its median with a distribution-free interval, its ends, its tail."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from assay.harness.interval import median_interval


@dataclass(frozen=True)
class Spread:
    """A series of one unit, reduced.

    Attributes:
        value: the median.
        ci_lo: low end of the median's 95 % interval; None where the series is too short to have one (under 6 values).
        ci_hi: its high end.
        min: smallest value.
        max: largest value.
        p99: what 99 % of the repetitions are no worse than: for times 99 % are as short, for rates 99 % are as high.
        cv: standard deviation over mean; None under 2 values.
        n: values in the series.

    """

    value: float
    ci_lo: float | None
    ci_hi: float | None
    min: float
    max: float
    p99: float
    cv: float | None
    n: int

    def rate(self, amount: float) -> Spread:
        """Turn seconds a step into ``amount`` a second: ends swap, the coefficient of variation stays that of the times.

        The rate of the median time is given, never a mean of rates (Hoefler and Belli, SC'15, rule 3: rates are averaged over their time).
        """
        low = None if self.ci_hi is None else amount / self.ci_hi
        high = None if self.ci_lo is None else amount / self.ci_lo
        return Spread(amount / self.value, low, high, amount / self.max, amount / self.min, amount / self.p99, self.cv, self.n)


def summarise(values: Sequence[float]) -> Spread:
    """Reduce a series of finite values; ValueError for none."""
    low, middle, high = median_interval(values)
    mean = fmean(values) if values else 0.0
    return Spread(
        value=middle,
        ci_lo=low if math.isfinite(low) else None,
        ci_hi=high if math.isfinite(high) else None,
        min=min(values),
        max=max(values),
        p99=sorted(values)[math.ceil(0.99 * len(values)) - 1],
        cv=stdev(values) / mean if len(values) > 1 and mean else None,
        n=len(values),
    )
