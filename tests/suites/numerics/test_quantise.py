"""The FP8 recipe against brute force over all 256 codes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from assay.harness.errors import RefusalError
from assay.suites.numerics.draws import ROWS_AT_ONCE, draw, draw_in_parts, generator
from assay.suites.numerics.formats.exponents import RULES
from assay.suites.numerics.formats.format import FORMATS
from assay.suites.numerics.quantise import BLOCK, Quantised, deepseek, quantise, quantise_part
from assay.suites.numerics.recipes import PUBLISHED, TAKES, published, recipe


def e4m3_values() -> np.ndarray:
    """All finite E4M3 numbers from the format's definition (OCP 8-bit floating point: bias 7, no infinities)."""
    found = set()
    for code in range(128):
        exponent, mantissa = code >> 3, code & 7
        if code != 0x7F:
            size = mantissa * 2.0**-9 if exponent == 0 else (8 + mantissa) * 2.0 ** (exponent - 10)
            found |= {size, -size}
    return np.array(sorted(found))


@pytest.mark.parametrize(("operand", "tile"), [("activation", 1), ("weight", BLOCK)])
def test_values_are_the_nearest_codes_and_scales_the_largest_of_each_block(operand: str, tile: int) -> None:
    x = draw("outlier", 200, 256, generator(3, rank=0, operand="x"))
    values, scales = quantise_part(x, deepseek(operand))
    codes = e4m3_values()
    assert scales.shape == (-(-200 // tile), 2)
    for row in (0, 1, 127, 128, 199):
        for block in (0, 1):
            rows = slice(row // tile * tile, min(row // tile * tile + tile, 200))
            inner = slice(block * BLOCK, (block + 1) * BLOCK)
            amax = np.abs(x[rows, inner].numpy()).max()
            scale = np.float32(amax) / np.float32(448)
            assert float(scales[row // tile, block]) == scale
            wanted = x[row, inner].numpy() / scale
            got = values[row, inner].float().numpy()
            nearest = np.abs(codes[None, :] - wanted[:, None]).min(axis=1)
            assert set(got.tolist()) <= set(codes.tolist())
            np.testing.assert_allclose(np.abs(got - wanted), nearest, atol=1e-4)
            assert values[rows, inner].float().abs().max() == 448


def test_zero_and_tiny_blocks_take_the_floor_of_the_scale() -> None:
    x = torch.zeros(2, BLOCK)
    x[1, 5] = 5e-5
    values, scales = quantise_part(x, deepseek("activation"))
    assert scales.flatten().tolist() == pytest.approx([1e-4 / 448] * 2)
    assert values[0].float().abs().max() == 0
    assert values[1].float()[5] == 224


def test_dequantised_is_value_times_scale_whatever_rows_are_asked_for() -> None:
    rows, k = 300, 256
    x = draw("normal", rows, k, generator(1, rank=0, operand="w"))
    operand = quantise([(slice(0, rows), x)], rows=rows, k=k, by=deepseek("weight"), device="cpu")
    whole = operand.dequantised(slice(0, rows), torch.float64)
    for row, column in ((0, 0), (127, 127), (128, 128), (299, 255)):
        assert float(whole[row, column]) == float(
            operand.values[row, column].double() * operand.scales[row // BLOCK, column // BLOCK].double()
        )
    assert torch.equal(operand.dequantised(slice(128, 300), torch.float64), whole[128:])
    assert operand.nbytes == rows * k + 4 * 3 * 2


def test_an_operand_in_parts_equals_the_operand_at_once() -> None:
    rows, k = ROWS_AT_ONCE + 130, 128
    parts = list(draw_in_parts("normal", rows, k, generator(5, rank=0, operand="w")))
    assert len(parts) == 2
    at_once = quantise([(slice(0, rows), torch.cat([part for _, part in parts]))], rows=rows, k=k, by=deepseek("weight"), device="cpu")
    in_parts = quantise(parts, rows=rows, k=k, by=deepseek("weight"), device="cpu")
    assert torch.equal(at_once.scales, in_parts.scales)
    assert torch.equal(at_once.values.view(torch.uint8), in_parts.values.view(torch.uint8))


@pytest.mark.parametrize("rows", [1, 64, 127, 128, 129, 256])
def test_rows_below_change_nothing_above_whatever_their_number(rows: int) -> None:
    x = draw("normal", 384, 512, generator(3, rank=0, operand="w"))
    x[rows:] = 0  # what is missing from the last block counts as zeros
    whole, some = (
        quantise([(slice(0, len(part)), part)], rows=len(part), k=512, by=deepseek("weight"), device="cpu") for part in (x, x[:rows])
    )
    assert torch.equal(some.values.float(), whole.values[:rows].float())
    assert torch.equal(some.scales, whole.scales[: len(some.scales)])


def test_draws_depend_on_seed_rank_and_operand_and_on_nothing_else() -> None:
    one = draw("normal", 4, 8, generator(0, rank=0, operand="a"))
    assert torch.equal(one, draw("normal", 4, 8, generator(0, rank=0, operand="a")))
    for seed, rank, operand in ((1, 0, "a"), (0, 1, "a"), (0, 0, "b")):
        assert not torch.equal(one, draw("normal", 4, 8, generator(seed, rank=rank, operand=operand)))


def test_distributions_are_what_they_say() -> None:
    source = generator(0, rank=0, operand="d")
    uniform, outlier = (draw(kind, 500, 1000, source) for kind in ("uniform", "outlier"))
    assert 0 <= float(uniform.min()) <= float(uniform.max()) < 1
    assert 0.0005 < float((outlier.abs() > 8).float().mean()) < 0.0015


def quantised(x: torch.Tensor, name: str, operand: str = "activation") -> Quantised:
    """Quantise by a published recipe."""
    rows, k = x.shape
    return quantise([(slice(0, rows), x)], rows=rows, k=k, by=recipe(*published(name), operand), device="cpu")  # type: ignore[arg-type]


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_recipe_gives_numbers_of_its_format_near_what_they_stand_for(name: str) -> None:
    x = draw("outlier", 64, 256, generator(9, rank=0, operand="x"))
    found = quantised(x, name)
    to = FORMATS[PUBLISHED[name][0]]
    values = found.values.double()
    assert float(values.abs().max()) <= to.largest
    steps = torch.exp2(torch.floor(torch.log2(values.abs().clamp_min(to.least_normal))) - to.fraction)
    assert bool((values / steps == (values / steps).round()).all())
    # Half a unit in the last place of the format, at the size of the block's largest number; a floor rule may cut off more than that.
    error = (found.dequantised(slice(0, 64), torch.float64) - x.double()).abs()
    scale = found.row_scales(slice(0, 64)).double().repeat_interleave(found.columns, dim=1) * found.whole
    if not name.endswith("floor"):
        # NVFP4's E4M3 scale is itself rounded, by up to 1/16: what it cuts off the largest number counts too.
        slack = to.largest / 16 if name == "nvfp4" else 0.0
        assert bool((error <= scale * (steps / 2 + slack)).all())
    else:
        assert bool((error <= scale * to.largest).all())


def test_mx_blocks_of_the_floor_rule_saturate_as_often_as_published() -> None:
    # numerics: with 448 / 256 = 1.75, a block saturates where the mantissa of its largest number exceeds 1.75; 16 % of N(0,1) blocks do.
    x = draw("normal", 512, 1024, generator(4, rank=0, operand="x"))
    blocks = x.view(-1, 32).abs().amax(dim=1)
    shares = []
    for name in ("mxfp8_floor", "mxfp8"):
        scales = quantised(x, name).scales.flatten()
        shares.append(float((blocks / scales > 448).float().mean()))
    assert shares[0] == pytest.approx(0.16, abs=0.02)
    assert shares[1] == 0


def test_nvfp4_scales_are_e4m3_numbers_under_one_float32_scale() -> None:
    x = 1e-3 * draw("normal", 32, 256, generator(4, rank=0, operand="x"))
    found = quantised(x, "nvfp4")
    assert found.whole == float(np.float32(float(x.abs().max())) / np.float32(448 * 6))
    assert set(found.scales.flatten().tolist()) <= set(e4m3_values().tolist())
    assert float(found.scales.max()) == 448
    assert found.nbytes == 32 * 256 // 2 + 32 * 16 + 4


@pytest.mark.parametrize("name", PUBLISHED)
def test_what_is_no_number_spoils_its_block_and_no_other(name: str) -> None:
    for bad in (float("nan"), float("inf"), float("-inf")):
        x = draw("normal", 4, 256, generator(2, rank=0, operand="x"))
        x[1, 3] = bad
        back = quantised(x, name).dequantised(slice(0, 4), torch.float64)
        assert bool(back[1, 3].isnan())
        if published(name)[1] in {"tile", "mx"}:
            assert bool(back[[0, 2, 3]].isfinite().all())
            assert bool(back[1, 128:].isfinite().all())


@pytest.mark.parametrize("name", PUBLISHED)
def test_zeros_are_zeros(name: str) -> None:
    found = quantised(torch.zeros(4, 256), name)
    assert bool(found.scales.isfinite().all())
    assert float(found.dequantised(slice(0, 4), torch.float64).abs().max()) == 0


def test_combinations_that_do_not_exist_are_refused_with_those_that_do() -> None:
    for wrong, part in ((("e4m3", "mx", "fp32"), "scale"), (("e2m1", "tile", "fp32"), "format"), (("e4m3", "block", "fp32"), "scaling")):
        with pytest.raises(RefusalError) as refused:
            recipe(*wrong, "activation")
        assert refused.value.where == part
    with pytest.raises(RefusalError):
        published("mxfp5")
    assert all(format in FORMATS for formats, _ in TAKES.values() for format in formats)  # noqa: A001 - the word of the case key
    assert all(set(scales) <= {"fp32", "e4m3", *RULES} for _, scales in TAKES.values())
