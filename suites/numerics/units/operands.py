"""Operands as the blocks want them: k first, exact values, the exponent of each, and what is not finite apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.harness.errors import RefusalError
from assay.suites.numerics.formats.format import E8M0, FORMATS, Format
from assay.suites.numerics.units.held import Float32, Float64, as_float32, exponents, held, refuse_first
from assay.suites.numerics.units.rounding import HALF, exponent, power_of_two
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


def prepare(unit: Unit, values: Float32, form: Format, *, scales: Any, single: bool, where: str) -> Operand:
    """Take an operand of shape [K, ...] apart.

    Args:
        unit: whose operand it is.
        values: of ``form``, checked.
        form: format of the values.
        scales: decoded block scales [K / scale_block, ...], checked, where the unit has them, else None.
        single: float32 and int8 are wide enough for what the block does.
        where: what refusals call it.

    """
    if unit.flush_in:
        values = np.where(np.abs(values) < 2.0**form.emin, np.float32(0), values)
    finite, signs = np.isfinite(values), None
    if not finite.all():
        signs = np.where(finite, np.sign(values), values)
        values = np.where(finite, values, np.float32(0))
    small = np.dtype(np.int8 if single else np.int16)
    own = np.where(values == 0, np.int32(NO_EXPONENT[small]), exponents(values, form.emin)).astype(small)
    operand = Operand(values if single else values.astype(np.float64), own, signs)
    if unit.scale is None:
        return operand
    return scaled(unit, operand, block_scales(unit, scales, shape=values.shape, where=f"scales of {where}"))


def held_scales(unit: Unit, scales: Any, *, where: str) -> Float32:
    """Check that scales are values of the unit's format for them, of float32 for those of promotion."""
    found = as_float32(scales, where=where)
    if unit.scale == "e8m0":  # its least value is subnormal in float32
        refuse_first(~((np.frexp(np.abs(found))[0] == HALF) | np.isnan(found)), found, E8M0, where=where)
        return found
    return held(found, FORMATS[unit.scale or "fp32"], where=where)


def block_scales(unit: Unit, scales: Any, *, shape: tuple[int, ...], where: str) -> Float64:
    """Take the sizes of checked block scales (E4M3 scales are used without their sign), refusing a shape that does not fit."""
    wanted = (-(-shape[0] // unit.scale_block), *shape[1:])
    found: Float64 | None = None if scales is None else np.abs(scales).astype(np.float64)
    if found is None or found.shape != wanted:
        message = f"family={unit.family} needs block scales, one for {unit.scale_block} elements of k"
        value = None if found is None else found.shape
        raise RefusalError(
            message, value=value, where=where, fix=f"Along k there must be {wanted[0]}, along the rest what the operand has."
        )
    return found


def scaled(unit: Unit, operand: Operand, scale: Float64) -> Operand:
    """Add the scales: into values and exponents (ST), or beside them (GST); a scale that is NaN makes its block NaN."""
    count, signs = len(operand.values), operand.signs
    if np.isnan(scale).any():
        lost = np.isnan(per_element(scale, unit.scale_block, count))
        signs = np.where(lost, np.nan, np.sign(operand.values) if signs is None else signs)
        scale = np.where(np.isnan(scale), 1.0, scale)
    if unit.family == "st_fdpa":
        each = per_element(scale, unit.scale_block, count)
        own = np.where(operand.values == 0, NO_EXPONENT[np.dtype(np.int16)], operand.exponents + exponent(each))
        return Operand(operand.values * each, own.astype(np.int16), signs)
    each = per_element(scale, unit.scale_block // unit.group, -(-count // unit.group))
    top = np.maximum(exponent(each), (E8M0 if unit.scale == "e8m0" else FORMATS[str(unit.scale)]).emin)
    return Operand(operand.values, operand.exponents, signs, each * power_of_two(-top), top)


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
