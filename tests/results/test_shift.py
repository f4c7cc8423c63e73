"""The interval of a shift: what the rank-sum test does not reject, and how often it holds the truth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from assay.results.shift import shift_interval
from tests.calibration.models import MODELS


def p_of(before: np.ndarray, after: np.ndarray, change: float) -> float:
    """Give the rank-sum test's p once a relative change is taken off."""
    found: float = mannwhitneyu(before * (1 + change), after, method="asymptotic", use_continuity=False).pvalue
    return found


@pytest.mark.parametrize(("n", "m"), [(5, 7), (20, 3), (40, 25)])
def test_it_is_what_the_rank_sum_test_does_not_reject(n: int, m: int) -> None:
    rng = np.random.default_rng([n, m])
    before, after = rng.lognormal(0, 0.01, n), 1.03 * rng.lognormal(0, 0.01, m)
    kept = [change for change in np.linspace(-0.02, 0.08, 2001) if p_of(before, after, change) > 0.05]
    low, high = shift_interval(before.tolist(), after.tolist()) or (9.0, 9.0)
    # Rounding C down keeps one more ratio at either end, which is a gap between neighbouring ratios.
    assert low <= kept[0] <= low + 0.005
    assert high - 0.005 <= kept[-1] <= high


@pytest.mark.parametrize("noise", ["normal", "spikes", "student"])
def test_it_holds_the_truth_as_often_as_it_says(noise: str) -> None:
    held = 0
    for seed in range(400):
        rng = np.random.default_rng([seed, 77])
        before, after = 1 + MODELS[noise](rng, 30, 0.01), 1.05 * (1 + MODELS[noise](rng, 20, 0.01))
        low, high = shift_interval(before.tolist(), after.tolist()) or (9.0, 9.0)
        held += low <= 0.05 <= high
    assert 0.92 <= held / 400 <= 0.98


def test_a_hiccup_does_not_blow_it_up() -> None:
    before, after = [1.0, 1.01, 0.99, 1.0, 1.02, 0.98] * 3, [0.85, 0.86, 0.84, 0.85, 0.87] * 3
    quiet, loud = shift_interval(before, after), shift_interval([*before, 9.0], [*after, 9.0])
    assert quiet is not None
    assert loud is not None
    assert loud[1] < -0.1
    assert loud == pytest.approx(quiet, abs=0.01)


def test_too_few_or_not_positive() -> None:
    assert shift_interval([1.0, 2.0, 3.0], [4.0, 5.0, 6.0]) is None
    assert shift_interval([0.0] * 10, [1.0] * 10) is None
