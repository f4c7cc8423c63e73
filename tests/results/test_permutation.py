"""Permutation tests against every order, their blocks, and their sameness everywhere."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from assay.results.cusum import ranks_of, statistics
from assay.results.permutation import PERMUTATIONS, orders, p_value

TIED = [1.0, 1, 2, 1, 2, 2, 3, 3, 3]


def test_p_of_tied_values_against_every_order() -> None:
    ranks = ranks_of(TIED)
    every = np.array(list(itertools.permutations(ranks)))
    exact = np.mean(statistics(every).max(axis=-1) >= statistics(ranks).max() - 1e-9)
    sampled = p_value(ranks, block=1, min_segment=3, until=1.0)
    assert sampled == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / PERMUTATIONS))


def test_same_data_same_p_and_units_do_not_matter() -> None:
    values = np.random.default_rng(3).normal(1, 0.01, 80)
    first = p_value(ranks_of(values), block=5, min_segment=3, until=1.0)
    assert first == p_value(ranks_of(values * 1e9), block=5, min_segment=3, until=1.0)
    assert first != p_value(ranks_of(values[::-1]), block=5, min_segment=3, until=1.0), "other data, other permutations"


def test_stopping_early_never_changes_what_is_decided() -> None:
    for seed in range(30):
        ranks = ranks_of(np.random.default_rng(seed).normal(size=40) + 0.5 * (np.arange(40) > 25))
        whole, stopped = (p_value(ranks, block=1, min_segment=3, until=until) for until in (1.0, 0.01))
        assert (whole <= 0.01) == (stopped <= 0.01)
        assert (whole <= 0.001) == (stopped <= 0.001)


@pytest.mark.parametrize(("n", "block"), [(20, 5), (23, 5), (7, 1), (61, 5)])
def test_orders_are_permutations_that_keep_blocks(n: int, block: int) -> None:
    drawn = orders(np.random.Philox(5), 200, n, block)
    assert all(sorted(row) == list(range(n)) for row in drawn)
    kept = np.mean([(row[1:] - row[:-1]) % n == 1 for row in drawn])
    # Inside a block the next run follows: (block - 1) of every block places, and by chance some more.
    assert kept >= (n - -(-n // block)) / (n - 1) - 1e-9
    assert kept == pytest.approx((block - 1) / block, abs=0.12 if block > 1 else 0.3)


def test_blocks_start_anywhere() -> None:
    drawn = orders(np.random.Philox(5), 500, 20, 5)
    starts = {int(row[0]) for row in drawn}
    assert starts == set(range(20))
