"""Products that must equal each other to the last bit on any unit, by construction; no reference is needed (numerics gate G3, probe P8).

On numbers whose sums are rounded only what leaves every product and its place as they are may be asked: library kernels may treat rows at
an edge otherwise, and units that round down are not symmetric in sign. On whole numbers whose sums are exact (integers.py) order, place,
padding and sign may change too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.suites.numerics.formats.format import Format

Floats = NDArray[np.float32]
Place = Callable[[int, int], tuple[int, int]]
PAD = 32  # zeros that K is lengthened by: a multiple of what libraries ask of FP8
WIDEST = 10  # exponents of drawn numbers in wide formats: sums stay normal numbers of float32
CLEAR = 1  # octaves that scaling moves a factor down; twice as many up


def itself(found: Floats) -> Floats:
    """Give a result as it is."""
    return found


def here(row: int, column: int) -> tuple[int, int]:
    """Say that an output is where it was."""
    return row, column


@dataclass(frozen=True)
class Relation:
    """One changed product and what it must equal.

    Attributes:
        name: in words.
        left: A of the changed product.
        right: B of it.
        back: turns its result into that of the plain product.
        at: where in the changed product the output at (row, column) of the plain one is computed.
        exact: whether it needs whole numbers; then the sign of a zero is free.

    """

    name: str
    left: Floats
    right: Floats
    back: Callable[[Floats], Floats] = itself
    at: Place = here
    exact: bool = False


@dataclass(frozen=True)
class Spread:
    """Operands whose sums are rounded; ``doubled``: a product twice as large is exact, far from both ends of the result's format."""

    left: Floats
    right: Floats
    doubled: bool


def spread(a: Format, b: Format, out: Format, *, m: int, n: int, k: int, seed: int) -> Spread | None:
    """Draw A [m, k] and B [k, n] of either sign over several octaves; numbers stay normal when doubled twice or halved once.

    None where the formats (E2M1, E2M3) have no room for that.
    """
    source = np.random.default_rng(seed)
    climb = math.ceil(math.log2(k)) + 4  # octaves from the largest powers of two to the largest sum, doubled
    drawn, exponents = [], []
    for of, shape in ((a, (m, k)), (b, (k, n))):
        low = max(of.emin + CLEAR, -WIDEST)
        high = min(of.emax - 1 - 2 * CLEAR, WIDEST)
        if low > high:
            return None
        high = max(low, min(high, (out.emax - climb) // 2))
        steps = source.integers(1 << of.fraction, 2 << of.fraction, shape) * 2.0**-of.fraction
        drawn.append((np.exp2(source.integers(low, high + 1, shape)) * steps * source.choice([-1.0, 1.0], shape)).astype(np.float32))
        exponents.append((low - of.fraction, high))
    (least, most), (lower, higher) = exponents
    return Spread(drawn[0], drawn[1], doubled=least + lower >= out.emin and most + higher + climb <= out.emax)


def rounded(given: Spread, *, seed: int) -> Iterator[Relation]:
    """Yield what holds of any numbers: every product is the same, or all are doubled."""
    left, right, source = given.left, given.right, np.random.default_rng(seed)
    k = left.shape[1]
    signs = source.choice(np.array([-1, 1], dtype=np.float32), k)
    scales = source.choice(np.array([0.5, 1, 2], dtype=np.float32), k)
    yield Relation("both operands negated", -left, -right)
    yield Relation("signs turned along k in both", left * signs, signs[:, None] * right)
    yield Relation("scaled by 2^s along k, and back", left * scales, right / scales[:, None])
    if given.doubled:
        yield Relation("A by 4, B by 1/2", left * np.float32(4), right * np.float32(0.5), back=lambda d: d * np.float32(0.5))


def moved(left: Floats, right: Floats, *, seed: int, same: bool) -> Iterator[Relation]:
    """Yield what holds of exact sums: outputs elsewhere, k in another order, padded, negated; ``same``: both formats are one."""
    source = np.random.default_rng(seed)
    (m, k), n = left.shape, right.shape[1]
    for name in ("rows permuted", "rows permuted again"):
        rows = source.permutation(m)
        turned = np.argsort(rows)
        yield Relation(name, left[rows], right, back=lambda d, t=turned: d[t], at=lambda i, j, t=turned: (int(t[i]), j), exact=True)  # type: ignore[misc]
    for name in ("columns permuted", "columns permuted again"):
        columns = source.permutation(n)
        turned = np.argsort(columns)
        take: Callable[[Floats], Floats] = lambda d, t=turned: d[:, t]  # type: ignore[misc] # noqa: E731 - bound to its own permutation
        yield Relation(name, left, right[:, columns], back=take, at=lambda i, j, t=turned: (i, int(t[j])), exact=True)  # type: ignore[misc]
    order = source.permutation(k)
    yield Relation("k permuted", left[:, order], right[order], exact=True)
    yield Relation("A negated", -left, right, back=np.negative, exact=True)
    zeros = [np.zeros(shape, dtype=np.float32) for shape in ((m, PAD), (PAD, n))]
    yield Relation("K padded with zeros", np.hstack([left, zeros[0]]), np.vstack([right, zeros[1]]), exact=True)
    if same:
        yield Relation("transposed", right.T, left.T, back=np.transpose, at=lambda i, j: (j, i), exact=True)
