"""Rank-CUSUM: where a series of runs changes its level most, and how surprising that is. Critical values are a shipped table."""

from __future__ import annotations

import bisect
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

MIN_SEGMENT = 3
ALPHAS = (0.01, 0.001)
LEVELS: Mapping[float, str] = {0.01: "notice", 0.001: "alert"}
NEWEST, NEWEST_ALPHA = 10, 0.0005  # a change among so many newest runs is held against a value of its own, with this error
TABLE = "critical_values.json"


@dataclass(frozen=True)
class Peak:
    """The largest rank-CUSUM of a series.

    Attributes:
        statistic: T, in standard deviations of the ranks; 0 for a constant series or one too short for two segments.
        index: first value of the later segment (values are counted from 0).

    """

    statistic: float
    index: int


def ranks_of(values: Sequence[float] | Floats) -> Floats:
    """Give the ranks from 1 on; equal values share the mean of theirs."""
    from scipy.stats import rankdata

    found: Floats = rankdata(values)
    return found


def weights(n: int, min_segment: int) -> tuple[Floats, int, int]:
    """Give sqrt(k (n - k) / n) for every allowed k, and the first and the last k."""
    import numpy as np

    k = np.arange(min_segment, n - min_segment + 1)
    return np.sqrt(k * (n - k) / n), min_segment, n - min_segment


def statistics(ranks: Floats, *, min_segment: int = MIN_SEGMENT) -> Floats:
    """Give T_k for every allowed k, along the last axis.

    ``T_k = |sum_{i<=k} (r_i - mean)| / sqrt(k (n - k) / n) / sd(r)``, k from ``min_segment`` to ``n - min_segment``: the two-sample rank
    statistic maximised over the place of the change (Pettitt, Applied Statistics 28, 1979, weighted as in James, James and Siegmund,
    Biometrika 74, 1987). sd is that of the ranks themselves, so ties are accounted for.
    """
    import numpy as np

    n = ranks.shape[-1]
    scale, first, last = weights(n, min_segment)
    centred = ranks - ranks.mean(axis=-1, keepdims=True)
    sd = np.sqrt((centred**2).mean(axis=-1, keepdims=True))
    sums = np.abs(np.cumsum(centred, axis=-1)[..., first - 1 : last])
    found: Floats = sums / scale / np.where(sd > 0, sd, np.inf)
    return found


def find_peak(values: Sequence[float] | Floats, *, min_segment: int = MIN_SEGMENT) -> Peak:
    """Find the change that a series most likely has, whether or not it has one; of equal peaks the first."""
    if len(values) < 2 * min_segment:
        return Peak(0.0, 0)
    found = statistics(ranks_of(values), min_segment=min_segment)
    # Equal peaks differ in the last digits by the order of summing; the first of them must win on every machine.
    best = int((found >= found.max() - 1e-9).argmax())
    return Peak(float(found[best]), best + min_segment)


@cache
def table() -> Mapping[str, Any]:
    """Read the shipped table: ``n``, and for each level of error the critical values, None where no series so short can reach it."""
    text = resources.files("assay.results").joinpath(TABLE).read_text(encoding="utf-8")
    found: Mapping[str, Any] = json.loads(text)
    return found


def critical(n: int, alpha: float) -> float:
    """Give the value that T of ``n`` runs reaches without any change with probability ``alpha`` at most (min_segment 3).

    Interpolated between table rows linearly in log n, and continued beyond the last one with its slope, which errs on the side of silence;
    infinite where a series is too short to be surprising. KeyError for an alpha that is not in the table.
    """
    return between(table()["n"], table()["critical"][str(alpha)], n)


def critical_newest(n: int) -> float:
    """Give the value that T reaches among the places of the newest 10 of ``n`` runs without any change with probability 0.0005 at most.

    Few places are looked at, so less is needed there than anywhere in the series, and no more in a long series than in a short one: the
    ranks of ten runs among many no longer depend on how many (the table is constant beyond its last row). Infinite under 20 runs.
    """
    sizes = table()["newest_n"]
    return between(sizes, table()["newest"], min(n, sizes[-1]))


def between(sizes: Sequence[int], row: Sequence[float | None], n: int) -> float:
    """Interpolate a row of the table linearly in log n, beyond its end with the last slope; infinite before it and where it holds none."""
    values = [math.inf if value is None else float(value) for value in row]
    if n < sizes[0]:
        return math.inf
    upper = min(max(bisect.bisect_left(sizes, n), 1), len(sizes) - 1)
    if sizes[upper - 1] == n:
        return values[upper - 1]
    low, high = math.log(sizes[upper - 1]), math.log(sizes[upper])
    share = (math.log(n) - low) / (high - low)
    return values[upper] if share == 1 else values[upper - 1] + share * (values[upper] - values[upper - 1])
