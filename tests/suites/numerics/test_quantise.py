"""The FP8 recipe against brute force over all 256 codes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from assay.suites.numerics.draws import ROWS_AT_ONCE, draw, draw_in_parts, generator
from assay.suites.numerics.quantise import BLOCK, quantise, quantise_part


def e4m3_values() -> np.ndarray:
    """All finite E4M3 numbers from the format's definition (OCP 8-bit floating point: bias 7, no infinities)."""
    found = set()
    for code in range(128):
        exponent, mantissa = code >> 3, code & 7
        if code != 0x7F:
            size = mantissa * 2.0**-9 if exponent == 0 else (8 + mantissa) * 2.0 ** (exponent - 10)
            found |= {size, -size}
    return np.array(sorted(found))


@pytest.mark.parametrize("tile", [1, BLOCK])
def test_values_are_the_nearest_codes_and_scales_the_largest_of_each_block(tile: int) -> None:
    x = draw("outlier", 200, 256, generator(3, rank=0, operand="x"))
    values, scales = quantise_part(x, tile=tile)
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
    values, scales = quantise_part(x, tile=1)
    assert scales.flatten().tolist() == pytest.approx([1e-4 / 448] * 2)
    assert values[0].float().abs().max() == 0
    assert values[1].float()[5] == 224


def test_dequantised_is_value_times_scale_whatever_rows_are_asked_for() -> None:
    rows, k = 300, 256
    x = draw("normal", rows, k, generator(1, rank=0, operand="w"))
    operand = quantise([(slice(0, rows), x)], rows=rows, k=k, tile=BLOCK, device="cpu")
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
    at_once = quantise([(slice(0, rows), torch.cat([part for _, part in parts]))], rows=rows, k=k, tile=BLOCK, device="cpu")
    in_parts = quantise(parts, rows=rows, k=k, tile=BLOCK, device="cpu")
    assert torch.equal(at_once.scales, in_parts.scales)
    assert torch.equal(at_once.values.view(torch.uint8), in_parts.values.view(torch.uint8))


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
