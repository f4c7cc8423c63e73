"""Passes over an operand's numbers in pieces that stay in the caches: largest magnitudes, and division by scales with the cast.

A pass over a whole operand costs the memory's time for each of its dozen steps, and fresh memory for each result; a piece is read once, and
all steps on all pieces use the same room. On an accelerator one piece is everything: there each step is a kernel of its own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assay.suites.numerics.formats.exponents import WITHOUT_SIGN
from assay.suites.numerics.formats.format import Format
from assay.suites.numerics.formats.rounding import snap

if TYPE_CHECKING:
    import torch

PIECE = 1 << 18  # numbers a core works on at once: 1 MiB of float32; with fewer, calling the steps takes longer than it saves
BYTE = 8  # bits
MARGIN = 2.0**-10  # BF16, of the finest grid that is quantised to, has half a spacing of 2^-9


@dataclass(frozen=True)
class Room:
    """Where one piece is worked on: flat tensors of equally many numbers, float32 and int32."""

    numbers: torch.Tensor
    bits: torch.Tensor

    def height(self, width: int) -> int:
        """Give how many blocks of ``width`` numbers are one piece."""
        return self.numbers.numel() // width

    def of(self, piece: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Give both tensors in the shape of a piece."""
        size = piece.numel()
        return self.numbers[:size].view(piece.shape), self.bits[:size].view(piece.shape)


def room_for(part: torch.Tensor, width: int) -> Room:
    """Make the room for all pieces of ``part``, whose blocks have ``width`` numbers."""
    import torch

    budget = PIECE * torch.get_num_threads() if part.device.type == "cpu" else part.numel()
    size = min(part.numel(), max(budget, width))
    return Room(*(torch.empty(size, dtype=dtype, device=part.device) for dtype in (torch.float32, torch.int32)))


def magnitudes(part: torch.Tensor, width: int, room: Room) -> torch.Tensor:
    """Give the largest magnitude of each ``width`` neighbours in contiguous float32 rows x k: rows x (k / width); NaN where one is NaN.

    Without their signs the bits of float32 numbers are ordered as the numbers are, and NaN lies above all.
    """
    import torch

    blocks = part.view(torch.int32).view(-1, width)
    found = torch.empty(len(blocks), dtype=torch.int32, device=part.device)
    height = room.height(width)
    for piece, into in zip(torch.split(blocks, height), torch.split(found, height), strict=True):
        torch.amax(torch.bitwise_and(piece, WITHOUT_SIGN, out=room.of(piece)[1]), dim=1, out=into)
    return found.view(torch.float32).view(len(part), -1)


def divided(part: torch.Tensor, by: torch.Tensor, values: torch.Tensor, to: Format, tops: torch.Tensor, room: Room) -> None:
    """Write each number of ``part``, contiguous float32 rows x k, divided and rounded to a format's grid, saturating, into ``values``.

    Args:
        part: what to divide.
        by: float32, one number for each of the blocks, row by row; or one for all.
        values: rows x k, of a dtype that holds the format's numbers exactly.
        to: the format. What is no number stays so, and becomes 0 where the format has no NaN.
        tops: the largest magnitude of each ``part.shape[1] / tops.shape[1]`` neighbours.
        room: as made for ``part``.

    """
    import torch

    width = part.numel() // by.numel() if by.numel() > 1 else part.shape[1]
    own = bool(to.torch) and to.bits <= 2 * BYTE  # then the dtype's own cast rounds as we do, once everything is clamped
    numbers, within = quotients(tops, by, to)
    blocks, height = part.view(-1, width), room.height(width)
    scales = by.reshape(-1, 1).expand(len(blocks), 1)
    parts = (torch.split(whole, height) for whole in (blocks, scales, values.view(-1, width)))
    for piece, scale, into in zip(*parts, strict=True):
        scaled, bits = room.of(piece)
        torch.div(piece, scale, out=scaled)
        if not (numbers or to.has_nan):
            scaled.nan_to_num_(nan=0.0)
        if not within:
            scaled.clamp_(-to.largest, to.largest)
        into.copy_(scaled if own else snap(scaled, to, bits))


def quotients(tops: torch.Tensor, by: torch.Tensor, to: Format) -> tuple[bool, bool]:
    """Tell of blocks with the largest magnitudes ``tops``: whether all quotients are numbers, and whether they round to the format's.

    What is known not to be needs no step of its own. The margin is less than half the spacing below any format's largest number; every
    comparison with NaN is false.
    """
    within = bool((tops / by).max() <= to.largest * (1 + MARGIN))
    return within or (bool(by.min() > 0) and bool(tops.max() < math.inf)), within
