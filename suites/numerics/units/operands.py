"""Operands as the blocks want them: k first, exact values, the exponent of each, and what is not finite apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.harness.errors import RefusalError
from assay.suites.numerics.units.grid import FORMATS, Float64, Format, held
from assay.suites.numerics.units.rounding import exponent
from assay.suites.numerics.units.unit import Unit

Array = NDArray[Any]
NO_EXPONENT = {np.dtype(np.int8): -60, np.dtype(np.int16): -4000}  # of zeros; twice it still fits
NO_PRODUCT = {np.dtype(np.int8): -40, np.dtype(np.int16): -2000}  # sums of exponents below this hold at least one zero


@dataclass(frozen=True)
class Operand:
    """One operand of a product, its first axis k; the others broadcast against the other operand's.

    Attributes:
        values: float32 or float64, exact; what is not finite is zero here.
        exponents: int8 or int16: max(floor(log2 |x|), e_min) plus that of the scale; far below all others for zero.
        signs: for a careful computation: -1, 0 or 1 for finite values, Inf and NaN as they are; None when all is finite.
        scales: GST: float64 significands of the scales, one a group, first axis K / group.
        scale_exponents: GST: their exponents.

    """

    values: Array
    exponents: Array
    signs: Array | None = None
    scales: Array | None = None
    scale_exponents: Array | None = None

    def cut(self, start: int, stop: int, *, step: int = 1, group: int = 1) -> Operand:
        """Give the elements start..stop of k; ``group``: of GST, which must divide both."""

        def own(x: Array | None, part: slice) -> Array | None:
            return None if x is None else x[part]

        k, g = slice(start, stop, step), slice(start // group, -(-stop // group))
        return Operand(self.values[k], self.exponents[k], own(self.signs, k), own(self.scales, g), own(self.scale_exponents, g))

    def taken(self, positions: NDArray[np.int64]) -> Operand:
        """Give elements of k by position; positions beyond the end are zeros."""
        count = len(self.values)
        inside = np.minimum(positions, count - 1)
        beyond = (positions >= count).reshape(-1, *[1] * (self.values.ndim - 1))
        values = np.where(beyond, self.values.dtype.type(0), self.values[inside])
        exponents = np.where(beyond, self.exponents.dtype.type(NO_EXPONENT[self.exponents.dtype]), self.exponents[inside])
        signs = None if self.signs is None else np.where(beyond, 0.0, self.signs[inside])
        return Operand(values, exponents, signs)

    def part(self, where: tuple[slice, ...]) -> Operand:
        """Give a part of the other axes."""
        index = (slice(None), *where)
        rest = [None if x is None else x[index] for x in (self.signs, self.scales, self.scale_exponents)]
        return Operand(self.values[index], self.exponents[index], *rest)


def prepare(unit: Unit, x: Any, form: Format, *, scales: Any, single: bool, where: str) -> Operand:
    """Check an operand of shape [K, ...] and take it apart.

    Args:
        unit: whose operand it is.
        x: values of ``form``.
        form: format of the values.
        scales: decoded block scales [K / scale_block, ...] where the unit has them, else None.
        single: float32 and int8 are wide enough for what the block does.
        where: what refusals call it.

    """
    values = held(x, form, where=where)
    if unit.flush_in:
        values = np.where(np.abs(values) < 2.0**form.min_exponent, 0.0, values)
    signs = np.where(np.isfinite(values), np.sign(values), values)
    scale = None
    if unit.scale is not None:
        scale = block_scales(unit, scales, shape=values.shape, where=f"scales of {where}")
        signs = np.where(np.isnan(per_element(scale, unit.scale_block, len(values))), np.nan, signs)
    clean = np.where(np.isfinite(values), values, 0.0)
    small = np.dtype(np.int8 if single else np.int16)
    exponents = np.maximum(exponent(clean), form.min_exponent)
    careful = None if np.isfinite(signs).all() else signs
    if scale is None:
        exponents = np.where(clean == 0, NO_EXPONENT[small], exponents)
        return Operand(clean.astype(np.float32 if single else np.float64), exponents.astype(small), careful)
    return scaled(unit, Operand(clean, exponents, careful), np.where(np.isnan(scale), 1.0, scale))


def block_scales(unit: Unit, scales: Any, *, shape: tuple[int, ...], where: str) -> Float64:
    """Check decoded block scales and take their sizes (E4M3 scales are used without their sign)."""
    wanted = (-(-shape[0] // unit.scale_block), *shape[1:])
    if scales is None:
        message = f"family={unit.family} needs block scales, one for {unit.scale_block} elements of k"
        raise RefusalError(message, where=where, fix=f"Give an array whose k axis has {wanted[0]} elements.")
    form = FORMATS[str(unit.scale)]
    found = np.abs(held(scales, form, where=where))
    if found.shape != wanted:
        message = f"the shape does not fit the operand: k first, {wanted} is needed"
        raise RefusalError(message, value=found.shape, where=where, fix=f"One scale for {unit.scale_block} elements of k.")
    if form.name == "e8m0" and (found == 0).any():
        message = "E8M0 has no zero"
        raise RefusalError(message, value=0.0, where=where, fix="The least scale is 2**-127.")
    return found


def scaled(unit: Unit, operand: Operand, scale: Float64) -> Operand:
    """Add the scales: into values and exponents (ST), or beside them (GST)."""
    if unit.family == "st_fdpa":
        each = per_element(scale, unit.scale_block, len(operand.values))
        exponents = np.where(operand.values == 0, NO_EXPONENT[np.dtype(np.int16)], operand.exponents + exponent(each))
        return Operand(operand.values * each, exponents.astype(np.int16), operand.signs)
    groups = -(-len(operand.values) // unit.group)
    each = per_element(scale, unit.scale_block // unit.group, groups)
    own = np.maximum(exponent(each), FORMATS[str(unit.scale)].min_exponent)
    return Operand(operand.values, operand.exponents.astype(np.int16), operand.signs, each * 2.0**-own, own)


def per_element(scale: Float64, count: int, length: int) -> Float64:
    """Repeat each scale ``count`` times along k, ``length`` in all."""
    return np.repeat(scale, count, axis=0)[:length]


def in_order(unit: Unit, operand: Operand) -> Operand:
    """Put k into the unit's order, with zeros where the last period is not full."""
    if unit.order == "natural":
        return operand
    count = len(operand.values)
    multiple = {"strided": unit.stride, "pairs": 4}.get(unit.order, 1) if isinstance(unit.order, str) else len(unit.order)
    period = unit.period or (multiple if isinstance(unit.order, tuple) else -(-count // multiple) * multiple)
    within = np.array(unit.order) if isinstance(unit.order, tuple) else np.argsort(turn(unit, period), kind="stable")
    starts = np.arange(0, count, period)
    return operand.taken((starts[:, None] + within[None, :]).ravel())


def turn(unit: Unit, period: int) -> NDArray[np.int64]:
    """Say for each position of a period in which turn it comes."""
    k = np.arange(period)
    return k % unit.stride if unit.order == "strided" else k % 4 // 2
