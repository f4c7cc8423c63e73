"""Centre, scale and critical values that a few bad devices cannot move: medians, MAD, and limits that follow from the fleet's size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, median

MAD_SIGMA = 1.4826  # MAD -> standard deviation of a normal distribution
MAD_EFFICIENCY = 0.37  # of the MAD against the standard deviation (Rousseeuw and Croux, JASA 88, 1993, section 1)
MEDIAN_SIGMA = 1.2533  # standard error of a median of many normal values: sqrt(pi / 2) sigma / sqrt(n)
FALSE_FLAGS = 0.05  # expected on a whole healthy fleet, over all its cases; half of the 0.1 that is promised
LEAST_SPREAD = 0.001  # nobody knows a figure better than this
HABIT = 4  # runs from which on the oddest one may be left out


def mad_sigma(values: Sequence[float]) -> float:
    """Give 1.4826 times the median absolute deviation from the median; 0 for fewer than two values."""
    if not values:
        return 0.0
    centre = median(values)
    return MAD_SIGMA * median(abs(value - centre) for value in values)


def critical_z(peers: int, tests: int | None = None) -> float:
    """Give k: a healthy fleet has ``FALSE_FLAGS`` values below ``-k`` in expectation.

    The robust z of a normal value is close to Student's t, since its scale is estimated: the MAD of n values knows the scale as well as a
    standard deviation of 0.37 n values does. So k is the quantile of t with 0.37 (n - 1) degrees of freedom at FALSE_FLAGS / tests.

    Args:
        peers: devices whose spread gave the scale.
        tests: devices times cases of the whole sweep; ``peers`` if not said.

    """
    from scipy.special import stdtrit

    share = min(FALSE_FLAGS / max(tests or peers, 1), 0.5)
    return -float(stdtrit(max(MAD_EFFICIENCY * (peers - 1), 1.0), share))


def own_spread(values: Sequence[float]) -> float | None:
    """Give the standard deviation between a device's own runs, or None for one run.

    From four runs on the one farthest from their median is left out: one odd run is a hiccup, two are a habit.
    """
    if len(values) < 2:  # noqa: PLR2004 - one run has no spread
        return None
    if len(values) < HABIT:
        return deviation(values)
    centre = median(values)
    return deviation(sorted(values, key=lambda value: (abs(value - centre), value))[:-1])


def deviation(values: Sequence[float]) -> float:
    """Give the standard deviation of two values or more; ``statistics.stdev`` counts in fractions, too slow for a thousand devices."""
    centre = fmean(values)
    return math.sqrt(math.fsum((value - centre) ** 2 for value in values) / (len(values) - 1))


def run_noise(runs: Sequence[Sequence[float]]) -> float | None:
    """Give the noise between runs that is usual in a fleet: the median over devices of their own standard deviation; None without any.

    The median of a standard deviation of few values lies below sigma; it is divided by the median of chi over the square root of its
    degrees of freedom.
    """
    usual = {count: chi_median(count - 1) for count in {len(values) for values in runs} if count > 1}
    found = [deviation(values) / usual[len(values)] for values in runs if len(values) > 1]
    return median(found) if found else None


def chi_median(freedom: int) -> float:
    """Give the median of s / sigma for a standard deviation s with some degrees of freedom."""
    from scipy.special import gammaincinv

    return math.sqrt(2 * float(gammaincinv(freedom / 2, 0.5)) / freedom)


def critical_spread(runs: int, tests: int) -> float:
    """Give how many times the fleet's noise between runs a device's own spread may be: 3, and more where few runs make it swing wider.

    A standard deviation with r - 2 degrees of freedom (one of r runs is left out, which only makes it smaller) exceeds this multiple of
    sigma on ``FALSE_FLAGS`` healthy devices in expectation (chi squared).
    """
    from scipy.special import gammainccinv

    freedom = max(runs - 2, 1)
    return max(3.0, math.sqrt(2 * float(gammainccinv(freedom / 2, min(FALSE_FLAGS / max(tests, 1), 0.5))) / freedom))
