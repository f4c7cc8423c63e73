"""Rounding float32 numbers to any format's grid: to nearest, ties to even, the same on every device and in every version of torch.

No cast of a library is relied on: torch from 2.12 on saturates casts to E4M3 where older versions and ml_dtypes give NaN, and casts through
BF16 round twice.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

from assay.suites.numerics.formats.format import Format

if TYPE_CHECKING:
    import torch

Overflow = Literal["saturate", "special"]
MANTISSA = 23  # of float32
EXPONENT_FIELD = 0x7F800000
EMIN = -126  # of float32


def round_to(values: torch.Tensor, to: Format, *, overflow: Overflow = "saturate") -> torch.Tensor:
    """Give float32 values on the grid of ``to``, rounded to nearest, ties to even (subnormals too).

    Args:
        values: float32 of any shape.
        to: a format whose numbers are all float32 numbers.
        overflow: ``saturate`` clamps what would round beyond the largest number, infinities included, as OCP's saturating conversion does;
            ``special`` gives infinity, or NaN where the format has no infinity (a format with neither saturates).

    NaN stays NaN. ValueError for NaN where the format has none: what it should become is for whoever knows the data to say.

    """
    if not to.has_nan and bool(values.isnan().any()):
        message = f"{to.name} has no NaN"
        raise ValueError(message)
    return settle_overflow(shortened(values, to) if to.emin == EMIN else on_grid(values, to), values, to, overflow)


def on_grid(values: torch.Tensor, to: Format) -> torch.Tensor:
    """Round to a format whose exponents are fewer than those of float32."""
    import torch

    return snap(values.clone(), to, torch.empty_like(values, dtype=torch.int32))


def snap(values: torch.Tensor, to: Format, scratch: torch.Tensor) -> torch.Tensor:
    """Round float32 in place to a format whose exponents are fewer; ``scratch`` is int32 of the same shape. Nothing overflows here.

    The power of two below |x|, at least the smallest normal number's, times 2^-fraction is the spacing of the grid there. Dividing by it is
    exact, and ``torch.round`` has ties to even.
    """
    import torch

    spacing = torch.bitwise_and(values.view(torch.int32), EXPONENT_FIELD, out=scratch).view(torch.float32)
    spacing.clamp_(min=to.least_normal, max=2.0**126).mul_(2.0**-to.fraction)
    return values.div_(spacing).round_().mul_(spacing)


def shortened(values: torch.Tensor, to: Format) -> torch.Tensor:
    """Round to a format with the exponents of float32: the same bits, fewer of them, and its subnormals are float32's."""
    import torch

    cut = MANTISSA - to.fraction
    bits = values.view(torch.int32)
    if not cut:
        return values.clone()
    rounded = (bits + ((bits >> cut) & 1) + ((1 << (cut - 1)) - 1)) & -(1 << cut)
    return torch.where(values.isfinite(), rounded.view(torch.float32), values)


def settle_overflow(rounded: torch.Tensor, values: torch.Tensor, to: Format, overflow: Overflow) -> torch.Tensor:
    """Put what lies beyond the largest number where ``overflow`` says."""
    import torch

    if to.specials == "fnuz":
        rounded = torch.where(rounded == 0, torch.zeros_like(rounded), rounded)  # there is no -0
    if overflow == "saturate" or to.specials == "finite":
        return torch.where(values.isnan(), torch.nan, rounded.clamp(-to.largest, to.largest))
    beyond = rounded.abs() > to.largest
    infinite = torch.copysign(torch.full_like(rounded, math.inf), rounded)
    special = infinite if to.specials == "ieee" else torch.full_like(rounded, math.nan)
    return torch.where(beyond | values.isinf(), special, torch.where(values.isnan(), torch.nan, rounded))


def to_odd(values: torch.Tensor) -> torch.Tensor:
    """Give float32 from float64 so that a later rounding to fewer bits is right: towards zero, and the last bit set if anything was lost.

    Rounding to odd and then to nearest with at least two bits less equals one rounding (Boldo and Melquiond, IEEE TC 57, 2008, theorem 3).
    """
    import torch

    near = values.float()
    back = near.double()
    inexact = (back != values) & near.isfinite()
    bits = near.view(torch.int32)
    toward_zero = torch.where(inexact & (back.abs() > values.abs()), bits - 1, bits)
    return torch.where(inexact, toward_zero | 1, toward_zero).view(torch.float32)
