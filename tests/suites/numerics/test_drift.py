"""Shares, bounds, predictions: against sums by hand and brute force; a unit with one bit less is seen, the healthy one is silent."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from assay.suites.numerics.drift import bound, calc_diff, drifts, predicted_diff, shares
from assay.suites.numerics.units.options import changed
from assay.suites.numerics.units.presets import preset


def test_shares_are_errors_over_what_was_added_up() -> None:
    a, b = np.array([[1.0, -2.0], [0.0, 0.0]]), np.array([[3.0, 1.0], [1.0, 1.0]])
    result = np.array([[1.5, -1.0], [0.0, np.nan]])  # exact: [[1, -1], [0, 0]]
    found = shares(result, a, b)
    assert found[0].tolist() == [0.5 / 5, 0.0]
    assert found[1].tolist() == [0.0, np.inf]


def test_what_is_wrong_where_nothing_was_added_is_beyond_all_limits() -> None:
    assert shares(np.array([[1.0]]), np.zeros((1, 2)), np.zeros((2, 1))).tolist() == [[np.inf]]


@pytest.mark.parametrize(("promote", "k"), [(None, 512), (128, 4096)])
def test_no_share_leaves_the_bound_and_the_bound_is_the_published_formula(promote: int | None, k: int) -> None:
    unit, source = preset("h100_fp8", promote=promote), np.random.default_rng(3)
    a, b = (source.integers(-15, 16, shape).astype(np.float32) for shape in ((16, k), (k, 16)))
    most = bound(k, fused=32, bits=13, output_bits=13, promote=promote)
    blocks = (promote or k) // 32
    by_hand = Fraction(blocks) * (Fraction(1, 2**13) + Fraction(33, 2**13))
    assert most == pytest.approx(float(by_hand), rel=1e-2 if promote else 1e-12)
    assert shares(unit.gemm(a, b), a, b).max() < most


@pytest.mark.parametrize("data", ["uniform", "normal"])
def test_one_alignment_bit_less_drifts_and_the_healthy_unit_in_any_order_does_not(data: str) -> None:
    healthy, source = preset("h100_fp8", promote=128), np.random.default_rng(11)
    draw = source.random if data == "uniform" else source.standard_normal
    # Four significant bits over a few octaves: values of E4M3.
    a, b = (
        np.ldexp(np.rint(np.ldexp(m, 4)), e - 4).astype(np.float32) for m, e in (np.frexp(draw((32, 2048))), np.frexp(draw((32, 2048))))
    )
    a, b = (np.where(np.abs(x) < 2.0**-6, 0, x).astype(np.float32) for x in (a, b.T))
    model, most = healthy.gemm(a, b), bound(2048, fused=32, bits=13, output_bits=13, promote=128)
    for unit, wanted in ((healthy, False), (changed(healthy, order="strided", period=64), False), (changed(healthy, bits=12), True)):
        drifted, found, limit = drifts(unit.gemm(a, b), model, a, b, most=most)
        assert drifted == wanted, (found, limit)


def test_calc_diff_is_half_the_squared_relative_error_and_blind_to_one_row() -> None:
    source = np.random.default_rng(0)
    x = source.standard_normal((4096, 8))
    y = x * (1 + 1e-2 * source.choice([-1.0, 1.0], x.shape))
    assert calc_diff(x, y) == pytest.approx(1e-4 / 2, rel=1e-3)
    flipped = x.copy()
    flipped[17] *= -1
    assert calc_diff(x, flipped) < 1e-3  # DeepGEMM's limit: one row of 4096 with its sign turned passes


def test_the_prediction_is_the_mean_over_signs_of_the_errors() -> None:
    source = np.random.default_rng(5)
    a, b = source.standard_normal((3, 4)) * [1, 1, 30, 1], source.standard_normal((4, 2))
    da, db = 0.05 * np.abs(a), 0.02 * np.abs(b)
    exact = a @ b
    measured = [
        ((((a + da * source.choice([-1, 1], a.shape)) @ (b + db * source.choice([-1, 1], b.shape))) - exact) ** 2).sum()
        for _ in range(20000)
    ]
    assert predicted_diff(a, b, a + da, b + db) == pytest.approx(np.mean(measured) / (2 * (exact**2).sum()), rel=0.02)
    assert predicted_diff(np.zeros((1, 1)), b[:1], np.zeros((1, 1)), b[:1]) == 0.0
