"""Bounds hold for units that obey their model, and are not so wide that a unit without promotion passes."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from assay.suites.numerics import bounds
from assay.suites.numerics.units.presets import preset


def test_gamma_is_highams_formula() -> None:
    u = Fraction(1, 2**24)
    for k in (1, 128, 7168, 16384):
        assert bounds.gamma(k, bounds.FP32_ROUNDOFF) == pytest.approx(float(k * u / (1 - k * u)), rel=1e-15)
    assert bounds.gamma(2**24, bounds.FP32_ROUNDOFF) == math.inf


def test_gamma_typical_grows_with_the_root_and_stays_below_the_worst_case() -> None:
    # Higham and Mary 2019: lambda sqrt(k) u to first order.
    assert bounds.gamma_typical(10_000, 2.0**-24) == pytest.approx(6 * 100 * 2.0**-24, rel=1e-3)
    assert bounds.gamma_typical(4, 2.0**-24) == bounds.gamma(4, 2.0**-24)


def test_typical_bound_covers_what_fp32_chains_were_measured_to_reach() -> None:
    # Emulated float32 chains on U[0,1) reach 6.5, 16.8, 36 and 99 u.
    for k, reached in ((256, 6.5), (1024, 16.8), (4096, 36), (16384, 99)):
        assert reached * 2.0**-24 < bounds.gamma_typical(k, 2.0**-24) < bounds.gamma(k, 2.0**-24)


def test_fused_chain_of_one_block_by_hand() -> None:
    # One block of 32: each of 33 terms loses less than 2^-13, the output less than 2^-13 of it.
    assert bounds.fused_chain(32, lanes=32, fraction_bits=13, output_bits=13) == 34 * 2.0**-13
    assert bounds.fused_chain(33, lanes=32, fraction_bits=13, output_bits=13) == 68 * 2.0**-13


@pytest.mark.parametrize("kind", ["normal", "uniform"])
@pytest.mark.parametrize("k", [128, 1024, 4096])
def test_truncating_unit_with_promotion_stays_within_the_tolerance(kind: str, k: int) -> None:
    element, row = errors(kind, k, promotion=128)
    tolerance = bounds.truncated_sums(k, unit="fp8", out="fp32", promoted=True)
    assert element < tolerance.element
    assert row < tolerance.row


def test_truncating_unit_that_never_promotes_breaks_the_tolerance() -> None:
    element, row = errors("uniform", 4096, promotion=None)
    tolerance = bounds.truncated_sums(4096, unit="fp8", out="fp32", promoted=True)
    assert element > tolerance.element
    assert row > tolerance.row


def errors(kind: str, k: int, *, promotion: int | None) -> tuple[float, float]:
    """Largest share of |A||B| that an emulated Hopper FP8 unit is off by: of an element, and root mean square of a row."""
    draw = np.random.default_rng(k)
    a, b = ((draw.random((8, k)) if kind == "uniform" else draw.standard_normal((8, k))) for _ in range(2))
    a, b = (np.round(x * 8) / 8 for x in (a, b))  # values of FP16, which the emulated unit takes as well
    error = np.abs(preset("h100_fp8", a="fp16", promote=promotion).gemm(a, b.T) - a @ b.T)
    size = np.abs(a) @ np.abs(b).T
    return float((error / size).max()), float((np.linalg.norm(error, axis=1) / np.linalg.norm(size, axis=1)).max())
