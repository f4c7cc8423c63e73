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
ROWS_AT_ONCE = 1024  # a multiple of every quantisation block, so that blocks never straddle two draws


def generator(seed: int, *, rank: int, operand: str) -> torch.Generator:
    """Make the host generator of one operand on one rank: independent streams for different seeds, ranks and operands."""
    import torch

    digest = hashlib.sha256(f"{seed}/{rank}/{operand}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "little") >> 1)


def draw(kind: str, rows: int, columns: int, source: torch.Generator) -> torch.Tensor:
    """Draw float32 rows x columns on the host: ``normal`` N(0,1); ``uniform`` U[0,1); ``outlier`` N(0,1) with 0.1 % multiplied by 100."""
    import torch

    if kind == "uniform":
        return torch.rand(rows, columns, generator=source)
    values = torch.randn(rows, columns, generator=source)
    if kind == "outlier":
        chosen = torch.rand(rows, columns, generator=source) < OUTLIER_SHARE
        values[chosen] *= OUTLIER_FACTOR
    return values


def draw_in_parts(kind: str, rows: int, columns: int, source: torch.Generator) -> Iterator[tuple[slice, torch.Tensor]]:
    """Yield the rows of one operand in parts of ROWS_AT_ONCE, so that the float32 original never exists as a whole."""
    for start in range(0, rows, ROWS_AT_ONCE):
        stop = min(start + ROWS_AT_ONCE, rows)
        yield slice(start, stop), draw(kind, stop - start, columns, source)
