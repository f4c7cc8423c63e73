"""LogFMT against brute force, its own bounds, and the published comparison with E4M3 and E5M2."""

from __future__ import annotations

import math

import pytest
import torch

from assay.harness.errors import RefusalError
from assay.suites.numerics.draws import draw, generator
from assay.suites.numerics.formats.logfmt import TILE, decode, encode
from assay.suites.numerics.quantise import quantise
from assay.suites.numerics.recipes import recipe


def normal(rows: int, k: int = TILE) -> torch.Tensor:
    """Draw N(0,1)."""
    return draw("normal", rows, k, generator(8, rank=0, operand="x"))


@pytest.mark.parametrize("bits", [6, 7, 8, 10])
def test_every_value_becomes_the_nearest_level_of_its_tile(bits: int) -> None:
    x = normal(4)
    x[2] *= torch.exp2(torch.linspace(-40, 0, TILE))  # more octaves than a tile can span
    coded = encode(x, bits)
    back = decode(coded)
    for row in range(4):
        magnitudes = x[row].double().abs()
        top = float(magnitudes.log().max())
        low = max(float(magnitudes.log().min()), top - 32 * math.log(2))
        levels = torch.exp(low + (top - low) / (2 ** (bits - 1) - 2) * torch.arange(2 ** (bits - 1) - 1, dtype=torch.float64))
        gaps = (magnitudes[:, None] - levels[None, :]).abs()
        nearest = gaps.min(dim=1).values
        got = (magnitudes - back[row].abs()).abs()
        assert bool((got <= nearest * (1 + 1e-9) + 1e-300).all())


@pytest.mark.parametrize("bits", [6, 8, 10])
def test_encoding_what_was_decoded_changes_nothing(bits: int) -> None:
    coded = encode(normal(8, 256), bits)
    again = encode(decode(coded), bits)
    assert torch.equal(again.codes, coded.codes)


def test_signs_zeros_and_the_ends_of_a_tile_are_exact() -> None:
    x = normal(2)
    x[0, 5] = 0.0
    x[0, 6] = -0.0
    back = decode(encode(x, 8))
    assert bool((torch.signbit(back) == torch.signbit(x)).all())
    assert back[0, 5] == 0
    assert back[0, 6] == 0
    for row in range(2):
        size = x[row].double().abs()
        for end in (size[size > 0].min(), size.max()):
            place = int((size == end).nonzero()[0])
            assert float(back[row, place].abs()) == pytest.approx(float(end), rel=1e-12)


@pytest.mark.parametrize(("bits", "bound"), [(8, 5.28e-2), (10, 1.44e-2)])
def test_the_largest_relative_error_is_within_tanh_of_half_a_step(bits: int, bound: float) -> None:
    x = normal(256)
    coded = encode(x, bits)
    back = decode(coded)
    error = ((back - x.double()) / x.double()).abs().view(256, -1, TILE)
    assert bool((error <= torch.tanh(coded.step / 2)[:, :, None] * (1 + 1e-9)).all())
    typical = float(coded.step.median())
    assert math.tanh(typical / 2) < bound


def rms(back: torch.Tensor, x: torch.Tensor) -> float:
    """Give the relative root mean square error."""
    return float(((back - x.double()).square().sum() / x.double().square().sum()).sqrt())


def test_the_order_of_formats_on_normal_data_is_the_published_one() -> None:
    x = normal(512, 1024)

    def fp8(name: str) -> float:
        found = quantise([(slice(0, 512), x)], rows=512, k=1024, by=recipe(name, "tile", "fp32", "activation"), device="cpu")
        return rms(found.dequantised(slice(0, 512), torch.float64), x)

    eight, ten = (rms(decode(encode(x, bits)), x) for bits in (8, 10))
    e4m3, e5m2, bf16 = fp8("e4m3"), fp8("e5m2"), rms(x.bfloat16().double(), x)
    # papers: 1.41e-2, 3.49e-3, 2.57e-2, 5.13e-2, 1.66e-3
    assert (eight, ten, e4m3, e5m2, bf16) == tuple(pytest.approx(one, rel=0.03) for one in (1.41e-2, 3.49e-3, 2.57e-2, 5.13e-2, 1.66e-3))
    assert bf16 < ten < eight < e4m3 < e5m2


def test_degenerate_tiles() -> None:
    x = torch.zeros(4, TILE)
    x[1] = 0.75
    x[2, 3] = math.inf
    x[3, 0] = math.nan
    back = decode(encode(x, 8))
    assert float(back[0].abs().max()) == 0
    assert back[1].tolist() == pytest.approx([0.75] * TILE)
    assert bool(back[2].isnan().all())
    assert bool(back[3].isnan().all())


def test_bytes_on_the_wire_and_refusals() -> None:
    assert encode(normal(2, 256), 10).nbytes == 512 * 1.25 + 4 * 4
    for bad, bits in ((normal(2, 256)[:, :100], 8), (normal(2), 2), (normal(2)[0], 8)):
        with pytest.raises(RefusalError):
            encode(bad, bits)
    assert bool(decode(encode(torch.full((1, TILE), 2.0**-140), 8)).isfinite().all())
