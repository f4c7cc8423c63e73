"""The scorer on matrices small enough to know every number."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from assay.harness.work import Answer
from assay.suites.numerics import exact as exact_module
from assay.suites.numerics.bounds import Tolerance, rounded_sums, truncated_sums
from assay.suites.numerics.exact import Exact
from assay.suites.numerics.score import score
from assay.suites.numerics.units.presets import preset


def case(m: int, n: int, k: int) -> tuple[torch.Tensor, Exact]:
    """A product of N(0,1) data computed in float64, and what it is held against."""
    source = torch.Generator().manual_seed(m * n * k)
    a, b = (torch.randn(rows, k, generator=source, dtype=torch.float64) for rows in (m, n))
    return a @ b.T, Exact(m, n, left=lambda rows: a[rows], right=lambda rows: b[rows])


def judge(output: torch.Tensor, exact: Exact, *, out: str = "fp32") -> Answer:
    """Score with the tolerance of FP32 sums of length 64."""
    return score(output, exact, rounded_sums(64, out=out))


def test_right_answers_pass_and_every_element_is_counted() -> None:
    product, exact = case(5, 7, 64)
    answer = judge(product.float(), exact)
    assert answer.ok
    assert answer.tested == 35
    assert answer.scores["element"] < 1
    assert answer.scores["row"] < answer.limits["row"]
    assert answer.scores["calc_diff"] < 1e-12


def test_tiles_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    product, exact = case(70, 50, 64)
    product[66, 33] += 1
    whole = judge(product.float(), exact)
    monkeypatch.setattr(exact_module, "TILE", 16)
    monkeypatch.setattr(exact_module, "KEPT_NBYTES", 0)
    _, fresh = case(70, 50, 64)
    tiled = judge(product.float(), fresh)
    assert fresh.kept == {}
    assert (whole.ok, whole.where, whole.tested) == (tiled.ok, tiled.where, tiled.tested) == (False, "row 66, column 33", 3500)
    assert tiled.scores == pytest.approx(whole.scores)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_is_not_finite_is_wrong_wherever_it_stands(value: float) -> None:
    product, exact = case(5, 7, 64)
    output = product.float()
    output[3, 6] = value
    answer = judge(output, exact)
    assert not answer.ok
    assert answer.where == "row 3, column 6"


def test_worst_of_several_is_named_with_both_values() -> None:
    product, exact = case(5, 7, 64)
    output = product.float()
    output[0, 0] += 0.1
    output[4, 2] = -output[4, 2]
    answer = judge(output, exact)
    assert answer.where == "row 4, column 2"
    assert f"got {output[4, 2]:.6g}, expected {float(product[4, 2]):.6g}" in answer.reason
    assert "2 of 35 elements wrong" in answer.reason


def test_a_row_of_small_errors_that_no_element_shows() -> None:
    product, exact = case(4, 4000, 64)
    share = Tolerance(element=1e-3, row=1e-6, output=0.0, why="made for this test")
    output = product.clone()
    output[2] *= 1 + 1e-4
    assert score(product, exact, share).ok
    answer = score(output, exact, share)
    assert not answer.ok
    assert answer.where == "row 2"
    assert answer.scores["element"] < 1
    assert answer.scores["row"] == pytest.approx(1e-4, rel=1e-6)


def test_zero_rows_must_be_zero() -> None:
    exact = Exact(
        2,
        3,
        left=lambda rows: torch.tensor([[0.0], [1.0]], dtype=torch.float64)[rows],
        right=lambda rows: torch.ones(3, 1, dtype=torch.float64)[rows],
    )
    right = torch.tensor([[0.0, 0, 0], [1, 1, 1]])
    assert judge(right, exact).ok
    right[0, 1] = 1e-30
    assert judge(right, exact).where == "row 0, column 1"


def test_a_reference_that_is_not_finite_proves_nothing() -> None:
    exact = Exact(
        1, 1, left=lambda _: torch.tensor([[torch.inf]], dtype=torch.float64), right=lambda _: torch.ones(1, 1, dtype=torch.float64)
    )
    assert not judge(torch.tensor([[torch.inf]]), exact).ok


def test_calc_diff_is_deepgemms_formula() -> None:
    product, exact = case(5, 7, 64)
    output = product * 1.01
    x, y = output, product
    wanted = 1 - 2 * (x * y).sum() / (x * x + y * y).sum()
    assert judge(output, exact).scores["calc_diff"] == pytest.approx(float(wanted), rel=1e-6)


def test_bf16_output_is_allowed_its_own_rounding_and_no_more() -> None:
    product, exact = case(20, 30, 64)
    assert judge(product.bfloat16(), exact, out="bf16").ok
    assert not judge(product.bfloat16(), exact, out="fp32").ok
    assert not judge((product * (1 + 2.0**-6)).bfloat16(), exact, out="bf16").ok


@pytest.mark.parametrize("factor", [1.0, 0.0, -1.0])
def test_a_truncating_unit_passes_and_its_lost_or_negated_row_does_not(factor: float) -> None:
    # The longest dot product of DeepSeek-V3 (16384) on zero-mean data, where the bound on an element is wider than the answers themselves.
    k, source = 16384, torch.Generator().manual_seed(0)
    a, b = (torch.round(torch.randn(6, k, generator=source, dtype=torch.float64) * 8) / 8 for _ in range(2))
    output = torch.from_numpy(preset("h100_fp8", a="fp16", promote=128).gemm(a, b.T).astype(np.float64))
    output[4] *= factor
    exact = Exact(6, 6, left=lambda rows: a[rows], right=lambda rows: b[rows])
    answer = score(output, exact, truncated_sums(k, unit="fp8", out="fp32", promoted=True))
    assert answer.ok == (factor == 1)
    assert answer.ok or "row 4 is off by" in answer.reason
