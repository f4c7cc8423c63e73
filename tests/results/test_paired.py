"""Paired statistics against scipy's own tests, brute force and known distributions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from assay.results.paired import FAR, detectable, estimate, noise_floor, pairs_needed, screen


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


def test_a_hiccup_is_trimmed_and_the_error_is_yuens() -> None:
    row = np.array([0.010, 0.011, 0.012, 0.013, 0.009, 0.008, 0.0105, 0.0115, 0.0125, 0.9])
    found = estimate(row[None, :])
    assert found.trimmed[0] == 1
    assert found.effect[0] == pytest.approx(float(stats.trim_mean(row, 0.1)))
    # Of a sample and its copy moved by 1, Yuen's t is -1 / sqrt(2 d), with d the squared error of one trimmed mean.
    yuen = stats.ttest_ind(row, row + 1, trim=0.1, equal_var=False)
    assert found.error[0] == pytest.approx(1 / (abs(float(yuen.statistic)) * math.sqrt(2)))
    assert found.freedom[0] == 7


def test_at_most_one_pair_in_five_is_trimmed() -> None:
    row = np.array([0.0, 0.001, -0.001, 0.0005, -0.0005, 9.0, 9.0, 9.0, 0.0002, -0.0002])
    assert estimate(row[None, :]).trimmed[0] == 2
    assert FAR == 6.0


def test_tails_are_right_where_nothing_differs() -> None:
    rng = np.random.default_rng(3)
    p = estimate(rng.standard_normal((20_000, 10))).tail()
    for level in (0.01, 0.025, 0.05):
        # tail() is of the direction that was seen, so it is under `level` twice as often
        assert np.mean(p < level) == pytest.approx(2 * level, rel=0.15)


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
