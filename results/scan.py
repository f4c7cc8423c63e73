"""A second look at a series for levels that came and went: the rank-CUSUM inside many windows of it.

One split in two cannot see a level that lasted ten runs of a hundred, since both sides of either step look alike. Windows of several
lengths, a quarter of their length apart (seeded intervals: Kovács, Bühlmann, Li and Munk, Biometrika 110, 2023), see each step alone.
Looking so often must be paid for: the largest statistic over all windows has a critical value of its own, from random orders like that of
the whole.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assay.results.cusum import MIN_SEGMENT, between, critical, ranks_of, statistics, table

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SHORTEST = 20
GROWTH = math.sqrt(2)
OVERLAP = 4
ALPHA = 0.001


@dataclass(frozen=True)
class Inside:
    """The change that stands out most inside a window.

    ``statistic`` is T over its critical value, to be held against ``critical_ratio``; ``index`` is the first value of the new level; the
    window reaches from ``start`` to before ``end``.
    """

    statistic: float
    index: int
    start: int
    end: int


def windows(n: int) -> Iterator[tuple[int, list[int]]]:
    """Yield (length, starts) of all windows of a series of ``n``: lengths from 20 on, each 1.4 times the one before, under ``n``."""
    length = float(SHORTEST)
    while (whole := round(length)) < n:
        starts = range(0, n - whole + 1, max(1, whole // OVERLAP))
        yield whole, sorted({*starts, n - whole})
        length *= GROWTH


def ratios(ranks: Floats) -> Iterator[tuple[Floats, list[int], int]]:
    """Yield, for each length, T over its critical value for every window and place; shape (..., windows, places)."""
    import numpy as np

    for length, starts in windows(ranks.shape[-1]):
        inside = ranks[..., np.array(starts)[:, None] + np.arange(length)]
        yield statistics(inside, min_segment=MIN_SEGMENT) / critical(length, ALPHA), starts, length


def largest(ranks: Floats) -> Floats:
    """Give the largest ratio over all windows, along the last axis; 0 for series shorter than any window."""
    import numpy as np

    found = np.zeros(ranks.shape[:-1])
    for ratio, _, _ in ratios(ranks):
        found = np.maximum(found, ratio.max(axis=(-2, -1)))
    return found


def find_inside(values: Sequence[float] | Floats) -> Inside:
    """Find the change that stands out most inside any window; of equal ones the first of the shortest window."""
    best = Inside(0.0, 0, 0, 0)
    for ratio, starts, length in ratios(ranks_of(values)):
        top = float(ratio.max())
        if top > best.statistic + 1e-9:
            window, place = divmod(int((ratio >= top - 1e-9).argmax()), ratio.shape[-1])
            best = Inside(top, starts[window] + place + MIN_SEGMENT, starts[window], starts[window] + length)
    return best


def critical_ratio(n: int) -> float:
    """Give the ratio that ``n`` runs reach without any change with probability 0.001 at most; between rows as in ``cusum.critical``."""
    return between(table()["scan_n"], table()["scan"], n)
