"""The inner loop: the largest exponent of a block's products, and their sum after alignment, one k at a time over all outputs.

Outputs lie side by side, so each step is one long vector operation and nothing of size outputs x L exists. Aligned terms are whole numbers,
and the type of the operands (float32 or float64) is chosen so that they and their sum stay exact in it: see `single`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from assay.suites.numerics.formats.format import FORMATS
from assay.suites.numerics.units.held import Float64
from assay.suites.numerics.units.operands import NO_PRODUCT, Array, Operand
from assay.suites.numerics.units.rounding import ROUNDINGS, exponent
from assay.suites.numerics.units.unit import Unit

NOTHING = -900  # exponent of a sum without terms: below that of all terms, and 2**(bits - NOTHING) is still a float64
FLOAT32_BITS = 24
SINGLE_FLOOR = 60  # exponents up to which powers of the grid are float32 numbers
NARROW = 2**32  # largest product, and inverse of the smallest, whose exponents int8 can add


def single(unit: Unit) -> bool:
    """Tell whether float32 holds a block exactly: its products, and the sum of L + 1 terms below 2**(F + 2)."""
    a, b = FORMATS[unit.a], FORMATS[unit.b]
    product_bits = a.fraction + b.fraction + 2
    narrow = all(form.largest**2 <= NARROW and form.emin >= -15 for form in (a, b))  # noqa: PLR2004 - FNUZ E5M2's
    sum_bits = unit.bits + 2 + math.ceil(math.log2(unit.fused + 1))
    near = unit.floor is None or abs(unit.floor) <= SINGLE_FLOOR
    return unit.family == "t_fdpa" and narrow and near and max(product_bits, sum_bits) <= FLOAT32_BITS


def peak_exponent(unit: Unit, left: Operand, right: Operand) -> Any:
    """Give the largest exponent of the products (int64), NOTHING where all are zero."""
    if unit.normalised:
        peak = np.abs(left.values[0] * right.values[0])
        for k in range(1, len(left.values)):
            np.maximum(peak, np.abs(left.values[k] * right.values[k]), out=peak)
        return np.where(peak == 0, NOTHING, exponent(peak.astype(np.float64)))
    peak = left.exponents[0] + right.exponents[0]
    term = np.empty_like(peak)
    for k in range(1, len(left.exponents)):
        np.add(left.exponents[k], right.exponents[k], out=term)
        np.maximum(peak, term, out=peak)
    return np.where(peak < NO_PRODUCT[peak.dtype], np.int64(NOTHING), peak)


def aligned_sum(unit: Unit, left: Operand, right: Operand, scale: Array) -> Any:
    """Sum the products on the grid 1 / ``scale``, as whole numbers; zero is +0."""
    align = ROUNDINGS[unit.align]
    total = np.zeros(scale.shape, dtype=left.values.dtype)
    term = np.empty_like(total)
    for k in range(len(left.values)):
        np.multiply(left.values[k], right.values[k], out=term)
        np.multiply(term, scale, out=term)
        align(term, out=term)
        if unit.dead:
            term = without_bits(term, unit.dead)
        np.add(total, term, out=total)
    return total


def aligned(unit: Unit, scaled: Float64) -> Float64:
    """Bring one term, already in steps of the grid, onto it."""
    result: Float64 = ROUNDINGS[unit.align](scaled)
    return without_bits(result, unit.dead) if unit.dead else result


def without_bits(term: Array, mask: int) -> Any:
    """Clear bits of the magnitude of whole numbers: a stuck bit of the alignment."""
    return np.copysign((np.abs(term).astype(np.int64) & ~mask).astype(term.dtype), term)
