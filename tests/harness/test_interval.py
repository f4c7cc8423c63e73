"""The median's interval holds with the promised confidence: by the exact binomial, and on drawn samples."""

from __future__ import annotations

import math
import random
from statistics import median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.harness.interval import lower_rank, median_interval

FINITE = st.floats(allow_nan=False, allow_infinity=False, width=32)


def coverage(n: int, rank: int) -> float:
    """Sum P(B = k) for rank <= k <= n - rank, B ~ Binomial(n, 1/2): how often the interval holds the median."""
    return sum(math.comb(n, k) for k in range(rank, n - rank + 1)) / float(2**n)


def best_rank(n: int, confidence: float) -> int:
    """Find by trial, from the widest on, the narrowest symmetric interval that still covers; 0 if even the widest does not."""
    rank = 0
    while 2 * (rank + 1) <= n and coverage(n, rank + 1) >= confidence:
        rank += 1
    return rank


@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
@pytest.mark.parametrize("n", range(1, 21))
def test_small_samples_have_the_exact_interval(n: int, confidence: float) -> None:
    assert lower_rank(n, confidence) == best_rank(n, confidence)


@pytest.mark.parametrize("n", [*range(21, 120), 200, 333])
def test_larger_samples_cover_as_promised_and_hardly_more(n: int) -> None:
    """The approximation may be off by one order statistic, never under 94 %."""
    rank = lower_rank(n, 0.95)
    assert coverage(n, rank) >= 0.94
    assert abs(rank - best_rank(n, 0.95)) <= 1


@pytest.mark.parametrize(
    "draw", [random.Random.random, lambda r: r.lognormvariate(0, 2), lambda r: r.choice([1.0, 1.0, 5.0])], ids=["uniform", "skewed", "ties"]
)
@pytest.mark.parametrize("n", [6, 15, 40])
def test_coverage_on_drawn_samples(n: int, draw: object) -> None:
    source = random.Random(20240601)  # noqa: S311 - drawn for a test
    many = sorted(draw(source) for _ in range(20_001))  # type: ignore[operator]
    truth = median(many)
    trials = 1500
    held = 0
    for _ in range(trials):
        low, _, high = median_interval([draw(source) for _ in range(n)])  # type: ignore[operator]
        held += low <= truth <= high
    # Three standard errors of a share of 0.94 (the approximation's floor) over 1500 trials are 0.018.
    assert held / trials >= 0.94 - 0.018


@pytest.mark.parametrize("n", range(1, 6))
def test_under_six_values_nothing_is_known(n: int) -> None:
    low, middle, high = median_interval([float(i) for i in range(n)])
    assert (low, high) == (-math.inf, math.inf)
    assert middle == (n - 1) / 2


def test_no_values_and_nan() -> None:
    with pytest.raises(ValueError, match="no values"):
        median_interval([])
    assert all(math.isnan(v) for v in median_interval([1.0, math.nan, 2.0]))


@given(st.lists(FINITE, min_size=1, max_size=60))
@settings(deadline=None)
def test_the_middle_is_the_median_and_the_ends_are_values(values: list[float]) -> None:
    low, middle, high = median_interval(values)
    assert middle == pytest.approx(median(values), rel=1e-12, abs=1e-300)
    assert low <= middle <= high
    assert {low, high} <= {*values, -math.inf, math.inf}


@given(st.lists(FINITE, min_size=6, max_size=40), st.randoms())
@settings(deadline=None)
def test_order_does_not_matter(values: list[float], shuffler: random.Random) -> None:
    before = median_interval(values)
    shuffler.shuffle(values)
    assert median_interval(values) == before
