"""Levels that came and went are seen inside windows; looking in many windows is paid for."""

from __future__ import annotations

import numpy as np
import pytest

from assay.results.changepoint import find_changes
from assay.results.cusum import critical, find_peak
from assay.results.scan import ALPHA, critical_ratio, find_inside, windows
from tests.calibration.models import MODELS, proportion, stepped


def bump(seed: int, *, lasts: int, step: float) -> list[float]:
    """Make 100 runs with another level from run 60 on, for ``lasts`` runs."""
    noise = 1 + MODELS["normal"](np.random.default_rng([5, seed]), 100, 0.01)
    return stepped(stepped(noise, at=60, step=step), at=60 + lasts, step=1 / (1 + step) - 1).tolist()


@pytest.mark.parametrize("n", [21, 24, 57, 100, 333])
def test_windows_cover_the_series_and_lie_inside(n: int) -> None:
    found = list(windows(n))
    assert [length for length, _ in found] == [length for length in (20, 28, 40, 57, 80, 113, 160, 226, 320) if length < n]
    for length, starts in found:
        assert starts[0] == 0
        assert starts[-1] == n - length
        assert max(np.diff([*starts, n - length])) <= length // 4


def test_the_best_place_of_all_windows_by_brute_force() -> None:
    values = np.random.default_rng(8).normal(1, 0.01, 45)
    # No ties: ranks inside a window are ordered as ranks of the whole are, but their distances differ, so ranks of the whole are used.
    ranks = np.argsort(np.argsort(values)) + 1.0
    best = (0.0, 0)
    for length, starts in windows(45):
        for start in starts:
            part = ranks[start : start + length]
            for k in range(3, length - 2):
                t = abs(part[:k].sum() - k * part.mean()) / np.sqrt(k * (length - k) / length) / part.std()
                best = max(best, (t / critical(length, ALPHA), start + k))
    found = find_inside(values)
    assert (found.statistic, found.index) == (pytest.approx(best[0]), best[1])


def test_a_level_that_came_and_went_is_found_at_both_ends() -> None:
    missed_by_one_split = hits = 0
    for seed in range(40):
        values = bump(seed, lasts=12, step=0.05)
        missed_by_one_split += find_peak(values).statistic < critical(100, 0.01)
        places = [change.index for change in find_changes(values).changes if change.level == "alert"]
        hits += any(abs(place - 60) <= 3 for place in places) and any(abs(place - 72) <= 3 for place in places)
    assert missed_by_one_split >= 20, "these are the series that a single split does not see"
    assert hits >= 28


def test_clean_orders_are_over_the_critical_ratio_as_often_as_stated() -> None:
    # 4,000 random orders; the stated rate of 0.001 must lie in the exact interval of what is counted.
    rng = np.random.default_rng(31)
    over = sum(find_inside(rng.permutation(60)).statistic >= critical_ratio(60) for _ in range(4000))
    low, high = proportion(over, 4000)
    assert low <= ALPHA <= high


def test_too_short_for_windows() -> None:
    assert find_inside([1.0, 2.0] * 9).statistic == 0
    assert critical_ratio(23) == float("inf")
    assert critical_ratio(5000) > critical_ratio(1000) > critical_ratio(100)
