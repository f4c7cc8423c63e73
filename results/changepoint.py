"""Where a series of runs changed its level: rank-CUSUM, split in two as long as that is surprising (binary segmentation)."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from assay.results.cusum import find_peak
from assay.results.serial import autocorrelation, remembers, residuals
from assay.results.shift import shift_interval
from assay.results.surprise import ENOUGH_FOR_BLOCKS, OPEN, Look, by_blocks, by_permutation, by_table, level_of, max_level

MIN_EFFECT = 0.005
RULE = "rank-cusum/2"  # raised whenever the same runs could be cut otherwise
SD_OF_MAD = 1.4826
TABLE, PERMUTED, BLOCKS, SHORT = "table", "permutation", "block permutation", "too few runs for blocks"
TOO_FEW = f"runs resemble the run before them, and fewer than {ENOUGH_FOR_BLOCKS} are too few to tell that from a change"


@dataclass(frozen=True)
class Change:
    """One change of level.

    Attributes:
        index: first value of the new segment.
        level: ``alert`` (two clean series in 1,000 have one), ``notice`` (one in 100), or ``inconclusive``.
        statistic: T of the rank-CUSUM between the neighbouring changes.
        before: median of the segment that ends.
        after: median of the new segment.
        n_before: runs in the segment that ends.
        n_after: runs in the new segment.
        interval: 95 % interval of the relative change (``shift_interval``), taking the two segments as given, or None.
        reason: why it is inconclusive, else empty.

    """

    index: int
    level: str
    statistic: float
    before: float
    after: float
    n_before: int
    n_after: int
    interval: tuple[float, float] | None = None
    reason: str = ""

    @property
    def effect(self) -> float | None:
        """Give after / before - 1, or None where before is not positive."""
        return self.after / self.before - 1 if self.before > 0 else None


@dataclass(frozen=True)
class Segmentation:
    """All changes of one series in time order, and how they were tested.

    ``autocorrelation`` is the lag-1 correlation of what is left without the changes, None for series too short to tell; ``test`` is
    ``table``, ``permutation`` (many equal values), ``block permutation`` (runs remember the run before) or ``too few runs for blocks``.
    ``spread`` is 1.4826 times the median distance of a run from its segment's median (which is the standard deviation of Gaussian runs),
    relative to the last segment's median; ``medians`` are those of the segments.
    """

    changes: tuple[Change, ...]
    autocorrelation: float | None
    test: str
    spread: float = 0.0
    medians: tuple[float, ...] = ()


def find_changes(values: Sequence[float], *, min_effect: float = MIN_EFFECT, newest: bool = True) -> Segmentation:
    """Find the changes of level in one value a run, oldest first.

    A change must be surprising at 0.01 (``notice``) or 0.001 (``alert``) for the whole series and at least ``min_effect`` of the level
    before it; smaller ones are merged away. ``newest`` looks at the last ten runs apart, so that a new level is an alert earlier.
    ValueError for a value that is not finite.
    """
    if not all(map(math.isfinite, values)):
        message = "a series of runs holds finite values only"
        raise ValueError(message)
    tied = len(set(values)) < len(values) / 2
    plain = by_permutation if tied else by_table
    marks = split(values, plain, newest=newest)
    rho = autocorrelation(values, sorted(marks))
    name = PERMUTED if tied else TABLE
    if remembers(rho):
        name = BLOCKS if len(values) >= ENOUGH_FOR_BLOCKS else SHORT
        marks = split(values, by_blocks(plain), newest=newest)
    kept = gate(values, marks, min_effect=min_effect)
    places = [0, *sorted(kept), len(values)]
    medians = tuple(median(values[start:end]) for start, end in itertools.pairwise(places) if end > start)
    mad = median(map(abs, residuals(values, sorted(kept)))) if values else 0.0
    spread = SD_OF_MAD * mad / medians[-1] if medians and medians[-1] > 0 else 0.0
    return Segmentation(tuple(change_at(values, kept, index, again=name == TABLE) for index in sorted(kept)), rho, name, spread, medians)


def split(values: Sequence[float], look: Look, *, newest: bool) -> dict[int, str]:
    """Split a series where it changes as long as the look finds a change; gives levels by index of the new segment."""
    found: dict[int, str] = {}
    open_parts = [(0, len(values))]
    while open_parts:
        start, end = open_parts.pop()
        index, level = look(values[start:end], newest and end == len(values))
        if level:
            found[start + index] = level
            open_parts += [(start, start + index), (start + index, end)]
    return found


def gate(values: Sequence[float], marks: dict[int, str], *, min_effect: float) -> dict[int, str]:
    """Move each change to the best place between its neighbours, and merge segments that differ by less than ``min_effect``."""
    kept = dict(marks)
    while True:
        kept = relocate(values, kept)
        sizes = {index: size_of(values, kept, index) for index in kept}
        least = min(sizes, key=lambda index: (sizes[index], index), default=None)
        if least is None or sizes[least] >= min_effect:
            return kept
        del kept[least]


def relocate(values: Sequence[float], marks: dict[int, str]) -> dict[int, str]:
    """Put each change where the rank-CUSUM between its neighbours peaks, oldest first."""
    places = [0, *sorted(marks), len(values)]
    moved: dict[int, str] = {}
    for i in range(1, len(places) - 1):
        level = marks[places[i]]
        peak = find_peak(values[places[i - 1] : places[i + 1]])
        places[i] = places[i - 1] + peak.index if peak.statistic > 0 else places[i]
        moved[places[i]] = level
    return moved


def neighbours(values: Sequence[float], marks: dict[int, str], index: int) -> tuple[int, int]:
    """Give where the segment before a change begins and where the one after it ends."""
    places = [0, *sorted(marks), len(values)]
    at = places.index(index)
    return places[at - 1], places[at + 1]


def size_of(values: Sequence[float], marks: dict[int, str], index: int) -> float:
    """Give how large a change is relative to the level before it; infinite where that level is not positive and it is any change."""
    start, end = neighbours(values, marks, index)
    before, after = median(values[start:index]), median(values[index:end])
    if before > 0:
        return abs(after / before - 1)
    return math.inf if after != before else 0.0


def change_at(values: Sequence[float], marks: dict[int, str], index: int, *, again: bool) -> Change:
    """Describe one change between its neighbours.

    ``again``: its level may rise to what the table says between its neighbours, since the split that found it saw other changes as noise.
    """
    start, end = neighbours(values, marks, index)
    peak = find_peak(values[start:end])
    level = max_level([marks[index], level_of(end - start, peak.statistic) or marks[index]]) if again else marks[index]
    before, after = values[start:index], values[index:end]
    interval = shift_interval(before, after)
    why = TOO_FEW if level == OPEN else ""
    return Change(index, level, peak.statistic, median(before), median(after), len(before), len(after), interval, why)
