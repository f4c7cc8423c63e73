"""The products a unit gives: A B + C, and dot products of rows."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.harness.errors import RefusalError
from assay.suites.numerics.formats.format import FORMATS
from assay.suites.numerics.units.alignment import single
from assay.suites.numerics.units.chain import whole
from assay.suites.numerics.units.held import Float32, Float64, held
from assay.suites.numerics.units.operands import Operand, held_scales, in_order, prepare
from assay.suites.numerics.units.options import output
from assay.suites.numerics.units.special import careful
from assay.suites.numerics.units.unit import Unit

TILE_ROWS, TILE_COLUMNS = 64, 256  # outputs computed together: their vectors stay in the second cache
SINGLE_RANGE = 2.0**60  # of C where blocks run in float32


def gemm(unit: Unit, a: Any, b: Any, c: Any = None, *, a_scales: Any = None, b_scales: Any = None) -> NDArray[np.float32]:
    """Give D = A B + C, bit for bit as the unit does.

    Args:
        unit: who computes.
        a: [M, K], values of the unit's format ``a`` in any float type.
        b: [K, N], values of ``b``.
        c: [M, N], values of the unit's output (float32 where its exponent has 8 bits); None for zeros.
        a_scales: decoded block scales [M, K / scale_block]; with promotion instead: float32 scales [M, K / promote].
        b_scales: the same, [K / scale_block, N] or [K / promote, N].

    Returns:
        float32 [M, N]; narrower outputs are held as float32. RefusalError for values outside a format, naming the first, and for shapes.

    """
    a, b = held(a, FORMATS[unit.a], where="A"), held(b, FORMATS[unit.b], where="B")
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[0]:  # noqa: PLR2004 - matrices
        message = "shapes do not fit: A is [M, K], B is [K, N]"
        raise RefusalError(message, value=(a.shape, b.shape), where="gemm", fix="Pass B as K x N.")
    shape = (a.shape[0], b.shape[1])
    turned = None if a_scales is None else held_scales(unit, a_scales, where="scales of A").T[:, :, None]
    across = None if b_scales is None else held_scales(unit, b_scales, where="scales of B")[:, None, :]
    return computed(unit, a.T[:, :, None], b[:, None, :], c, shape, (turned, across))


def dot(unit: Unit, a: Any, b: Any, c: Any = None, *, a_scales: Any = None, b_scales: Any = None) -> NDArray[np.float32]:
    """Give the dot product of each row of ``a`` [R, K] with the same row of ``b`` [R, K], plus ``c`` [R]; scales [R, K / block]."""
    a, b = held(a, FORMATS[unit.a], where="A"), held(b, FORMATS[unit.b], where="B")
    if a.ndim != 2 or a.shape != b.shape:  # noqa: PLR2004 - rows of K
        message = "shapes do not fit: both operands are [R, K]"
        raise RefusalError(message, value=(a.shape, b.shape), where="dot", fix="Pass the same rows of both.")
    scales = tuple(None if x is None else held_scales(unit, x, where="scales").T for x in (a_scales, b_scales))
    return computed(unit, a.T, b.T, c, (a.shape[0],), (scales[0], scales[1]))


def computed(
    unit: Unit, a: Float32, b: Float32, c: Any, shape: tuple[int, ...], scales: tuple[Float32 | None, Float32 | None]
) -> NDArray[np.float32]:
    """Prepare operands of shape [K, ...] and compute their tiles side by side."""
    start = initial(unit, c, shape)
    narrow = single(unit) and bool(((start == 0) | ((np.abs(start) > 1 / SINGLE_RANGE) & (np.abs(start) < SINGLE_RANGE))).all())
    block_scales = scales if unit.scale else (None, None)
    left = in_order(unit, prepare(unit, a, FORMATS[unit.a], scales=block_scales[0], single=narrow, where="A"))
    right = in_order(unit, prepare(unit, b, FORMATS[unit.b], scales=block_scales[1], single=narrow, where="B"))
    if might_overflow(unit, left, right, start):
        left = careful(left)
    own = None if unit.scale else promotion_scales(unit, *scales, length=len(a))
    result = np.empty(shape, dtype=np.float32)

    def tile(where: tuple[slice, ...]) -> None:
        part = None if own is None else own[(slice(None), *where)]
        result[where] = whole(unit, tile_of(left, where), tile_of(right, where), start[where], part)

    with ThreadPoolExecutor(max_workers=len(os.sched_getaffinity(0))) as pool:
        list(pool.map(tile, tiles(shape)))
    words = result.view(np.uint32)
    words[np.isnan(result)] = unit.nan
    return result


def tile_of(operand: Operand, where: tuple[slice, ...]) -> Operand:
    """Give the part of an operand that a tile needs; an axis of length 1 serves all tiles."""
    return operand.part(tuple(s if n > 1 else slice(None) for s, n in zip(where, operand.values.shape[1:], strict=True)))


def initial(unit: Unit, c: Any, shape: tuple[int, ...]) -> Float64:
    """Check C: values of the output's format, float32 wherever that has as many exponent bits."""
    form = output(unit.out)
    if c is None:
        return np.zeros(shape)
    accepted = FORMATS["fp32"] if form.emin == FORMATS["fp32"].emin else form
    values = held(c, accepted, where="C").astype(np.float64)
    if values.shape != shape:
        message = "C has not the shape of the product"
        raise RefusalError(message, value=values.shape, where="C", fix=f"It needs {shape}.")
    return np.where(np.abs(values) < 2.0**form.emin, 0.0, values) if unit.flush_in else values


