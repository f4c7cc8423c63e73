"""How blocks follow each other along k: the chain, its instructions and ways, promotion to FP32, split K."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from assay.suites.numerics.formats.format import FORMATS, Format
from assay.suites.numerics.units.held import Float64
from assay.suites.numerics.units.operands import Operand
from assay.suites.numerics.units.options import output
from assay.suites.numerics.units.rounding import odd_sum, round_to
from assay.suites.numerics.units.special import block
from assay.suites.numerics.units.unit import Unit

FP32 = FORMATS["fp32"]


def whole(unit: Unit, left: Operand, right: Operand, c: Float64, scales: Float64 | None) -> Float64:
    """Compute D for outputs of the shape of ``c``; ``scales`` are those of promotion, [K / promote, ...]."""
    if unit.split == 1:
        return promoted(unit, left, right, c, scales)
    count = len(left.values)
    total: Float64 | None = None
    for start, stop in spans(count, part_length(unit, count)):
        own = None if scales is None or unit.promote is None else scales[start // unit.promote : -(-stop // unit.promote)]
        part = promoted(unit, *both(unit, left, right, start, stop), np.zeros_like(c), own)
        total = part if total is None else added(unit, total, part, FP32)
    return c if total is None else added(unit, total, c, FP32)


def part_length(unit: Unit, count: int) -> int:
    """Give the length of each of ``split`` parts of K: whole promotions, instructions or blocks; the last may be shorter."""
    period = len(unit.order) if isinstance(unit.order, tuple) else unit.period
    step = max(unit.promote or 1, period or unit.fused * unit.ways, unit.scale_block if unit.scale else 1)
    return max(1, -(-count // (unit.split * step))) * step


def promoted(unit: Unit, left: Operand, right: Operand, c: Float64, scales: Float64 | None) -> Float64:
    """Chain blocks; with promotion, every N_C products the sum moves to FP32 by a fused multiply-add with its scale and starts again."""
    if unit.promote is None:
        return instructions(unit, left, right, c)
    total = c
    for i, (start, stop) in enumerate(spans(len(left.values), unit.promote)):
        own = instructions(unit, *both(unit, left, right, start, stop), np.zeros_like(c))
        with np.errstate(invalid="ignore"):
            total = added(unit, total, own if scales is None else own * scales[i], FP32)
    return total


def instructions(unit: Unit, left: Operand, right: Operand, c: Float64) -> Float64:
    """Take k an instruction at a time where the unit has them, else all at once."""
    form = output(unit.out)
    period = len(unit.order) if isinstance(unit.order, tuple) else unit.period
    for start, stop in spans(len(left.values), period or max(len(left.values), 1)):
        operands = both(unit, left, right, start, stop)
        if unit.ways == 1 and not unit.late:
            c = blocks(unit, *operands, c)
        else:
            c = added(unit, c, ways(unit, *operands, np.zeros_like(c), form), form)
    return c


def ways(unit: Unit, left: Operand, right: Operand, zero: Float64, form: Format) -> Float64:
    """Compute each way's chain from zero, and join them in turn."""
    count = len(left.values)
    total: Float64 | None = None
    for start, stop in spans(count, max(1, -(-count // unit.ways))):
        own = blocks(unit, *both(unit, left, right, start, stop), zero)
        total = own if total is None else added(unit, total, own, form)
    return zero if total is None else total


def blocks(unit: Unit, left: Operand, right: Operand, c: Float64) -> Float64:
    """Chain blocks of L products, each fed with the last one's result."""
    for start, stop in spans(len(left.values), unit.fused):
        c = block(unit, *both(unit, left, right, start, stop), c)
    return c


def both(unit: Unit, left: Operand, right: Operand, start: int, stop: int) -> tuple[Operand, Operand]:
    """Cut both operands along k."""
    return left.cut(start, stop, group=unit.group), right.cut(start, stop, group=unit.group)


def added(unit: Unit, x: Float64, y: Float64, form: Format) -> Float64:
    """Add with rounding to nearest even in ``form``, flushing subnormal results where the unit does."""
    with np.errstate(invalid="ignore"):
        result = round_to(odd_sum([x, y]), form, "rne")
    return np.where(np.abs(result) < 2.0**form.emin, np.copysign(0.0, result), result) if unit.flush_out else result


def spans(count: int, length: int) -> Iterator[tuple[int, int]]:
    """Cut 0..count into (start, stop) of ``length``; the last may be shorter."""
    for start in range(0, count, length):
        yield start, min(start + length, count)
