"""The rank-CUSUM against its formula, and its table against every order of a short series."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from assay.results.cusum import MIN_SEGMENT, NEWEST, NEWEST_ALPHA, critical, critical_newest, find_peak, ranks_of, statistics, table
from tests.calibration.models import proportion


def by_hand(values: list[float], k: int) -> float:
    """Compute T_k as statistics books write it, one value at a time."""
    n = len(values)
    ranks = [sum(other < one for other in values) + (sum(other == one for other in values) + 1) / 2 for one in values]
    mean = sum(ranks) / n
    sd = math.sqrt(sum((rank - mean) ** 2 for rank in ranks) / n)
    return abs(sum(rank - mean for rank in ranks[:k])) / math.sqrt(k * (n - k) / n) / sd


@pytest.mark.parametrize("values", [[3.0, 1, 2, 9, 8, 7, 6], [1.0, 1, 2, 2, 3, 3, 3, 1], [5.0, 4, 3, 2, 1, 0]])
def test_statistic_is_the_formula(values: list[float]) -> None:
    expected = [by_hand(values, k) for k in range(3, len(values) - 2)]
    assert statistics(ranks_of(values)) == pytest.approx(np.array(expected))
    peak = find_peak(values)
    assert peak.statistic == pytest.approx(max(expected))
    assert peak.index == expected.index(max(expected)) + 3


def test_two_levels_peak_where_they_meet() -> None:
    assert find_peak([1.0, 1.1, 1.2, 1.05, 2.0, 2.1, 2.2]).index == 4


@pytest.mark.parametrize("values", [[], [1.0] * 5, [1.0] * 20])
def test_nothing_to_find(values: list[float]) -> None:
    assert find_peak(values).statistic == 0


def test_table_against_every_order_of_ten() -> None:
    # Turning all ranks round leaves T as it is, so orders that begin with the lower half are half of all.
    reached: list[np.ndarray] = []
    for first in range(1, 6):
        rest = [rank for rank in range(1, 11) if rank != first]
        orders = np.array(list(itertools.permutations(rest)), dtype=np.float64)
        ranks = np.column_stack([np.full(len(orders), float(first)), orders])
        reached.append(np.round(statistics(ranks).max(axis=-1), 9))
    drawn = np.concatenate(reached)
    assert len(drawn) == math.factorial(10) // 2
    value = critical(10, 0.01)
    assert np.mean(drawn >= value) <= 0.01
    below = drawn[drawn < value].max()
    assert np.mean(drawn >= below) > 0.01, "a smaller value would do as well"
    assert np.mean(drawn == drawn.max()) > 0.001, "ten runs can be that surprising"
    assert critical(10, 0.001) == math.inf


@pytest.mark.parametrize(
    ("n", "notice", "alert"), [(20, 3.05, 3.46), (30, 3.17, 3.61), (50, 3.30, 3.79), (100, 3.44, 3.97), (200, 3.53, 4.16)]
)
def test_table_agrees_with_an_earlier_computation(n: int, notice: float, alert: float) -> None:
    # 40,000 permutations by other code; its alpha of 0.001 rests on 40 of them.
    assert critical(n, 0.01) == pytest.approx(notice, rel=0.012)
    assert critical(n, 0.001) == pytest.approx(alert, rel=0.025)


def test_between_and_beyond_the_rows() -> None:
    sizes, row = table()["n"], table()["critical"]["0.01"]
    low, high = sizes.index(100), sizes.index(100) + 1
    middle = math.sqrt(sizes[low] * sizes[high])
    assert critical(round(middle), 0.01) == pytest.approx((row[low] + row[high]) / 2, rel=1e-3)
    assert critical(sizes[-1], 0.01) == row[-1]
    assert critical(10 * sizes[-1], 0.01) > row[-2]
    assert critical(5, 0.01) == critical(0, 0.001) == math.inf
    assert table()["min_segment"] == MIN_SEGMENT
    with pytest.raises(KeyError):
        critical(50, 0.05)


def test_longer_series_need_more() -> None:
    for alpha in (0.01, 0.001):
        values = [critical(n, alpha) for n in (14, 20, 30, 50, 100, 200, 400, 1000, 3000)]
        assert values == sorted(values)


def test_the_newest_places_against_random_orders() -> None:
    # T is computed over whole series here, by other code than the table's; the stated error must lie in the exact interval of what is counted.
    rng = np.random.default_rng(41)
    tried = 30_000
    orders = rng.permuted(np.tile(np.arange(1.0, 41), (tried, 1)), axis=1)
    over = int((statistics(orders)[:, -(NEWEST - MIN_SEGMENT + 1) :].max(axis=1) >= critical_newest(40)).sum())
    low, high = proportion(over, tried)
    assert low <= NEWEST_ALPHA <= high


def test_the_newest_need_less_than_the_whole_and_no_more_in_longer_series() -> None:
    assert critical_newest(19) == math.inf
    assert critical_newest(200) < critical(200, 0.001)
    assert critical_newest(10**6) == critical_newest(400) == pytest.approx(critical_newest(60), rel=0.02)
