"""Operands of whole numbers whose sums no published unit rounds: every order, tree and unit gives the same bits (numerics gate G2).

Let p be the least fraction bits that any published unit of these formats aligns terms to or keeps of a sum. If the sum of |a b| over k
is under 2^(p + 1), then every partial sum, in any order, is a whole number below that, and nothing is lost: the largest exponent among the
terms and the sum so far is at most p, so the alignment grid is 1 or finer (the model of arXiv 2511.10909).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from assay.suites.numerics.formats.format import Format
from assay.suites.numerics.probes.published import FUSED, takes
from assay.suites.numerics.units.options import output
from assay.suites.numerics.units.presets import PRESETS, preset

Floats = NDArray[np.float32]
ALIGNED = (*FUSED, "gst_fdpa")
BYTE, BYTE_BITS, WIDE_BITS = 8, 13, 23  # of formats that no published unit multiplies: what FP8 units keep, what all wider ones keep
FILLED = 0.97  # share of a row's budget that its numbers come to on average
WINDOW = 128  # DeepSeek-V3's N_C (technical report 3.3.2), the only interval of promotion that is published
MOST = 4096  # largest factor: more would say no more


@dataclass(frozen=True)
class Range:
    """How large the factors may be: the sum of |a b| over k is at most ``limit``, by construction.

    Attributes:
        limit: 2^(p + 1) - 1.
        a: largest |a|.
        b: largest |b|.
        budget: largest sum of |a| over a row: budget x b is at most limit.
        why: the derivation, in words.

    """

    limit: int
    a: int
    b: int
    budget: int
    why: str


@cache
def kept_bits(a: str, b: str, bits: int) -> tuple[int, tuple[str, ...]]:
    """Give the least fraction bits that published units of two formats (``bits`` wide) align to or keep, and the names of those units."""
    found: dict[int, list[str]] = {}
    for name, one in PRESETS.items():
        if not (takes(name, a, b) or (one.options.get("scale") and {a, b} == {one.options["a"]})):
            continue
        unit = preset(name, a=a, b=b)
        aligned = [unit.bits, *([unit.join_bits, unit.c_bits] if unit.family in {"tr_fdpa", "gtr_fdpa"} else [])]
        least = min([output(unit.out).fraction, *(aligned if unit.family in ALIGNED else [])])
        found.setdefault(least, []).append(name)
    if not found:
        return (BYTE_BITS if bits <= BYTE else WIDE_BITS), ()
    return min(found), tuple(found[min(found)])


def range_of(a: Format, b: Format, *, k: int, fraction: int) -> Range:
    """Choose magnitudes from the formats, the length of the sum and the ``fraction`` bits of a result.

    |a| is drawn from 1 to ``a``, |b| from the upper quarter up to ``b``, so that the sum of |a| comes to nearly its budget with hardly any
    zeros, and sums of one sign reach the highest octave that is held exactly, where a lost bit shows.
    """
    published, names = kept_bits(a.name, b.name, max(a.bits, b.bits))
    kept = min(published, fraction)
    limit = 2 ** (kept + 1) - 1
    right = largest(b, math.isqrt(max(1, 2 * limit // k)))
    budget = limit // right
    left = largest(a, max(1, int(2 * FILLED * budget / k) - 1))
    by = f"{', '.join(names[:3])}{' and more' if len(names) > 3 else ''}" if names else "no published unit has them: the least of all"  # noqa: PLR2004 - enough to look at
    short = f", and results here keep {fraction}" if fraction < published else ""
    why = f"sum |ab| <= {budget * right} < 2^{kept + 1}: the least kept in {a.name} x {b.name} is {published} bits ({by}){short}"
    return Range(limit, left, right, budget, f"{why}; |a| <= {left}, |b| <= {right}, sum |a| <= {budget}")


def whole(of: Format, most: int) -> NDArray[np.int64]:
    """List the whole numbers from 1 to ``most`` that a format holds as normal numbers."""
    n: NDArray[np.int64] = np.arange(max(1, math.ceil(of.least_normal)), min(most, MOST, int(min(of.largest, MOST))) + 1)
    low = n & -n  # the lowest bit that is set
    found: NDArray[np.int64] = n[n // low < 2 ** (of.fraction + 1)]
    return found


def largest(of: Format, most: int) -> int:
    """Give the largest such number."""
    return int(whole(of, most).max(initial=1))


def integers(rng: Range, a: Format, b: Format, *, m: int, n: int, k: int, seed: int) -> tuple[Floats, Floats]:
    """Draw A [m, k] and B [k, n], float32.

    The last two of every sixteen rows spend what they can on the factors of one aligned window of 128, so that their sums climb to the top
    within it: a unit that moves its sums to float32 every 128 products never gets there otherwise.

    There are two patterns of signs along k: even rows of A and even columns of B follow one, odd ones the other. Where two of a kind meet
    all terms have one sign and the sum climbs to the top; where different ones meet the signs are random and it crosses zero. Random
    elements of a row of A are 0 where its budget is spent.
    """
    source = np.random.default_rng(seed)
    patterns = source.choice([-1.0, 1.0], (2, k))
    left = source.choice(whole(a, rng.a), (m, k)).astype(np.float32)
    if k > WINDOW:
        windowed(left, rng, a, source)
    for row in left:
        order = source.permutation(k)
        spent = np.cumsum(row[order])
        row[order[spent > rng.budget]] = 0
    right = source.choice(upper(whole(b, rng.b)), (k, n)).astype(np.float32)
    left *= patterns[np.arange(m) % 2] * source.choice([-1.0, 1.0], (m, 1))
    right *= patterns[np.arange(n) % 2].T
    return left, right


def windowed(left: Floats, rng: Range, a: Format, source: np.random.Generator) -> None:
    """Give some rows large numbers in one window, and ones elsewhere where an eighth of the budget pays for them, else zeros."""
    k = left.shape[1]
    elsewhere = k - WINDOW if 8 * (k - WINDOW) <= rng.budget else 0
    numbers = whole(a, largest(a, max(1, int(2 * FILLED * (rng.budget - elsewhere) / WINDOW) - 1)))
    for row in range(14, len(left), 16):
        for one in left[row : row + 2]:
            start = int(source.integers(k // WINDOW)) * WINDOW
            one[:] = 1 if elsewhere else 0
            one[start : start + WINDOW] = source.choice(numbers, WINDOW)


def upper(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Take the upper quarter, and as much more as it takes to have an odd number: even ones alone would never use the lowest bit."""
    odd = numbers[numbers % 2 == 1].max()
    found: NDArray[np.int64] = numbers[numbers >= min(odd, 3 * int(numbers.max()) / 4)]
    return found


def exact(left: Floats, right: Floats) -> Floats:
    """Give the product as float32: float64 sums of whole numbers below 2^53 are exact in any order, and all of them fit float32."""
    found: Floats = (left.astype(np.float64) @ right.astype(np.float64)).astype(np.float32)
    return found
