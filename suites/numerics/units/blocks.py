"""The rule of one block, by family: L products and the sum so far in, the new sum out.

Formulas: Xie et al. (MMA-Sim), arXiv 2511.10909, section on arithmetic models, and Khattak and Mikaitis, arXiv 2512.07004, section on
the model. ``c`` and the result are float64 arrays that hold values of the output format. Everything is finite here; special.py sees to
Inf and NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from assay.suites.numerics.formats.format import Format
from assay.suites.numerics.units.alignment import NOTHING, aligned, aligned_sum, peak_exponent
from assay.suites.numerics.units.held import Float64
from assay.suites.numerics.units.operands import Operand
from assay.suites.numerics.units.options import output
from assay.suites.numerics.units.rounding import ROUNDINGS, exponent, odd_sum, power_of_two, round_to
from assay.suites.numerics.units.unit import Unit

Block = Callable[[Unit, Operand, Operand, Float64], Float64]
LEAST_SINGLE = -64  # no term of a block in float32 lies below: operands.py, product.py


def finished(unit: Unit, value: Float64, form: Format) -> Float64:
    """Round a block's exact value to the output; subnormal results may be flushed, with their sign."""
    result = round_to(value, form, unit.round, overflow=unit.overflow)
    if unit.flush_out:
        result = np.where(np.abs(result) < 2.0**form.emin, np.copysign(0.0, result), result)
    return result


def own_exponent(c: Float64, form: Format) -> NDArray[np.int64]:
    """Give the exponent of sums so far: subnormal ones keep e_min, zero has none."""
    return np.where(c == 0, NOTHING, np.maximum(exponent(c), form.emin))


def truncated(unit: Unit, left: Operand, right: Operand, c: Float64) -> Float64:
    """T-FDPA, and ST-FDPA with scales in values and exponents: all terms on the grid 2**(E - F), summed exactly.

    E is the largest exponent of a term that is not zero; a sum of zero is +0.
    """
    form = output(unit.out)
    top = np.maximum(peak_exponent(unit, left, right), own_exponent(c, form))
    if unit.floor is not None:
        top = np.maximum(top, unit.floor)
    if left.values.dtype == np.float32:
        top = np.maximum(top, LEAST_SINGLE)
    scale = power_of_two(unit.bits - top)
    total = aligned_sum(unit, left, right, scale.astype(left.values.dtype)) + aligned(unit, c * scale)
    return finished(unit, total * power_of_two(top - unit.bits), form)


def grouped(unit: Unit, left: Operand, right: Operand, c: Float64) -> Float64:
    """GST-FDPA: exact sums of groups, times the significands of their scales, aligned by the exponents of their scales."""
    form = output(unit.out)
    terms = []
    for start in range(0, len(left.values), unit.group):
        stop = min(start + unit.group, len(left.values))
        terms.append(np.sum([left.values[k] * right.values[k] for k in range(start, stop)], axis=0))
    scales, exponents = [], []
    for g in range(len(terms)):
        if left.scales is None or right.scales is None or left.scale_exponents is None or right.scale_exponents is None:
            message = "operands of GST-FDPA carry scales"
            raise TypeError(message)
        scales.append(terms[g] * left.scales[g] * right.scales[g])
        exponents.append(np.where(scales[g] == 0, NOTHING, left.scale_exponents[g] + right.scale_exponents[g]))
    top = np.maximum(np.max(exponents, axis=0), own_exponent(c, form))
    total = aligned(unit, c * power_of_two(unit.bits - top)) + 0.0
    for term, own in zip(scales, exponents, strict=True):
        total = total + aligned(unit, term * power_of_two(np.where(term == 0, 0, own - top + unit.bits)))
    return finished(unit, total * power_of_two(top - unit.bits), form)


def products_then_c(unit: Unit, left: Operand, right: Operand, c: Float64) -> Float64:
    """TR-FDPA: products truncated on their own grid and summed; that sum and c then rounded down where they meet (CDNA3)."""
    top = peak_exponent(unit, left, right)
    return met(unit, aligned_sum(unit, left, right, power_of_two(unit.bits - top)), top, c)


def halves_then_c(unit: Unit, left: Operand, right: Operand, c: Float64) -> Float64:
    """GTR-FDPA: even and odd k on grids of their own, joined with rounding down, then as TR-FDPA (CDNA3's FP8)."""
    count = len(left.values)
    halves = []
    for first in (0, 1):
        if first < count:
            own = left.cut(first, count, step=2), right.cut(first, count, step=2)
            peak = peak_exponent(unit, *own)
            halves.append((aligned_sum(unit, *own, power_of_two(unit.bits - peak)), peak))
    top = np.max([peak for _, peak in halves], axis=0)
    joined = sum(ROUNDINGS[unit.join](part * power_of_two(np.maximum(peak - top, NOTHING))) for part, peak in halves)
    return met(unit, np.asarray(joined), top, c)


def met(unit: Unit, products: Float64, top: NDArray[np.int64], c: Float64) -> Float64:
    """Bring the sum of products (on the grid 2**(top - F)) and c together on the grids of ``join_bits`` and ``c_bits``."""
    form, join = output(unit.out), ROUNDINGS[unit.join]
    own = own_exponent(c, form)
    if unit.c_drop is not None:
        c = np.where(own < top - unit.c_drop, 0.0, c)
    common = np.maximum(top, own)
    # Where there are no products, top - common may leave the range of powers; their sum is zero then.
    shift = np.maximum(top - common, NOTHING) + unit.join_bits - unit.bits
    first = join(products * power_of_two(shift)) * power_of_two(common - unit.join_bits)
    second = join(c * power_of_two(unit.c_bits - common)) * power_of_two(common - unit.c_bits)
    return finished(unit, first + second + 0.0, form)


def exact(unit: Unit, left: Operand, right: Operand, c: Float64) -> Float64:
    """E-FDPA: the exact sum of L products and c, rounded once; with L = 1 it is a fused multiply-add."""
    terms = [c, *(left.values[k] * right.values[k] for k in range(len(left.values)))]
    total = odd_sum(list(np.broadcast_arrays(*terms)))
    return finished(unit, total if unit.family == "fma" else total + 0.0, output(unit.out))


def pairwise(unit: Unit, left: Operand, right: Operand, c: Float64) -> Float64:
    """Products summed in pairs, pairs of pairs and so on in the output format, then added to c; each step is rounded (CDNA2)."""
    form = output(unit.out)
    level = [finished(unit, np.asarray(left.values[k] * right.values[k]), form) for k in range(len(left.values))]
    level += [np.zeros_like(c)] * (-len(level) % unit.fused)
    while len(level) > 1:
        level = [finished(unit, odd_sum(pair), form) for pair in zip(level[::2], level[1::2], strict=True)]
    return finished(unit, odd_sum([c, level[0]]), form)


BLOCKS: Mapping[str, Block] = {
    "t_fdpa": truncated,
    "st_fdpa": truncated,
    "gst_fdpa": grouped,
    "tr_fdpa": products_then_c,
    "gtr_fdpa": halves_then_c,
    "fma": exact,
    "e_fdpa": exact,
    "pairwise": pairwise,
}
