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
AT_ONCE = 1 << 10  # tiles: what is made of them in float64 stays in a core's cache
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
    tiles = values.reshape(-1, TILE)
    codes = torch.empty(tiles.shape, dtype=torch.int32, device=values.device)
    least, step = (torch.empty(len(tiles), dtype=torch.float64, device=values.device) for _ in range(2))
    wholes = (tiles, codes, least, step)
    for part, into, low, gap in zip(*(torch.split(whole, tall(tiles)) for whole in wholes), strict=True):
        encode_tiles(part, into, low, gap, bits)
    shape = (len(values), values.shape[1] // TILE)
    return Coded(codes.view(values.shape), least.view(shape), step.view(shape), bits)


def tall(tiles: torch.Tensor) -> int:
    """Give how many tiles are worked on at once."""
    import torch

    return AT_ONCE * torch.get_num_threads() if tiles.device.type == "cpu" else max(1, len(tiles))


def encode_tiles(values: torch.Tensor, codes: torch.Tensor, least: torch.Tensor, step: torch.Tensor, bits: int) -> None:
    """Encode tiles x 128 into ``codes`` of the same shape, and into ``least`` and ``step``, one number a tile."""
    import torch

    tiles = values.double()
    zero = tiles == 0
    logs = tiles.abs().log_()
    most = logs.amax(dim=1)
    low = torch.maximum(logs.masked_fill(zero, math.inf).amin(dim=1), most - OCTAVES * math.log(2))
    # A tile of zeros has no magnitude at all: any bounds will do, since no code but 0 is used.
    empty = zero.all(dim=1)
    most.masked_fill_(empty, 0.0)
    low.masked_fill_(empty, 0.0)
    gap = (most - low) / (2 ** (bits - 1) - 2)
    flat = ~(gap > 0)  # one magnitude, or NaN
    safe = torch.where(flat, 1.0, gap)
    # The threshold between two codes lies at the arithmetic midpoint of their values.
    shift = 2 - torch.log((1 + safe.exp()) / 2) / safe
    magnitude = logs.sub_(low[:, None]).div_(safe[:, None]).add_(shift[:, None]).floor_()
    magnitude.masked_fill_(flat[:, None], 1.0).nan_to_num_(nan=1.0).clamp_(1, 2 ** (bits - 1) - 1).masked_fill_(zero, 0.0)
    codes.copy_(magnitude)
    codes.bitwise_or_(torch.signbit(values).int() << (bits - 1))
    odd = ~(values.abs().amax(dim=1) < math.inf)
    least.copy_(low.masked_fill_(odd, math.nan))
    step.copy_(gap.masked_fill_(odd, math.nan))


def decode(coded: Coded) -> torch.Tensor:
    """Give the float64 values of codes, rows x k."""
    import torch

    tiles = coded.codes.reshape(-1, TILE)
    values = torch.empty(tiles.shape, dtype=torch.float64, device=tiles.device)
    wholes = (tiles, values, coded.least.reshape(-1, 1), coded.step.reshape(-1, 1))
    for codes, into, least, step in zip(*(torch.split(whole, tall(tiles)) for whole in wholes), strict=True):
        magnitude = codes & (2 ** (coded.bits - 1) - 1)
        torch.exp(least + step * (magnitude - 1), out=into)
        into.masked_fill_((magnitude == 0) & ~step.isnan(), 0.0)
        torch.where(codes >> (coded.bits - 1) != 0, -into, into, out=into)
    return values.view(coded.codes.shape)
