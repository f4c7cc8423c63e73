"""LogFMT-nBit: one sign bit and a logarithmic magnitude between the smallest and the largest of a tile of 128 (ISCA 2025, section 3.2).

With l = ln|x|, mx = max l and mn = max(min l over what is not zero, mx - 32 ln 2): step = (mx - mn) / (2^(n-1) - 2), and magnitude code K
in 1 ... 2^(n-1) - 1 stands for exp(mn + step (K - 1)); code 0 is zero. Rounding is in linear space: the threshold between K and K + 1 is
the arithmetic midpoint of their values, so K = floor((l - mn) / step + 2 - ln((1 + e^step) / 2) / step), which is DeepEP's formula (v1.2.1,
internode_ll.cu) in natural logarithms.

What the paper leaves open is settled so: magnitudes below mx - 32 ln 2 become the smallest level (not zero); a tile with one magnitude has
step 0 and code 1; a tile that holds what is no number is NaN as a whole.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assay.harness.errors import RefusalError

if TYPE_CHECKING:
    import torch

TILE = 128
OCTAVES = 32
BITS = range(3, 17)
BOUNDS_NBYTES = 4  # of one tile on the wire: two BF16 numbers, as DeepEP sends them


@dataclass(frozen=True)
class Coded:
    """A tensor in LogFMT.

    Attributes:
        codes: int32, rows x k: the magnitude in the low n - 1 bits, the sign above them.
        least: float64, rows x k / 128: ln of each tile's smallest level.
        step: float64, rows x k / 128: distance of two levels in ln.
        bits: n.

    """

    codes: torch.Tensor
    least: torch.Tensor
    step: torch.Tensor
    bits: int

    @property
    def nbytes(self) -> float:
        """Bytes on the wire: n bits an element and two BF16 bounds a tile."""
        return self.codes.numel() * self.bits / 8 + BOUNDS_NBYTES * self.step.numel()


def encode(values: torch.Tensor, bits: int) -> Coded:
    """Encode float rows x k, k a multiple of 128; RefusalError for other k, or bits outside 3 ... 16."""
    import torch

    if bits not in BITS:
        message = "LogFMT has 3 to 16 bits"
        raise RefusalError(message, value=bits, where="bits", fix="The paper uses 8 and 10.")
    if values.ndim != 2 or values.shape[1] % TILE:  # noqa: PLR2004 - rows x k
        message = f"LogFMT takes rows of whole tiles of {TILE}"
        raise RefusalError(message, value=tuple(values.shape), where="values", fix="Pad each row with zeros.")
    tiles = values.double().reshape(len(values), -1, TILE)
    logs = tiles.abs().log()
    most = logs.amax(dim=2)
    nonzero = torch.where(tiles == 0, math.inf, logs)
    # A tile of zeros has no magnitude at all: any bounds will do, since no code but 0 is used.
    empty = (tiles == 0).all(dim=2)
    most = torch.where(empty, 0.0, most)
    least = torch.where(empty, 0.0, torch.maximum(nonzero.amin(dim=2), most - OCTAVES * math.log(2)))
    step = (most - least) / (2 ** (bits - 1) - 2)
    safe = torch.where(step > 0, step, 1.0)[:, :, None]
    magnitude = ((logs - least[:, :, None]) / safe + 2 - torch.log((1 + safe.exp()) / 2) / safe).floor()
    magnitude = torch.where(step[:, :, None] > 0, magnitude, 1.0).nan_to_num_(nan=1.0).clamp_(1, 2 ** (bits - 1) - 1)
    magnitude = torch.where(tiles == 0, 0.0, magnitude)
    codes = magnitude.int() | (torch.signbit(tiles).int() << (bits - 1))
    odd = ~tiles.isfinite().all(dim=2)
    return Coded(codes.view(values.shape), torch.where(odd, math.nan, least), torch.where(odd, math.nan, step), bits)


def decode(coded: Coded) -> torch.Tensor:
    """Give the float64 values of codes, rows x k."""
    import torch

    rows, k = coded.codes.shape
    tiles = coded.codes.view(rows, -1, TILE)
    magnitude = tiles & (2 ** (coded.bits - 1) - 1)
    values = torch.exp(coded.least[:, :, None] + coded.step[:, :, None] * (magnitude - 1))
    values = torch.where((magnitude == 0) & ~coded.step.isnan()[:, :, None], 0.0, values)
    return torch.where(tiles >> (coded.bits - 1) != 0, -values, values).view(rows, k)
