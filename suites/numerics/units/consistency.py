"""Options that are each fine and contradict each other, or would not be exact: refused by name."""

from __future__ import annotations

import math
from typing import NoReturn

from assay.harness.errors import RefusalError
from assay.suites.numerics.formats.format import FORMATS
from assay.suites.numerics.units.unit import Unit

EXACT_BITS = 53  # of float64, in which aligned terms are whole numbers and their sum must be exact
ONE_BY_ONE = ("fma",)
GROUPED_FORMATS = ("e2m1", "e2m3", "e3m2", "e4m3")  # their products and sums of many stay inside 53 bits
SCALED = ("st_fdpa", "gst_fdpa")


def refuse_contradictions(unit: Unit) -> None:
    """Raise RefusalError where options contradict each other or the sum of a block could not be exact."""
    refuse_families(unit)
    refuse_scales(unit)
    refuse_orders(unit)
    bits = sum_bits(unit)
    if bits > EXACT_BITS:
        fix = f"A block's sum would need {bits} bits and this emulator is exact up to {EXACT_BITS}: lower bits or fused={unit.fused}."
        refuse("bits", unit.bits, fix)


def refuse_families(unit: Unit) -> None:
    """Refuse block lengths that a family does not have."""
    if unit.family in ONE_BY_ONE and unit.fused != 1:
        refuse("fused", unit.fused, f"family={unit.family} takes one product at a time: set fused=1.")
    if unit.family == "pairwise" and unit.fused & (unit.fused - 1):
        refuse("fused", unit.fused, "family=pairwise needs a power of two.")


def refuse_scales(unit: Unit) -> None:
    """Refuse scales, and what does not go with them."""
    if unit.family in SCALED and unit.scale is None:
        refuse("scale", None, f"family={unit.family} has block scales: set scale=e8m0 or scale=e4m3.")
    if unit.family not in SCALED and unit.scale is not None:
        refuse("scale", unit.scale, f"only {' and '.join(SCALED)} have block scales; promotion takes float32 scales without this option.")
    if unit.limit is not None and (unit.scale is not None or unit.family == "pairwise"):
        refuse("limit", unit.limit, f"no published unit with family={unit.family} limits products: set limit=none.")
    if unit.family == "st_fdpa" and unit.scale != "e8m0":
        refuse("scale", unit.scale, "family=st_fdpa adds the exponent of its scale only: set scale=e8m0.")
    if unit.family == "gst_fdpa" and (unit.fused % unit.group or unit.scale_block % unit.group):
        refuse("group", unit.group, f"it must divide fused={unit.fused} and scale_block={unit.scale_block}.")
    if unit.family == "gst_fdpa" and not {unit.a, unit.b} <= set(GROUPED_FORMATS):
        refuse("a", (unit.a, unit.b), f"family=gst_fdpa sums groups exactly: only {', '.join(GROUPED_FORMATS)}.")
    if unit.family == "gst_fdpa" and (unit.order != "natural" or unit.ways > 1):
        refuse("order", unit.order, "family=gst_fdpa takes k in its natural order, in one way: its groups share scales.")


def refuse_orders(unit: Unit) -> None:
    """Refuse periods that do not fit the order, the ways, the blocks or the promotion."""
    period = len(unit.order) if isinstance(unit.order, tuple) else unit.period
    if isinstance(unit.order, tuple) and unit.period not in {None, period}:
        refuse("period", unit.period, f"the order has {period} positions: set period={period}, or none.")
    multiple = {"strided": unit.stride, "pairs": 4}.get(unit.order, 1) if isinstance(unit.order, str) else 1
    if period is not None and (period % multiple or period % (unit.ways * unit.fused)):
        refuse("period", period, f"it must be a multiple of ways * fused = {unit.ways * unit.fused}, and of {multiple} for this order.")
    step = period or unit.ways * unit.fused
    if unit.promote is not None and unit.promote % step:
        refuse("promote", unit.promote, f"it must be a multiple of {step}, the products added before a sum can move.")
    if unit.promote is not None and period is None and (unit.late or unit.ways > 1 or unit.order != "natural"):
        refuse("period", None, "promotion with late, ways or an order needs the length of one instruction: set period.")


def sum_bits(unit: Unit) -> int:
    """Count the bits of the largest block sum: terms are below 2**(F + 2), groups of GST below their exact sum times two significands."""
    if unit.family in {"fma", "e_fdpa", "pairwise"}:
        return 0
    if unit.family == "gst_fdpa":
        largest = unit.group * FORMATS[unit.a].largest * FORMATS[unit.b].largest
        terms = unit.fused // unit.group + 1
        return unit.bits + math.ceil(math.log2(4 * largest)) + math.ceil(math.log2(terms))
    bits = max(unit.bits, unit.join_bits) if unit.family in {"tr_fdpa", "gtr_fdpa"} else unit.bits
    return bits + 2 + math.ceil(math.log2(unit.fused + 1))


def refuse(name: str, value: object, fix: str) -> NoReturn:
    """Raise the refusal of one option."""
    message = "does not go with the other options"
    raise RefusalError(message, value=value, where=f"unit.{name}", fix=fix[0].upper() + fix[1:])
