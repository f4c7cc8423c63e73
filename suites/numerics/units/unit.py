"""What a matrix unit does with D = A B + C, as a value: every knob of the models of numerics papers, nothing computed here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

NVIDIA_NAN = 0x7FFFFFFF  # canonical NaN of NVIDIA's units; MMA-Sim (arXiv 2511.10909) and arXiv 2512.07004
QUIET_NAN = 0x7FC00000  # IEEE 754's default quiet NaN with sign 0
NVIDIA_NAN_FP16 = 0x7FFFE000  # 0x7FFF in FP16, held as float32


@dataclass(frozen=True)
class Unit:
    """One unit; `make` builds it from options and refuses what does not go together.

    Attributes:
        family: the rule of one block, a key of blocks.BLOCKS.
        a: format of A.
        b: format of B.
        fused: L, products added up in one block.
        bits: F, fraction bits that terms are aligned to.
        align: rounding of the alignment, a key of rounding.ROUNDINGS.
        normalised: a product's exponent is that of its value (1.5 * 1.5 has exponent 1), not the sum of its factors' exponents.
        out: format of each block's result, eXmY or a name (fp32 is e8m23).
        round: rounding of each block's result.
        promote: N_C, products after which the sum moves to an FP32 register, rounded to nearest; None for never.
        order: in which order k is taken inside a period: natural, strided (k mod stride first), pairs (k mod 4 < 2 first), or positions.
        stride: of order strided.
        period: products of one instruction; None: all of K.
        ways: parts of a period, each a chain from zero; joined in FP32, rounded to nearest.
        split: parts of K, each computed by itself; joined in FP32, rounded to nearest, and C after them.
        late: C, and the sum so far, is added after each period, rounded to nearest, instead of inside a block.
        flush_in: subnormal operands and C count as zero.
        flush_out: subnormal results become zero.
        floor: least exponent that terms are aligned to; None for none.
        overflow: what a too large result becomes: inf, max or nan.
        limit: a product of magnitude 2**limit or more counts as infinite; None for no limit.
        nan: the float32 word of every NaN result.
        join_bits: TR and GTR: fraction bits of the sum of products where it meets C.
        c_bits: TR and GTR: fraction bits of C there.
        join: TR and GTR: rounding there.
        c_drop: GTR: C more than this many octaves below the products counts as zero; None: never.
        scale: format of block scales, None for none.
        scale_block: products that share a scale.
        group: GST: products summed exactly before they are scaled.
        dead: mask of bits of every aligned term that are stuck at zero (a fault; bit 0 is the lowest).

    """

    family: str
    a: str
    b: str
    fused: int
    bits: int
    align: str
    normalised: bool
    out: str
    round: str
    promote: int | None
    order: str | tuple[int, ...]
    stride: int
    period: int | None
    ways: int
    split: int
    late: bool
    flush_in: bool
    flush_out: bool
    floor: int | None
    overflow: str
    limit: int | None
    nan: int
    join_bits: int
    c_bits: int
    join: str
    c_drop: int | None
    scale: str | None
    scale_block: int
    group: int
    dead: int

    def gemm(self, a: Any, b: Any, c: Any = None, *, a_scales: Any = None, b_scales: Any = None) -> NDArray[np.float32]:
        """Give A B + C; see product.gemm."""
        from assay.suites.numerics.units.product import gemm

        return gemm(self, a, b, c, a_scales=a_scales, b_scales=b_scales)

    def dot(self, a: Any, b: Any, c: Any = None, *, a_scales: Any = None, b_scales: Any = None) -> NDArray[np.float32]:
        """Give the dot product of each row of ``a`` with the same row of ``b``; see product.dot."""
        from assay.suites.numerics.units.product import dot

        return dot(self, a, b, c, a_scales=a_scales, b_scales=b_scales)
