"""Codes of number formats by integer arithmetic alone: what every codec, a library's or a device's, is held against (numerics gate G1)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.suites.numerics.formats.format import Format

Codes = NDArray[np.uint16]
Doubles = NDArray[np.float64]


def decoded(of: Format) -> Doubles:
    """Give the number of every code, by the definition of the format: m x 2^(e - bias - fraction), with the hidden bit where e > 0."""
    codes = np.arange(1 << of.bits, dtype=np.int64)
    exponent_bits = of.bits - 1 - of.fraction
    sign, top = codes >> (of.bits - 1), (1 << exponent_bits) - 1
    field, part = (codes >> of.fraction) & top, codes & ((1 << of.fraction) - 1)
    significand = np.where(field > 0, part + (1 << of.fraction), part)
    values: Doubles = np.ldexp(significand.astype(np.float64), np.maximum(field, 1) - of.bias - of.fraction)
    values = np.where(sign == 1, -values, values)
    if of.specials == "ieee":
        values = np.where(field == top, np.where(part == 0, np.where(sign == 1, -np.inf, np.inf), np.nan), values)
    elif of.specials == "fn":
        values = np.where((field == top) & (part == (1 << of.fraction) - 1), np.nan, values)
    elif of.specials == "fnuz":
        values = np.where(codes == 1 << (of.bits - 1), np.nan, values)
    found: NDArray[np.float64] = values
    return found


def encoded(values: Any, of: Format) -> Codes:
    """Give the code of each number: nearest, ties to the even code, too large ones (infinities too) to the largest; NaN has no answer here.

    Neighbours and midpoints are found among the numbers of all codes; midpoints have one bit more than the format, so float64 holds them.
    """
    table = decoded(of)[: 1 << (of.bits - 1)]
    finite = table[np.isfinite(table)]  # grows with the code
    size = np.minimum(np.abs(np.asarray(values, dtype=np.float64)), of.largest)
    above = np.clip(np.searchsorted(finite, size), 1, len(finite) - 1)
    middle = (finite[above - 1] + finite[above]) / 2
    up = (size > middle) | ((size == middle) & (above % 2 == 0))
    code = np.where(up, above, above - 1)
    negative = np.signbit(values) & ~((of.specials == "fnuz") & (code == 0))  # there is no -0 in FNUZ
    found: Codes = (code | (negative.astype(np.int64) << (of.bits - 1))).astype(np.uint16)
    return found


def trial_inputs(of: Format, *, seed: int, count: int = 65536) -> NDArray[np.float32]:
    """Give float32 numbers to encode: all of BF16 but NaN, every midpoint of the format with its float32 neighbours, and random ones."""
    bf16 = (np.arange(1 << 16, dtype=np.uint32) << 16).view(np.float32)
    table = decoded(of)[: 1 << (of.bits - 1)]
    finite = table[np.isfinite(table)]
    with np.errstate(over="ignore"):
        middle = ((finite[:-1] + finite[1:]) / 2).astype(np.float32)
        beside = np.concatenate([middle, np.nextafter(middle, np.float32(np.inf)), np.nextafter(middle, np.float32(0))])
    random = np.random.default_rng(seed).integers(0, 1 << 32, count, dtype=np.uint32).view(np.float32)
    given = np.concatenate([bf16, beside, -beside, random])
    found: NDArray[np.float32] = given[~np.isnan(given)]
    return found
