"""DeepSeek-V3's FP8 recipe: E4M3 values with one float32 scale for each 1x128 tile of activations or 128x128 block of weights.

scale = max(amax, 1e-4) / 448, value = E4M3(x / scale) (DeepSeek-V3 technical report 3.3.2 and the repository's inference/kernel.py). The
dequantised number is value * scale; with 4 + 24 significant bits it is exact in float64.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

BLOCK = 128
E4M3_MAX = 448.0  # OCP E4M3: S.1111.110 (OCP 8-bit floating point specification, table 1)
AMAX_FLOOR = 1e-4


@dataclass(frozen=True)
class Quantised:
    """One operand, rows x k, K innermost.

    Attributes:
        values: E4M3, rows x k.
        scales: float32, (rows / tile rounded up) x (k / 128).
        tile: rows that share a scale: 1 (activations) or 128 (weights; the last block may be partial).

    """

    values: torch.Tensor
    scales: torch.Tensor
    tile: int

    def row_scales(self, rows: slice) -> torch.Tensor:
        """Give the scale of each row in ``rows`` (which starts at a multiple of the tile): rows x (k / 128), float32."""
        start, stop, _ = rows.indices(len(self.values))
        blocks = self.scales[start // self.tile : -(-stop // self.tile)]
        return blocks.repeat_interleave(self.tile, dim=0)[: stop - start] if self.tile > 1 else blocks

    def dequantised(self, rows: slice, dtype: torch.dtype) -> torch.Tensor:
        """Give value * scale of ``rows`` in ``dtype``: exact in float64, rounded once in float32."""
        values = self.values[rows].to(dtype)
        tiles = values.view(len(values), -1, BLOCK)
        tiles.mul_(self.row_scales(rows).to(dtype)[:, :, None])
        return values

    @property
    def nbytes(self) -> int:
        """Bytes of values and scales."""
        return self.values.numel() + 4 * self.scales.numel()


def quantise(parts: Iterable[tuple[slice, torch.Tensor]], *, rows: int, k: int, tile: int, device: str) -> Quantised:
    """Quantise an operand that comes in parts of float32 rows (each part a multiple of ``tile`` rows, except the last).

    Args:
        parts: (rows, values) pairs on the host.
        rows: of the whole operand.
        k: columns, a multiple of 128.
        tile: rows that share a scale, 1 or 128.
        device: where values and scales are to lie.

    """
    import torch

    values = torch.empty(rows, k, dtype=torch.float8_e4m3fn, device=device)
    scales = torch.empty(-(-rows // tile), k // BLOCK, dtype=torch.float32, device=device)
    for where, part in parts:
        own_values, own_scales = quantise_part(part, tile=tile)
        values[where] = own_values.to(device)
        first = where.start // tile
        scales[first : first + len(own_scales)] = own_scales.to(device)
    return Quantised(values, scales, tile)


def quantise_part(part: torch.Tensor, *, tile: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Quantise float32 rows x k; returns E4M3 values and float32 scales.

    Rows missing from the last block count as zeros (DeepSeek-V3 repository, README_WEIGHTS: pad to 128 before scaling).
    """
    import torch

    rows, k = part.shape
    padded = torch.nn.functional.pad(part, (0, 0, 0, -rows % tile))
    blocks = padded.view(-1, tile, k // BLOCK, BLOCK)
    scales = blocks.abs().amax(dim=(1, 3)).clamp_min_(AMAX_FLOOR) / E4M3_MAX
    scaled = blocks / scales[:, None, :, None]
    # Clamped before the cast: torch from 2.12 on saturates there, older versions give NaN.
    values = scaled.clamp_(-E4M3_MAX, E4M3_MAX).view(-1, k)[:rows].to(torch.float8_e4m3fn)
    return values, scales
