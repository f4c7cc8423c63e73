"""Paired log-ratio statistics: how much B differs from A where both were measured pair by pair, many cases at once.

A pair is one run of A beside one run of B, adjacent in time. With x = log(per-run median), d = x_B - x_A is the log ratio of a pair; what
slows both runs of a pair alike cancels in it. The run is the unit: nothing here sees a repetition.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assay.results.hiccups import kept

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

# Cases from which on what they have in common can be told from what is their own.
ENOUGH_CASES = 8
COMMON_ALPHA = 0.01
TINY = 1e-12


@dataclass(frozen=True)
class Estimates:
    """One estimate a case, from its log ratios.

    Attributes:
        effect: mean log ratio, hiccups left out.
        error: its standard error.
        freedom: degrees of freedom of the t distribution that effect / error follows without a difference.
        trimmed: pairs left out as hiccups.

    """

    effect: Floats
    error: Floats
    freedom: Floats
    trimmed: Floats

    def tail(self) -> Floats:
        """Give the one-sided p value of a difference in the direction that was seen."""
        import numpy as np
        from scipy.stats import t

        found: Floats = np.asarray(t.sf(np.abs(self.effect) / np.maximum(self.error, TINY), self.freedom))
        return found

    def interval(self, level: float) -> tuple[Floats, Floats]:
        """Give (low, high) of the log ratio at a confidence level."""
        from scipy.stats import t

        half = t.ppf(0.5 + level / 2, self.freedom) * self.error
        return self.effect - half, self.effect + half


def estimate(ratios: Floats, *, left: Flags | None = None) -> Estimates:
    """Estimate the log ratio of every case: Student's one-sample t over the pairs that are no hiccups.

    Leaving values out of samples that had no hiccup makes p values too small, by a fifth at most where they are near 0.025 or above.

    Args:
        ratios: cases x pairs, finite, at least two pairs.
        left: which pairs are no hiccups, where more is known than ``hiccups.kept`` sees in the ratios themselves.

    """
    import numpy as np

    left = kept(ratios) if left is None else left
    count = left.sum(axis=1).astype(np.float64)
    effect = np.where(left, ratios, 0.0).sum(axis=1) / count
    away = np.where(left, ratios - effect[:, None], 0.0)
    error = np.sqrt((away**2).sum(axis=1) / (count * (count - 1)))
    return Estimates(effect, error, count - 1, ratios.shape[1] - count)


def told_apart(ratios: Floats) -> tuple[Floats, Flags]:
    """Give (what all cases of a pair share, 1 x pairs; which pairs of each case are no hiccups, neither of its own nor of the machine).

    A case's own hiccups stand out better where what is shared, the median over cases, is taken out; the machine's only where it is not.
    Under ``ENOUGH_CASES`` cases nobody can tell shared from own, and nothing is taken out.
    """
    import numpy as np

    if len(ratios) < ENOUGH_CASES:
        return np.zeros((1, ratios.shape[1])), kept(ratios)
    common = np.asarray(np.median(ratios, axis=0, keepdims=True))
    return common, kept(ratios - common) & kept(ratios)


@dataclass(frozen=True)
class Screen:
    """Every case of one pass: ``whole`` is the plain paired estimate, ``own`` the one without what all cases share."""

    whole: Estimates
    own: Estimates
    common: tuple[float, float]  # effect and p value (two-sided) of what all cases share; p is 1 where there are too few to tell


def screen(ratios: Floats) -> Screen:
    """Estimate every case of a pass twice: as it is, and without the fluctuation from pair to pair that all cases share.

    A machine that drifts moves all cases of one run together: the median over cases of each pair shows it, and taking it out leaves each
    case's own noise. What the cases share on average is put back if it is itself significant (p < ``COMMON_ALPHA``): a change may slow
    everything down.
    Under ``ENOUGH_CASES`` cases nobody can tell shared from own, and both estimates are the same.

    Args:
        ratios: cases x pairs, finite.

    """
    import numpy as np

    common, left = told_apart(ratios)
    whole = estimate(ratios, left=left)
    if len(ratios) < ENOUGH_CASES:
        return Screen(whole, whole, (0.0, 1.0))
    together = estimate(common)
    p = min(1.0, 2 * float(together.tail()[0]))
    put_back = float(together.effect[0]) if p < COMMON_ALPHA else 0.0
    own = estimate(ratios - common + put_back)
    if put_back:
        own = Estimates(own.effect, np.hypot(own.error, together.error[0]), np.minimum(own.freedom, together.freedom[0]), own.trimmed)
    return Screen(whole, own, (float(together.effect[0]), p))


def noise_floor(same_side: Floats, pairs: int) -> Floats:
    """Give each case's A/A noise floor: the standard deviation that its effect over ``pairs`` pairs would have without any difference.

    Hiccups are left out as everywhere: one slow run is no reason to overlook a change in all others.

    Args:
        same_side: cases x differences of log medians between neighbouring runs of one side; at least two.
        pairs: how many pairs the effect is averaged over.

    """
    import numpy as np

    found = estimate(same_side, left=told_apart(same_side)[1])
    floors: Floats = found.error * np.sqrt((found.freedom + 1) / pairs)
    return floors


def pairs_needed(effect: float, spread: float, *, margin: float, level: float = 0.90, most: int = 10_000) -> int | None:
    """Give the pairs after which the 90 % interval of a log ratio would lie inside ±``margin``, or outside zero if the effect is beyond it.

    ``spread`` is the standard deviation of one pair's log ratio. None where more than ``most`` pairs would not do, or nothing is known.
    """
    from scipy.special import stdtrit  # the quantile of t, a hundred times quicker than scipy.stats's

    room = margin - abs(effect) if abs(effect) < margin else abs(effect)
    if not 0 < spread < float("inf") or room <= 0:
        return None
    low, high = 2, most
    fits: Any = lambda n: float(stdtrit(n - 1, 0.5 + level / 2)) * spread / n**0.5 <= room  # noqa: E731 - two lines further used up
    if not fits(high):
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(middle) else (middle + 1, high)
    return low


def detectable(spread: float, pairs: int, *, alpha: float = 0.025, power: float = 0.8) -> float | None:
    """Give the smallest log ratio that ``pairs`` pairs find with the given power (one-sided t; noncentral t distribution).

    ``spread`` is the standard deviation of one pair's log ratio; None under two pairs.
    """
    from scipy.optimize import brentq
    from scipy.stats import nct, t

    if pairs < 2 or not 0 < spread < float("inf"):  # noqa: PLR2004 - a variance needs two
        return None
    bar = float(t.ppf(1 - alpha, pairs - 1))
    shift = float(brentq(lambda shift: float(nct.sf(bar, pairs - 1, shift)) - power, 0.0, 10.0 * bar + 10.0))
    return shift * spread / math.sqrt(pairs)
