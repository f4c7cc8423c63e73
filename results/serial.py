"""Whether runs remember the run before them: the lag-1 correlation of a series without its changes."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from statistics import median

from assay.results.cusum import ranks_of

TOO_MUCH = 0.2
FEWEST = 8


def residuals(values: Sequence[float], changes: Sequence[int]) -> list[float]:
    """Take each segment's median off its values."""
    places = [0, *changes, len(values)]
    parts = [values[start:end] for start, end in itertools.pairwise(places) if end > start]
    return [value - middle for part, middle in zip(parts, map(median, parts), strict=True) for value in part]


def autocorrelation(values: Sequence[float], changes: Sequence[int]) -> float | None:
    """Give the lag-1 correlation of the ranks of the residuals, pairs across a change left out.

    Ranks, since a few hiccups would decide an ordinary correlation. Each segment's own median pulls it down by about 1/n, which is given
    back (Kendall, Biometrika 41, 1954: the bias of a serial correlation without memory is -1/n). None for fewer than 8 runs or constants.
    """
    n = len(values)
    if n < FEWEST:
        return None
    left = ranks_of(residuals(values, changes))
    left = left - left.mean()
    power = float((left**2).sum())
    if power == 0:
        return None
    products = left[1:] * left[:-1]
    products[[place - 1 for place in changes]] = 0.0
    return float(products.sum()) / power + (1 + len(changes)) / n


def remembers(rho: float | None) -> bool:
    """Tell whether a correlation is too large for tests that take runs as independent."""
    return rho is not None and rho > TOO_MUCH
