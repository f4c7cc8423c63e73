"""Inf and NaN in a block: what decides, apart from the finite arithmetic.

A NaN among the terms, Inf * 0, or Inf of both signs gives NaN; Inf of one sign gives that Inf (arXiv 2511.10909 and 2512.07004, both on
exceptional values). That is what IEEE sums of signs do, so signs are added: finite terms count as -1, 0 or 1.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from assay.suites.numerics.units.blocks import BLOCKS
from assay.suites.numerics.units.held import Float64
from assay.suites.numerics.units.operands import Array, Operand
from assay.suites.numerics.units.unit import Unit


def block(unit: Unit, left: Operand, right: Operand, c: Float64) -> Float64:
    """Compute one block; where a term is not finite, what the terms' signs say stands instead of the sum."""
    if left.signs is None and right.signs is None:
        return BLOCKS[unit.family](unit, left, right, c)
    if unit.family == "pairwise":  # its steps are IEEE's own, and one that overflows may meet Inf of the other sign
        with np.errstate(invalid="ignore"):
            return BLOCKS[unit.family](unit, with_specials(left), with_specials(right), c)
    verdict = np.where(np.isfinite(c), np.sign(c), c)
    with np.errstate(invalid="ignore"):
        for k in range(len(left.values)):
            verdict = verdict + product_sign(unit, left, right, k)
    finite = BLOCKS[unit.family](unit, left, right, np.where(np.isfinite(c), c, 0.0))
    return np.where(np.isfinite(verdict), finite, verdict)


def product_sign(unit: Unit, left: Operand, right: Operand, k: int) -> Array:
    """Give the sign of the products of one k, Inf or NaN as they come, Inf where the unit's limit is reached."""
    sign: Array = signs(left)[k] * signs(right)[k]
    if unit.limit is None:
        return sign
    beyond = np.abs(left.values[k] * right.values[k]) >= 2.0**unit.limit
    return np.where(beyond & np.isfinite(sign), np.copysign(np.inf, sign), sign)


def signs(operand: Operand) -> Array:
    """Give the signs of an operand, which one that is all finite does not carry."""
    return np.sign(operand.values) if operand.signs is None else operand.signs


def with_specials(operand: Operand) -> Operand:
    """Give the operand with Inf and NaN where they were."""
    own = signs(operand)
    return replace(operand, values=np.where(np.isfinite(own), operand.values, own))


def careful(operand: Operand) -> Operand:
    """Give the operand with its signs, so that blocks look for Inf and NaN."""
    return replace(operand, signs=signs(operand))
