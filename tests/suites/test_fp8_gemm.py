"""The FP8 product: healthy kernels are silent, each planted fault is found at its place."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from assay.harness.errors import NotApplicableError, RefusalError
from assay.harness.work import Answer, Work
from assay.suites.fp8_gemm import fp8_gemm, needs, operands
from assay.suites.numerics.fp8_cost import cost_of, with_cost
from assay.suites.numerics.fp8_kernels import blockwise
from assay.suites.numerics.recipes import PUBLISHED
from assay.suites.numerics.units.presets import preset
from tests.fakes import context, on_ranks, run_once

GIVEN: dict[str, object] = {
    "layer": "",
    "input": "normal",
    "recipe": "deepseek_v3",
    "direction": "fprop",
    "impl": "blockwise",
    "unit": "",
    "out": "fp32",
    "seed": 0,
    "nranks": 1,
}
M, N, K = 32, 200, 512  # n is no multiple of 128: the last block of weights is partial


def work(**changes: object) -> Work:
    """Make the suite's work on one rank."""
    return fp8_gemm(context(), **({"m": M, "n": N, "k": K} | changes))  # type: ignore[arg-type]


def spoiled(spoil: object, **changes: object) -> tuple[Answer, torch.Tensor]:
    """Make a right step, spoil the live answer, check it; returns the answer and the right product."""
    made = work(**changes)
    assert run_once(made).ok
    right = made.result().clone()  # type: ignore[misc]
    spoil(made.result())  # type: ignore[misc,operator]
    return made.check(), right


@pytest.mark.parametrize("impl", ["blockwise", "dequant"])
@pytest.mark.parametrize("kind", ["normal", "uniform", "outlier"])
@pytest.mark.parametrize("out", ["fp32", "bf16"])
def test_healthy_kernels_are_silent(impl: str, kind: str, out: str) -> None:
    for seed in range(3):
        answer = run_once(work(impl=impl, input=kind, out=out, seed=seed))
        assert answer.ok, answer.reason
        assert answer.tested == M * N


