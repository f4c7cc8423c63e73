"""Random operands: the same on every device, different on every rank, never constant.

Constant data flatters power and clocks and hides swapped or stale buffers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

OUTLIER_SHARE, OUTLIER_FACTOR = 1e-3, 100.0  # rare large channels, as activations have them
RUN = 128  # elements that share a scale in DeepSeek-V3's recipe
KINDS = ("normal", "uniform", "outlier", "tails", "zeros", "saturating", "subnormal", "integers", "cancelling")
ROWS_AT_ONCE = 1024  # a multiple of every quantisation block, so that blocks never straddle two draws


def generator(seed: int, *, rank: int, operand: str) -> torch.Generator:
    """Make the host generator of one operand on one rank: independent streams for different seeds, ranks and operands."""
    import torch

    digest = hashlib.sha256(f"{seed}/{rank}/{operand}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "little") >> 1)


def draw(kind: str, rows: int, columns: int, source: torch.Generator) -> torch.Tensor:
    """Draw float32 rows x columns on the host.

    ``normal`` N(0,1); ``uniform`` U[0,1); ``outlier`` N(0,1) with 0.1 % multiplied by 100; ``tails`` Student's t with four degrees of
    freedom; ``zeros`` N(0,1) with every second run of 128 and every eighth row zero; ``saturating`` +-U[1.75, 2), which a scale rounded
    down to a power of two clips in E4M3; ``subnormal`` a 1 at the head of each run of 128, the rest below 2^-15: subnormal once scaled;
    ``integers`` -2 to 2; ``cancelling`` a second half that is the first one's negative but for 1e-3, so that sums nearly vanish with a
    partner of equal halves, which is ``repeated``.
    """
    import torch

    if kind == "uniform":
        return torch.rand(rows, columns, generator=source)
    if kind == "integers":
        return torch.randint(-2, 3, (rows, columns), generator=source).float()
    if kind == "saturating":
        signs = torch.randint(0, 2, (rows, columns), generator=source) * 2 - 1
        return signs * (1.75 + 0.25 * torch.rand(rows, columns, generator=source))
    if kind == "subnormal":
        values = torch.rand(rows, columns, generator=source) * 2.0**-15
        values[:, ::RUN] = 1.0
        return values
    values = torch.randn(rows, columns, generator=source)
    if kind == "outlier":
        chosen = torch.rand(rows, columns, generator=source) < OUTLIER_SHARE
        values[chosen] *= OUTLIER_FACTOR
    elif kind == "tails":
        values /= torch.randn(4, rows, columns, generator=source).square().mean(dim=0).sqrt_()
    elif kind == "zeros":
        values[::8] = 0
        values.view(rows, -1, min(RUN, columns))[:, 1::2] = 0
    elif kind == "cancelling":
        half = columns // 2
        values[:, half : 2 * half] = 1e-3 * values[:, half : 2 * half] - values[:, :half]
    elif kind == "repeated":
        values[:, columns - columns // 2 :] = values[:, : columns // 2]
    return values


def draw_in_parts(kind: str, rows: int, columns: int, source: torch.Generator) -> Iterator[tuple[slice, torch.Tensor]]:
    """Yield the rows of one operand in parts of ROWS_AT_ONCE, so that the float32 original never exists as a whole."""
    for start in range(0, rows, ROWS_AT_ONCE):
        stop = min(start + ROWS_AT_ONCE, rows)
        yield slice(start, stop), draw(kind, stop - start, columns, source)
