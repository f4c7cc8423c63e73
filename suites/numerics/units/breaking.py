"""Where a fault lies and what it breaks: positions, the region of outputs, the broken unit, operand or words, and a sentence about it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.harness.errors import RefusalError
from assay.suites.numerics.formats.format import FORMATS
from assay.suites.numerics.units.held import FLOAT32_LEAST, Float32, exponents
from assay.suites.numerics.units.options import changed
from assay.suites.numerics.units.unit import Unit

ARITHMETIC = ("promotion_missing", "alignment_bit_dead", "k_dropped", "subnormals_flushed", "operand_bit_stuck")
OUTPUT = ("output_flipped", "output_stuck")
REGIONS = ("all", "row", "column", "one", "tile", "lane", "strided")
FP32_BITS = 32


@dataclass(frozen=True)
class Fault:
    """One fault; positions that are None are drawn from ``seed`` once the shape is known, the same ones for the same shape.

    Attributes:
        kind: one of ARITHMETIC or OUTPUT.
        where: region of the outputs: all, one row, column or output, a tile, the columns of one lane, or a row's every stride-th column.
        row: of row, one, tile (its first) and strided.
        column: of column, one, tile (its first) and strided (its first).
        tile: rows and columns of a tile, whose first ones are multiples of these.
        lanes: columns after which lanes repeat, and positions of k for operand_bit_stuck.
        lane: which of them.
        stride: columns between the outputs of strided.
        k: of k_dropped.
        bit: lowest is 0: of the alignment, of the fraction of an operand, or of the FP32 word.
        bits: bits of the word, in place of ``bit``: a fault of several.
        stuck: what a stuck bit reads.
        every: only one call in this many is wrong, the last of each ``every``.
        seed: of drawn positions.

    """

    kind: str
    where: str = "all"
    row: int | None = None
    column: int | None = None
    tile: tuple[int, int] = (16, 8)
    lanes: int = 32
    lane: int | None = None
    stride: int = 4
    k: int | None = None
    bit: int | None = None
    bits: tuple[int, ...] = ()
    stuck: int = 1
    every: int = 1
    seed: int = 0


def placed(fault: Fault, shape: tuple[int, ...], k: int, unit: Unit) -> Fault:
    """Draw the positions that are not given."""
    draw = np.random.default_rng(fault.seed)
    fraction = {"alignment_bit_dead": unit.bits, "operand_bit_stuck": FORMATS[unit.a].fraction}.get(fault.kind, FP32_BITS)
    drawn: dict[str, Any] = {
        "row": int(draw.integers(shape[0])),
        "column": int(draw.integers(shape[1])),
        "lane": int(draw.integers(min(fault.lanes, k if fault.kind == "operand_bit_stuck" else shape[1]))),
        "k": int(draw.integers(k)),
        "bit": int(draw.integers(fraction)),
    }
    if fault.where == "tile":
        drawn |= {"row": drawn["row"] // fault.tile[0] * fault.tile[0], "column": drawn["column"] // fault.tile[1] * fault.tile[1]}
    return replace(fault, **{name: value for name, value in drawn.items() if getattr(fault, name) is None})


def region(fault: Fault, shape: tuple[int, ...]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Give the rows and columns that the fault covers."""
    rows, columns = np.arange(shape[0]), np.arange(shape[1])
    row, column, lane = (int(x or 0) for x in (fault.row, fault.column, fault.lane))
    chosen = {
        "all": (rows, columns),
        "row": (rows[row : row + 1], columns),
        "column": (rows, columns[column : column + 1]),
        "one": (rows[row : row + 1], columns[column : column + 1]),
        "tile": (rows[row : row + fault.tile[0]], columns[column : column + fault.tile[1]]),
        "lane": (rows, columns[lane :: fault.lanes]),
        "strided": (rows[row : row + 1], columns[column % fault.stride :: fault.stride]),
    }[fault.where]
    if not chosen[0].size or not chosen[1].size:
        message = f"the fault lies outside the product of {shape[0]} x {shape[1]}"
        raise RefusalError(message, value=(fault.row, fault.column, fault.lane), where="unit.fault", fix="Give a position inside.")
    return chosen


def broken(fault: Fault, unit: Unit, a: Float32) -> tuple[Unit, Float32]:
    """Give the unit and the rows of A with which the region is computed."""
    if fault.kind == "promotion_missing":
        return changed(unit, promote=None), a
    if fault.kind == "alignment_bit_dead":
        return changed(unit, dead=unit.dead | mask(fault)), a
    if fault.kind == "subnormals_flushed":
        return changed(unit, flush_in=True), a
    a = a.copy()
    if fault.kind == "k_dropped":
        a[:, int(fault.k or 0)] = 0
        return unit, a
    lane = slice(int(fault.lane or 0), None, fault.lanes)
    a[:, lane] = stuck_operand(a[:, lane], unit.a, mask(fault), fault.stuck)
    return unit, a


def stuck_operand(values: Float32, name: str, bits: int, stuck: int) -> Float32:
    """Set or clear fraction bits of values of a format; a code that then is none of its numbers is NaN, as E4M3's 0x7F."""
    form = FORMATS[name]
    values = np.ascontiguousarray(values)
    step = np.exp2((exponents(values, max(form.emin, FLOAT32_LEAST)) - form.fraction).astype(np.float64))
    finite = np.isfinite(values)
    steps = (np.abs(np.where(finite, values, 0)).astype(np.float64) / step).astype(np.int64)
    changed_steps = (steps | bits) if stuck else (steps & ~bits)
    result = np.copysign(changed_steps * step, values)
    result = np.where(np.abs(result) > form.largest, np.nan, result)
    return np.where(finite, result, values).astype(np.float32)


def broken_words(fault: Fault, outputs: Float32) -> Float32:
    """Flip bits of FP32 words, or hold them at a value."""
    words, bits = np.ascontiguousarray(outputs).view(np.uint32), np.uint32(mask(fault))
    if fault.kind == "output_flipped":
        return (words ^ bits).view(np.float32)
    return ((words | bits) if fault.stuck else (words & ~bits)).view(np.float32)


def mask(fault: Fault) -> int:
    """Give the bits of a fault as a mask."""
    return sum(1 << bit for bit in set(fault.bits)) if fault.bits else 1 << int(fault.bit or 0)


def told(fault: Fault) -> str:
    """Say in words what the fault does and where."""
    bits = ", ".join(map(str, fault.bits or (fault.bit,)))
    what = {
        "promotion_missing": "no promotion to FP32",
        "alignment_bit_dead": f"bit {bits} of the alignment reads 0",
        "k_dropped": f"the product of k = {fault.k} is missing",
        "subnormals_flushed": "subnormal operands count as zero",
        "operand_bit_stuck": f"fraction bit {bits} of A reads {fault.stuck} at k = {fault.lane} modulo {fault.lanes}",
        "output_flipped": f"bits {bits} of the output are flipped",
        "output_stuck": f"bits {bits} of the output read {fault.stuck}",
    }[fault.kind]
    place = {
        "all": "in all outputs",
        "row": f"in row {fault.row}",
        "column": f"in column {fault.column}",
        "one": f"in row {fault.row}, column {fault.column}",
        "tile": f"in the tile of {fault.tile[0]} x {fault.tile[1]} at row {fault.row}, column {fault.column}",
        "lane": f"in columns {fault.lane} modulo {fault.lanes}",
        "strided": f"in row {fault.row}, every {fault.stride}th column",
    }[fault.where]
    return f"{what} {place}" + (f", one call in {fault.every}" if fault.every > 1 else "")
