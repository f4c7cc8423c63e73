"""Paired statistics against scipy's own tests, brute force and known distributions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from assay.results.paired import detectable, estimate, noise_floor, pairs_needed, screen


def test_without_hiccups_it_is_students_t() -> None:
    rng = np.random.default_rng(1)
    ratios = rng.uniform(-1, 1, (50, 9)) * 0.01  # bounded: nothing is far
    found = estimate(ratios)
    wanted = stats.ttest_1samp(ratios, 0, axis=1, alternative="two-sided")
    assert not found.trimmed.any()
    np.testing.assert_allclose(2 * found.tail(), wanted.pvalue)
    low, high = found.interval(0.95)
    ends = wanted.confidence_interval(0.95)
    np.testing.assert_allclose(low, ends.low)
    np.testing.assert_allclose(high, ends.high)


def test_a_hiccup_is_left_out_and_the_rest_is_students_t() -> None:
    row = np.array([0.010, 0.011, 0.012, 0.013, 0.009, 0.008, 0.0105, 0.0115, 0.0125, 0.9])
    found = estimate(row[None, :])
    assert found.trimmed[0] == 1
    assert found.freedom[0] == 8
    wanted = stats.ttest_1samp(row[:-1], 0)
    assert found.effect[0] == pytest.approx(float(row[:-1].mean()))
    assert 2 * found.tail()[0] == pytest.approx(float(wanted.pvalue))


def test_a_hiccup_is_seen_through_what_all_cases_share() -> None:
    rng = np.random.default_rng(2)
    own = 0.001 * rng.standard_normal((40, 10))
    own[0, 3] += 0.03
    ratios = own + 0.03 * rng.standard_normal(10)
    assert estimate(ratios).trimmed[0] == 0  # as far off as the drift moves everything
    found = screen(ratios)
    assert found.whole.trimmed[0] == found.own.trimmed[0] == 1
    assert found.whole.effect[0] == pytest.approx(np.delete(ratios[0], 3).mean())
    assert not found.whole.trimmed[1:].sum() > 4


def test_tails_are_right_where_nothing_differs() -> None:
    rng = np.random.default_rng(3)
    for pairs, levels, off in ((4, (0.01, 0.025, 0.05), 0.1), (10, (0.025, 0.05), 0.2), (20, (0.025, 0.05), 0.1)):
        p = estimate(rng.standard_normal((20_000, pairs))).tail()
        for level in levels:
            # tail() is of the direction that was seen, so it is under `level` twice as often; under five pairs nothing is left out
            assert np.mean(p < level) == pytest.approx(2 * level, rel=off)


def test_what_all_cases_share_is_taken_out() -> None:
    rng = np.random.default_rng(4)
    own = 0.001 * rng.standard_normal((40, 10))
    drift = 0.02 * rng.standard_normal(10)
    drift -= drift.mean()
    own[0] += 0.01
    found = screen(own + drift)
    assert found.common[1] > 0.01
    assert found.own.effect[0] == pytest.approx(0.01, abs=0.002)
    assert found.own.tail()[0] < 1e-6
    assert found.whole.tail()[0] > 1e-2


def test_a_change_of_everything_is_kept() -> None:
    rng = np.random.default_rng(5)
    found = screen(0.001 * rng.standard_normal((40, 10)) + 0.03)
    assert found.common[1] < 1e-6
    np.testing.assert_allclose(found.own.effect, 0.03, atol=0.003)


def test_few_cases_share_nothing() -> None:
    ratios = np.random.default_rng(6).standard_normal((5, 10))
    found = screen(ratios)
    np.testing.assert_array_equal(found.own.effect, found.whole.effect)


def test_noise_floor_is_the_spread_of_an_effect_without_difference() -> None:
    rng = np.random.default_rng(7)
    floors = noise_floor(0.02 * rng.standard_normal((4000, 9)), 16)
    assert np.mean(floors) == pytest.approx(0.02 / 4, rel=0.05)


@pytest.mark.parametrize("cases", [slice(None), slice(0, 1000)])  # of the whole machine, and of some cases
def test_slow_runs_do_not_raise_the_noise_floor(cases: slice) -> None:
    rng = np.random.default_rng(9)
    same_side = 0.01 * rng.standard_normal((2100, 9))
    quiet = noise_floor(same_side, 10)
    same_side[cases, 1] += 0.2
    same_side[cases, 6] -= 0.15
    assert np.median((noise_floor(same_side, 10) / quiet)[cases]) == pytest.approx(1, abs=0.1)


def test_smallest_change_seen_agrees_with_a_simulation() -> None:
    limit = detectable(0.01, 8)
    assert limit is not None
    rng = np.random.default_rng(8)
    drawn = limit + 0.01 * rng.standard_normal((40_000, 8))
    p = stats.ttest_1samp(drawn, 0, axis=1, alternative="greater").pvalue
    assert np.mean(p < 0.025) == pytest.approx(0.80, abs=0.01)
    assert detectable(0.01, 1) is None
    assert detectable(0.0, 8) is None


def test_pairs_needed_by_brute_force() -> None:
    for effect, spread, margin in ((0.0, 0.02, 0.02), (0.004, 0.01, 0.01), (0.03, 0.05, 0.01)):
        room = margin - effect if effect < margin else effect
        wanted = next(n for n in range(2, 5000) if stats.t.ppf(0.95, n - 1) * spread / math.sqrt(n) <= room)
        assert pairs_needed(effect, spread, margin=margin) == wanted
    assert pairs_needed(0.01, 0.02, margin=0.01) is not None  # at the margin it must leave zero
    assert pairs_needed(0.0, 10.0, margin=1e-6) is None
    assert pairs_needed(0.0, 0.0, margin=0.01) is None
