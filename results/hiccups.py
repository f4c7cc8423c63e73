"""Which pairs of a case are hiccups: runs that something else on the machine held up, so far off that they say nothing about the code."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

ALPHA = 0.01  # chance that a normal sample loses anything, under which its t test stays within a percentage point of what it says
FEWEST = 5  # with fewer values one far value cannot be told from a wide spread
SHARE = 3  # at most one value in so many is left out: more than that is no hiccup but how the case is


def kept(values: Floats) -> Flags:
    """Give which values of each row are no outliers: the generalised extreme Studentised deviate test (Rosner, Technometrics 25, 1983).

    The value farthest from the mean is taken out, then the farthest from the mean of the rest, and so on; all up to the last one whose
    distance in standard deviations is over its critical value are outliers. So two hiccups cannot hide each other.

    Args:
        values: rows x values, finite.

    """
    return without(values, most=values.shape[1] // SHARE if values.shape[1] >= FEWEST else 0, alpha=ALPHA)


def without(values: Floats, *, most: int, alpha: float) -> Flags:
    """Give which values are left when up to ``most`` outliers a row are taken out at the level ``alpha`` (Rosner 1983, section 2)."""
    import numpy as np

    rows = np.arange(len(values))
    left = np.ones(values.shape, dtype=np.bool_)
    found = left.copy()
    for critical in criticals(values.shape[1], most, alpha):
        count = left.sum(axis=1)
        away = np.where(left, values - (np.where(left, values, 0.0).sum(axis=1) / count)[:, None], 0.0)
        spread = np.sqrt((away**2).sum(axis=1) / (count - 1))
        farthest = np.where(left, np.abs(away), -1.0).argmax(axis=1)
        left[rows, farthest] = False
        beyond = np.abs(away[rows, farthest]) > critical * spread
        found[beyond] = left[beyond]
    return found


def criticals(n: int, most: int, alpha: float) -> list[float]:
    """Give the critical values of the 1st to the ``most``-th farthest of ``n`` values, in standard deviations (Rosner 1983, section 2)."""
    from scipy.stats import t

    found = []
    for i in range(1, most + 1):
        quantile = float(t.ppf(1 - alpha / (2 * (n - i + 1)), n - i - 1))
        found.append((n - i) * quantile / ((n - i - 1 + quantile**2) * (n - i + 1)) ** 0.5)
    return found
