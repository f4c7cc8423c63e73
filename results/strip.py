"""A series as one line of characters: eight heights, a bar where it changed."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from statistics import median

BLOCKS = "▁▂▃▄▅▆▇█"
ASCII = "_.-:=+*#"
WIDTH = 60


def strip(values: Sequence[float], changes: Sequence[int], *, heights: str = BLOCKS, width: int = WIDTH) -> str:
    """Draw values oldest first in about ``width`` characters, ``|`` before the first value of each new segment.

    Where there are more values than columns, each character is the median of a few. Heights span from the 2nd to the 98th percentile, so
    that one hiccup does not flatten the rest.
    """
    places = [0, *changes, len(values)]
    ordered = sorted(values)
    low, high = ordered[int(0.02 * len(ordered))], ordered[-1 - int(0.02 * len(ordered))]
    share = max(1.0, len(values) / width)
    parts = [values[start:end] for start, end in itertools.pairwise(places)]
    return "|".join("".join(height(value, low, high, heights) for value in thinned(part, share)) for part in parts)


def thinned(values: Sequence[float], share: float) -> list[float]:
    """Give the medians of about ``share`` neighbours each; at least one."""
    count = max(1, round(len(values) / share))
    edges = [round(i * len(values) / count) for i in range(count + 1)]
    return [median(values[start:end]) for start, end in itertools.pairwise(edges)]


def height(value: float, low: float, high: float, heights: str) -> str:
    """Choose the character of one value; the middle one where all are equal."""
    if high <= low:
        return heights[len(heights) // 2]
    share = min(max((value - low) / (high - low), 0.0), 1.0)
    return heights[min(int(share * len(heights)), len(heights) - 1)]
