"""The exact product that answers are held against: float64 dot products of what the operands really hold, tile by tile.

E4M3 times a float32 scale, BF16 and FP32 values are all exact in float64; the sum of K products is then off by at most K 2^-53 of
(|A||B|)_ij, which is added to every tolerance (bounds.py) and is 10^5 times smaller than what any unit under test can reach.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

TILE = 1024  # rows and columns computed at a time: two float64 operands of TILE x K are all that exists at once
KEPT_NBYTES = 2 << 30  # tiles are kept for the next check up to here; beyond it they are computed again


@dataclass
class Exact:
    """C = A B^T in float64 and its size (|A||B^T|)_ij.

    Attributes:
        m: rows of A.
        n: rows of B, which are the columns of C.
        left: gives float64 rows of A for a slice.
        right: gives float64 rows of B for a slice.
        kept: tiles already computed, by their first row and column.

    """

    m: int
    n: int
    left: Callable[[slice], torch.Tensor]
    right: Callable[[slice], torch.Tensor]
    kept: dict[tuple[int, int], tuple[torch.Tensor, torch.Tensor]] = field(default_factory=dict)

    def tiles(self) -> Iterator[tuple[slice, slice, torch.Tensor, torch.Tensor]]:
        """Yield (rows, columns, product, size): float64 product and float32 size, a tile at a time."""
        for rows in parts(self.m):
            left = None
            for columns in parts(self.n):
                found = self.kept.get((rows.start, columns.start))
                if found is None:
                    left = self.left(rows) if left is None else left
                    found = self.compute(left, columns)
                    if 12 * self.m * self.n <= KEPT_NBYTES:
                        self.kept[rows.start, columns.start] = found
                yield rows, columns, *found

    def compute(self, left: torch.Tensor, columns: slice) -> tuple[torch.Tensor, torch.Tensor]:
        """Compute one tile from float64 rows of A."""
        right = self.right(columns)
        product = left @ right.T
        # Rounded to float32 for keeping only: its relative error of 2^-24 is far below the tolerances' own slack.
        size = (left.abs() @ right.abs().T).float()
        return product, size


def parts(count: int) -> list[slice]:
    """Cut ``range(count)`` into slices of TILE."""
    return [slice(start, min(start + TILE, count)) for start in range(0, count, TILE)]
