"""A whole product checked in a time that grows with its size, not with its work (Freivalds, 1977): C X against A (B X)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from assay.suites.numerics.gates.difference import Difference, difference
from assay.suites.numerics.gates.integers import exact

Floats = NDArray[np.float32]
VECTORS = 8  # a wrong row passes all with probability 2^-8 at most
LOOKED_AT = 64  # wrong rows that are computed anew, word by word


def wrong_rows(got: Floats, left: Floats, right: Floats, *, limit: int, seed: int) -> NDArray[np.int64]:
    """Give the rows of ``got`` [M, N] that are not those of left [M, K] x right [K, N], whole numbers with sum |ab| at most ``limit``.

    A row that holds anything but whole numbers up to the limit is wrong at once; of the others C X and A (B X), with X in {-1, 1}^(N x 8),
    are sums of whole numbers under 2^53 and so exact in float64. A row that is wrong is missed with probability 2^-8 at most.
    """
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], (right.shape[1], VECTORS))
    with np.errstate(invalid="ignore", over="ignore"):
        sound = ((np.abs(got) <= limit) & (np.rint(got) == got)).all(axis=1)
        ours = got.astype(np.float64) @ signs
    wanted = left.astype(np.float64) @ (right.astype(np.float64) @ signs)
    return np.flatnonzero(~sound | (ours != wanted).any(axis=1))


def checked(got: Floats, left: Floats, right: Floats, *, limit: int, seed: int) -> Difference | None:
    """Find the rows that are wrong and compute the first of them anew, which tells columns and bits; None where no row is wrong."""
    rows = wrong_rows(got, left, right, limit=limit, seed=seed)
    if not rows.size:
        return None
    looked = rows[:LOOKED_AT]
    found = difference(got[looked], exact(left[looked], right), any_zero=True)
    if found is None:  # never: a row that is right passes, since all sums here are exact
        message = f"rows {rows[:4].tolist()} failed the random check, but every word of them is right"
        raise AssertionError(message)
    numbers = tuple(int(looked[row]) for row in found.rows)
    return replace(found, rows=numbers, tested=int(got.size), lost=len(rows) - len(looked))
