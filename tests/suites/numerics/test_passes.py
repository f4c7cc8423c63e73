"""Pieces change nothing: quantising in pieces of any size gives the bits of the plain formulas over the whole."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from assay.suites.numerics import passes
from assay.suites.numerics.formats.format import FORMATS
from assay.suites.numerics.formats.logfmt import AT_ONCE, TILE, encode
from assay.suites.numerics.formats.rounding import round_to
from assay.suites.numerics.quantise import container, quantise_part, scales_of, tensor_scale
from assay.suites.numerics.recipes import TAKES, Recipe, recipe

ROWS, K = 260, 256


def plain(part: torch.Tensor, by: Recipe, whole: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Quantise as the module's formulas are written, in as many passes over everything as they have steps."""
    rows, k = part.shape
    height, width = by.rows or rows, by.columns or k
    padded = torch.nn.functional.pad(part, (0, 0, 0, -rows % height))
    blocks = padded.reshape(-1, height, k // width, width)
    scales = scales_of(blocks.abs().amax(dim=(1, 3)), by, whole)
    scaled = (blocks / (scales * whole)[:, None, :, None]).reshape(-1, k)[:rows]
    if not by.format.has_nan:
        scaled = scaled.nan_to_num(nan=0.0)
    return round_to(scaled.contiguous(), by.format).to(container(by.format)), scales


def inputs() -> Iterator[torch.Tensor]:
    """Give what is ordinary, and what is not: every magnitude, zeros of both signs, what is no number, subnormal and huge numbers."""
    source = torch.Generator().manual_seed(12)
    normal = torch.randn(ROWS, K, generator=source)
    yield normal
    yield normal * torch.exp2(torch.randint(-140, 120, (ROWS, K), generator=source).float())
    holes = normal.clone()
    holes[torch.rand(ROWS, K, generator=source) < 0.3] = -0.0
    holes[3:140], holes[:, :128] = 0.0, holes[:, :128] * 1e-41
    yield holes
    broken = normal.clone()
    broken[3, 4], broken[200, 130], broken[7, 250], broken[9, 0] = torch.nan, torch.inf, -torch.inf, -torch.nan
    yield broken
    yield (normal * 1e38).clamp(-3.4e38, 3.4e38)
    yield torch.randn(K, ROWS, generator=source)[:, :256].t()  # not contiguous


def bits(values: torch.Tensor) -> torch.Tensor:
    """Give the bits of what is a number, 0 of what is not."""
    words = values.view({1: torch.uint8, 2: torch.int16, 4: torch.int32}[values.element_size()])
    return torch.where(values.float().isnan(), 0, words)


@pytest.mark.parametrize("piece", [1 << 18, 1000])
@pytest.mark.parametrize("scaling", TAKES)
def test_every_recipe_gives_the_bits_of_the_plain_formulas(scaling: str, piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passes, "PIECE", piece)
    formats, scales = TAKES[scaling]
    compared = 0
    for part in inputs():
        for name in formats:
            for operand in ("activation", "weight") if scaling == "tile" else ("activation",):
                by = recipe(name, scaling, scales[compared % len(scales)], operand)  # type: ignore[arg-type]
                whole = tensor_scale(part) if scaling == "nvfp4" else 1.0
                values, found = quantise_part(part, by, whole=whole)
                wanted, known = plain(part, by, whole)
                assert torch.equal(bits(values), bits(wanted)), (name, by.scale, operand)
                assert torch.equal(bits(found), bits(known)), (name, by.scale, operand)
                assert bool((values.float().isnan() == wanted.float().isnan()).all())
                compared += 1
    assert compared == 6 * len(formats) * (2 if scaling == "tile" else 1)


def test_nothing_is_left_out_where_a_quotient_overflows_or_is_none() -> None:
    e2m1 = FORMATS["e2m1"]
    part, values = torch.tensor([[1.0, -9.0, 0.0, torch.inf]]), torch.empty(1, 4, dtype=torch.bfloat16)
    for divisor, wanted in ((1.0, [1.0, -6.0, 0.0, 6.0]), (0.0, [6.0, -6.0, 0.0, 6.0]), (torch.nan, [0.0] * 4)):
        room = passes.room_for(part, 4)
        passes.divided(part, torch.tensor([[divisor]]), values, e2m1, passes.magnitudes(part, 4, room), room)
        assert values.tolist() == [wanted], divisor


def test_logfmt_in_pieces_is_logfmt_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    x = torch.randn(7, 3 * TILE, generator=torch.Generator().manual_seed(2))
    whole = encode(x, 8)
    for piece in (1, 5):
        assert piece < AT_ONCE
        monkeypatch.setattr("assay.suites.numerics.formats.logfmt.AT_ONCE", piece)
        part = encode(x, 8)
        assert all(torch.equal(getattr(part, name), getattr(whole, name)) for name in ("codes", "least", "step"))


def test_magnitudes_are_numpys() -> None:
    for part in inputs():
        x = part.contiguous()
        for width in (16, 32, 256):
            with np.errstate(invalid="ignore"):
                wanted = np.abs(x.numpy()).reshape(len(x), -1, width).max(axis=2)
            np.testing.assert_array_equal(passes.magnitudes(x, width, passes.room_for(x, width)).numpy(), wanted)