def might_overflow(unit: Unit, left: Operand, right: Operand, c: Float64) -> bool:
    """Tell whether Inf or NaN can appear: some is there already, or sums could reach the output's end or a product the limit."""
    if not np.isfinite(c).all():
        return True
    product = float(np.max(np.abs(left.values), initial=0)) * float(np.max(np.abs(right.values), initial=0))
    if left.scales is not None and right.scales is not None and left.scale_exponents is not None and right.scale_exponents is not None:
        product *= 4 * 2.0 ** float(np.max(left.scale_exponents, initial=0) + np.max(right.scale_exponents, initial=0))
    reach = 2 * (len(left.values) * product + float(np.max(np.abs(c), initial=0)))
    return reach >= output(unit.out).largest or (unit.limit is not None and product >= 2.0**unit.limit)


def promotion_scales(unit: Unit, a: Float32 | None, b: Float32 | None, *, length: int) -> Float64 | None:
    """Multiply the scales of promotion in float32, as [K / promote, ...]; None where there are none."""
    if a is None and b is None:
        return None
    if unit.promote is None:
        message = "scales need block scales (scale=...) or promotion (promote=N)"
        raise RefusalError(message, where="scales", fix="Set one of the two, or pass no scales.")
    count = -(-length // unit.promote)
    factors = [np.ones(count, dtype=np.float32) if x is None else x for x in (a, b)]
    for x in factors:
        if len(x) != count:
            message = f"promotion every {unit.promote} of {length} products needs {count} scales along k"
            raise RefusalError(message, value=len(x), where="scales of promotion", fix=f"Give {count}.")
    ranks = max(x.ndim for x in factors)
    wide = [x.reshape(x.shape + (1,) * (ranks - x.ndim)) for x in factors]
    return (wide[0] * wide[1]).astype(np.float64)


def tiles(shape: tuple[int, ...]) -> Iterator[tuple[slice, ...]]:
    """Cut the outputs: rows and columns of a product, or lengths of a list of dot products."""
    if len(shape) == 1:
        for start in range(0, shape[0], TILE_ROWS * TILE_COLUMNS):
            yield (slice(start, min(start + TILE_ROWS * TILE_COLUMNS, shape[0])),)
        return
    for row in range(0, shape[0], TILE_ROWS):
        for column in range(0, shape[1], TILE_COLUMNS):
            yield slice(row, min(row + TILE_ROWS, shape[0])), slice(column, min(column + TILE_COLUMNS, shape[1]))
