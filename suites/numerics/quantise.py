"""Quantising an operand: numbers on a format's grid, and the scales that blocks of them share.

scale = max(amax, least) / largest of the format (DeepSeek-V3 technical report 3.3.2 and the repository's inference/kernel.py), or the
power of two or E4M3 number that the recipe makes of it; value = round(x / scale). The dequantised number is value * scale
(times the tensor's own scale for NVFP4): at most 4 + 24 significant bits (2 + 4 + 24), so it is exact in float64.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assay.suites.numerics.formats.exponents import scale_codes, scale_values
from assay.suites.numerics.formats.format import FORMATS, Format
from assay.suites.numerics.formats.rounding import snap
from assay.suites.numerics.passes import divided, magnitudes, room_for
from assay.suites.numerics.recipes import TILE, Recipe, recipe

if TYPE_CHECKING:
    import torch

BLOCK = TILE
E4M3_MAX = 448.0  # OCP E4M3: S.1111.110 (OCP 8-bit floating point specification, table 1)


@dataclass(frozen=True)
class Quantised:
    """One operand, rows x k, K innermost.

    Attributes:
        values: on the format's grid, rows x k: in its own dtype where torch has one of eight bits, else in bfloat16, which holds them all.
        scales: float32, (rows / recipe.rows rounded up) x (k / recipe.columns).
        recipe: how it was quantised.
        whole: one more scale for all of it (NVFP4), else 1.

    """

    values: torch.Tensor
    scales: torch.Tensor
    recipe: Recipe
    whole: float = 1.0

    @property
    def columns(self) -> int:
        """Columns that share a scale."""
        return self.recipe.columns or self.values.shape[1]

    def row_scales(self, rows: slice) -> torch.Tensor:
        """Give the scale of each row in ``rows`` (which starts at a multiple of the block): rows x (k / columns), float32."""
        start, stop, _ = rows.indices(len(self.values))
        height = self.recipe.rows or len(self.values)
        blocks = self.scales[start // height : -(-stop // height)]
        return blocks.repeat_interleave(height, dim=0)[: stop - start] if height > 1 else blocks

    def dequantised(self, rows: slice, dtype: torch.dtype) -> torch.Tensor:
        """Give value * scale of ``rows`` in ``dtype``: exact in float64, rounded in float32."""
        values = self.values[rows].to(dtype)
        tiles = values.view(len(values), -1, self.columns)
        tiles.mul_(self.row_scales(rows).to(dtype)[:, :, None])
        return values if self.whole == 1 else values.mul_(self.whole)

    @property
    def nbytes(self) -> int:
        """Bytes of values and scales as hardware stores them."""
        scale = 4 if self.recipe.scale == "fp32" else 1
        return (
            -(-self.values.numel() * self.recipe.format.bits // 8) + scale * self.scales.numel() + (4 if self.recipe.scale == "e4m3" else 0)
        )


def quantise(parts: Iterable[tuple[slice, torch.Tensor]], *, rows: int, k: int, by: Recipe, device: str) -> Quantised:
    """Quantise an operand that comes in parts of float32 rows (each part a multiple of ``by.rows`` rows, except the last).

    Where all rows share something, the parts are put together first.

    Args:
        parts: (rows, values) pairs on the host.
        rows: of the whole operand.
        k: columns, a multiple of ``by.columns``.
        by: the recipe.
        device: where values and scales are to lie.

    """
    import torch

    height, width = by.rows or rows, by.columns or k
    values = torch.empty(rows, k, dtype=container(by.format), device=device)
    scales = torch.empty(-(-rows // height), k // width, dtype=torch.float32, device=device)
    whole = 1.0
    if not by.rows or by.scale == "e4m3":
        every = [part for _, part in parts]
        gathered = every[0] if len(every) == 1 else torch.cat(every)
        parts = [(slice(0, rows), gathered)]
        whole = tensor_scale(gathered) if by.scale == "e4m3" else 1.0
    for where, part in parts:
        own_values, own_scales = quantise_part(part, by, whole=whole)
        values[where] = own_values.to(device)
        first = where.start // height
        scales[first : first + len(own_scales)] = own_scales.to(device)
    return Quantised(values, scales, by, whole)


def quantise_part(part: torch.Tensor, by: Recipe, *, whole: float = 1.0) -> tuple[torch.Tensor, torch.Tensor]:
    """Quantise float32 rows x k; returns values (see ``Quantised``) and float32 scales.

    Rows missing from the last block count as zeros (DeepSeek-V3 repository, README_WEIGHTS: pad to 128 before scaling). A block of zeros
    is zeros with a finite scale. A block that holds NaN or infinity has the scale NaN, so that all of it dequantises to NaN (OCP MX 1.0
    section 5.2 says so of MX): what was no number never becomes one.
    """
    import torch

    rows, k = part.shape
    part = part.contiguous()
    height, width = by.rows or rows, by.columns or k
    values = torch.empty(rows, k, dtype=container(by.format), device=part.device)
    room = room_for(part, width)
    tops = magnitudes(part, width, room)
    scales = scales_of(tallest(tops, height), by, whole)
    divisors = scales * whole
    if height > 1 and divisors.numel() > 1:
        divisors = divisors.repeat_interleave(height, dim=0)[:rows]
    divided(part, divisors, values, by.format, tops, room)
    return values, scales


def tallest(tops: torch.Tensor, height: int) -> torch.Tensor:
    """Give the largest of each ``height`` rows, the last of fewer."""
    import torch

    if height == 1:
        return tops
    padded = torch.nn.functional.pad(tops, (0, 0, 0, -len(tops) % height))
    return padded.view(-1, height, tops.shape[1]).amax(dim=1)


def scales_of(amax: torch.Tensor, by: Recipe, whole: float) -> torch.Tensor:
    """Give each block's float32 scale from its largest magnitude."""
    import torch

    raised = amax.clamp_min(by.least) if by.least else amax
    low, high = raised.min(), raised.max()
    if by.scale == "fp32":
        found = raised / by.format.largest
        if not low > 0:
            found.masked_fill_(raised == 0, 1.0)
    elif by.scale == "e4m3":
        own = FORMATS["e4m3"]
        found = (raised / by.format.largest).div_(whole).clamp_(max=own.largest)
        found = snap(found, own, torch.empty_like(found, dtype=torch.int32)).clamp_(min=own.smallest)
    else:
        return scale_values(scale_codes(raised, by.format, by.scale))  # type: ignore[arg-type]
    return found if high < torch.inf else found.masked_fill_(raised == torch.inf, torch.nan)  # what is NaN has stayed so


def tensor_scale(values: torch.Tensor) -> float:
    """Give NVFP4's scale of the whole tensor, a float32: amax / (largest E4M3 x largest E2M1).

    1 for a tensor of zeros, NaN for one that holds what is no number.
    """
    amax = values.abs().max()
    if not bool(amax.isfinite()):
        return float("nan")
    return float(amax / (FORMATS["e4m3"].largest * FORMATS["e2m1"].largest)) if amax else 1.0


def container(of: Format) -> torch.dtype:
    """Give the dtype that holds numbers of a format."""
    import torch

    return getattr(torch, of.torch) if of.torch and of.bits == 8 else torch.bfloat16  # noqa: PLR2004


def deepseek(operand: str) -> Recipe:
    """Give DeepSeek-V3's recipe: E4M3 with a float32 scale for each 1x128 of an activation and 128x128 of a weight."""
    return recipe("e4m3", "tile", "fp32", operand)  # type: ignore[arg-type]