def test_both_kernels_agree_with_a_product_written_out_by_hand() -> None:
    a, w, _ = operands(context(), m=4, n=130, k=256, kind="normal", seed=7)
    made = {impl: fp8_gemm(context(), m=4, n=130, k=256, impl=impl, seed=7) for impl in ("blockwise", "dequant")}  # type: ignore[arg-type]
    for one in made.values():
        one.step()
    for row, column in ((0, 0), (3, 127), (2, 128), (3, 129)):
        by_hand = sum(
            float(a.values[row, i]) * float(a.scales[row, i // 128]) * float(w.values[column, i]) * float(w.scales[column // 128, i // 128])
            for i in range(256)
        )
        for one in made.values():
            assert float(one.result()[row, column]) == pytest.approx(by_hand, rel=1e-4, abs=1e-4)  # type: ignore[misc]


def test_a_step_that_does_nothing_is_wrong() -> None:
    idle = dataclasses.replace(work(), step=lambda: None)
    assert not run_once(idle).ok


def test_one_flipped_exponent_bit_is_found_at_its_place() -> None:
    def flip(output: torch.Tensor) -> None:
        output.view(torch.int32)[17, 3] ^= 1 << 24

    answer, right = spoiled(flip)
    assert not answer.ok
    assert answer.where == "row 17, column 3"
    assert f"expected {float(right[17, 3]):.4g}"[:12] in answer.reason
    assert "1 of 6400 elements wrong" in answer.reason


@pytest.mark.parametrize("factor", [0.0, -1.0])
def test_a_zeroed_or_negated_row_is_found(factor: float) -> None:
    def spoil(output: torch.Tensor) -> None:
        output[9] *= factor

    for out in ("fp32", "bf16"):
        answer, _ = spoiled(spoil, out=out)
        assert not answer.ok
        assert answer.where.startswith("row 9, column ")
        assert "row 9 is off by" in answer.reason
        assert "1 of 32 rows wrong" in answer.reason
        assert answer.scores["row"] == pytest.approx(abs(factor - 1), rel=1e-2)


def test_one_negated_row_of_4096_passes_calc_diff_but_not_us() -> None:
    made = fp8_gemm(context(), m=4096, n=64, k=128)
    assert run_once(made).ok
    made.result()[1234] *= -1  # type: ignore[misc]
    answer = made.check()
    assert answer.scores["calc_diff"] < 1e-3  # DeepGEMM's own limit would let it pass
    assert not answer.ok
    assert answer.where.startswith("row 1234, column ")


@pytest.mark.parametrize("fault", ["swapped", "transposed"])
def test_scales_at_the_wrong_place_are_found(fault: str) -> None:
    a, w, _ = operands(context(), m=M, n=512, k=K, kind="normal", seed=0)
    if fault == "swapped":  # two K blocks of one token exchange their scales
        scales = a.scales.clone()
        scales[5, [0, 1]] = scales[5, [1, 0]]
        bad = blockwise(dataclasses.replace(a, scales=scales), w, out="fp32")
    else:  # the weights' scales are read as k x n blocks
        bad = blockwise(a, dataclasses.replace(w, scales=w.scales.T.contiguous()), out="fp32")
    bad.step()
    made = work(n=512)
    assert run_once(made).ok
    made.result().copy_(bad.result())  # type: ignore[misc]
    answer = made.check()
    assert not answer.ok
    assert answer.where.startswith("row 5, column " if fault == "swapped" else "row ")
    if fault == "swapped":
        assert "1 of 32 rows wrong" in answer.reason


def test_ranks_and_seeds_have_data_of_their_own() -> None:
    first, second = (a.values.float() for a, _, _ in on_ranks(2, lambda ctx: operands(ctx, m=2, n=2, k=128, kind="normal", seed=0)))
    other = operands(context(), m=2, n=2, k=128, kind="normal", seed=1)[0].values.float()
    assert torch.equal(first, operands(context(), m=2, n=2, k=128, kind="normal", seed=0)[0].values.float())
    assert not torch.equal(first, second)
    assert not torch.equal(first, other)


def test_volume_counts_values_scales_and_output() -> None:
    made = work(out="bf16")
    assert made.volume.flops == 2 * M * N * K
    assert made.volume.memory_nbytes == M * K + N * K + 4 * (M * K // 128 + 2 * K // 128) + 2 * M * N
    assert made.volume.resource == "matrix_fp32"
    assert "FP32" in made.notes["kernel"]


def test_scaled_mm_is_not_applicable_without_an_fp8_unit() -> None:
    with pytest.raises(NotApplicableError, match="FP8 matrix unit"):
        work(impl="scaled_mm")


def test_scaled_mm_is_not_applicable_where_torch_has_no_kernel() -> None:
    # A device that claims FP8 but is this processor: torch refuses, and that is told as a reason, not as a crash.
    with pytest.raises(NotApplicableError, match="torch"):
        fp8_gemm(context(("fp32", "fp8")), m=32, n=128, k=128, impl="scaled_mm")


@pytest.mark.parametrize(
    ("changes", "where", "fix"), [({"k": 200}, "k", "k=256"), ({"m": 0}, "m", "1 or more"), ({"n": 100, "impl": "scaled_mm"}, "n", "n=96")]
)
def test_shapes_that_cannot_be_are_refused_with_a_way_out(changes: dict[str, object], where: str, fix: str) -> None:
    given = {"m": 64, "n": 2112, "k": 7168, **GIVEN}
    with pytest.raises(RefusalError) as caught:
        needs(**(given | changes))  # type: ignore[arg-type]
    assert caught.value.where == where
    assert fix in caught.value.fix


def test_needs_grow_with_the_shape() -> None:
    given = dict(GIVEN)
    small, large = (needs(m=m, n=2112, k=7168, **given) for m in (64, 4096))  # type: ignore[arg-type]
    assert 0 < small.memory_nbytes < large.memory_nbytes
    assert 0 < small.seconds < large.seconds


@pytest.mark.parametrize("kind", ["tails", "zeros", "saturating", "subnormal", "integers", "cancelling"])
@pytest.mark.parametrize("impl", ["blockwise", "emulated"])
def test_unusual_data_is_right_too(kind: str, impl: str) -> None:
    answer = run_once(work(input=kind, impl=impl, n=40))
    assert answer.ok, answer.reason
    assert all(value == value for value in answer.scores.values()), answer.scores  # noqa: PLR0124 - no NaN becomes a figure


@pytest.mark.parametrize("recipe", [*PUBLISHED])
@pytest.mark.parametrize("impl", ["dequant", "emulated"])
def test_every_recipe_is_right_and_costs_what_its_operands_predict(recipe: str, impl: str) -> None:
    made = work(recipe=recipe, impl=impl, n=64)
    answer = run_once(made)
    assert answer.ok, answer.reason
    assert "SQNR" in made.notes["quantisation"]
    if "quantisation" in answer.scores:
        assert answer.scores["quantisation"] == pytest.approx(1, abs=0.2)
    else:
        assert recipe.endswith("_floor")  # its scales clip
        assert "not a gate" in made.notes["quantisation"]


@pytest.mark.parametrize("direction", ["fprop", "dgrad", "wgrad"])
def test_every_product_of_a_linear_layer_is_right_with_its_own_tiles(direction: str) -> None:
    for impl in ("blockwise", "dequant", "emulated"):
        answer = run_once(work(direction=direction, impl=impl, n=160))
        assert answer.ok, answer.reason
    _, w, _ = operands(context(), m=8, n=160, k=K, kind="normal", seed=0, direction=direction)
    assert w.scales.shape == ((160, K // 128) if direction == "wgrad" else (2, K // 128))


def test_an_emulated_h100_is_that_unit_with_promotion_and_one_that_is_not_promoted_is_caught() -> None:
    made = work(impl="emulated", m=8, n=16)
    assert run_once(made).ok
    assert "truncated to 13 fraction bits, moved to FP32 every 128" in made.notes["tolerance"]
    a, w, _ = operands(context(), m=8, n=16, k=K, kind="normal", seed=0)
    unit = preset("h100_fp8", promote=128)
    by_hand = unit.gemm(
        a.values.float().numpy(), w.values.float().numpy().T, a_scales=a.scales.numpy(), b_scales=w.scales.numpy().repeat(128, 0)[:16].T
    )
    assert torch.equal(made.result(), torch.from_numpy(by_hand))  # type: ignore[misc]
    long = work(impl="emulated", m=8, n=8, k=16384, input="uniform")
    assert run_once(long).ok
    a, w, _ = operands(context(), m=8, n=8, k=16384, kind="uniform", seed=0)
    short = preset("h100_fp8").gemm(
        a.dequantised(slice(0, 8), torch.float32).numpy() * 0 + a.values.float().numpy(), w.values.float().numpy().T
    )
    long.result().copy_(torch.from_numpy(short * a.scales.numpy()[:, :1] * w.scales.numpy()[:, :1].T))  # type: ignore[misc]
    assert not long.check().ok


def test_a_quantiser_that_scales_wrongly_is_caught_by_the_price_of_its_recipe() -> None:
    a, w, (left, right) = operands(context(), m=M, n=64, k=K, kind="normal", seed=0)
    fine = cost_of(left, right, a, w)
    assert with_cost(Answer(ok=True, tested=1), fine).ok
    # One block in four of the activations is read with its neighbour's scale: each number is off by a factor, always the same way.
    scales = a.scales.clone()
    scales[:, 0] *= 1.5
    wrong = cost_of(left, right, dataclasses.replace(a, scales=scales), w)
    assert wrong.diff > 10 * fine.diff


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"recipe": "mxfp8"}, "recipe"),
        ({"recipe": "fp5"}, "recipe"),
        ({"impl": "emulated", "unit": "h900"}, "unit"),
        ({"impl": "emulated", "unit": "h100_fp8", "recipe": "mxfp8"}, "unit"),
        ({"unit": "h100_fp8"}, "unit"),
        ({"impl": "scaled_mm", "direction": "wgrad", "n": 2112}, "recipe"),
    ],
)
def test_recipes_and_units_that_do_not_fit_are_refused(changes: dict[str, object], where: str) -> None:
    with pytest.raises(RefusalError) as caught:
        needs(**({"m": 64, "n": 2112, "k": 7168, **GIVEN} | changes))  # type: ignore[arg-type]
    assert caught.value.where == where
