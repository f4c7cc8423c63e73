"""Row and column sums of a product against those of its operands (Huang and Abraham, IEEE TC C-33, 1984), within what rounding explains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
FP64 = 2.0**-53


@dataclass(frozen=True)
class Side:
    """The sums of all rows, or of all columns: expected, and the largest error that rounding explains."""

    expected: Doubles
    limit: Doubles

    def ratios(self, got: Doubles) -> Doubles:
        """Give each sum's error over its limit; infinite for what is no number."""
        with np.errstate(invalid="ignore", divide="ignore"):
            error = np.abs(got - self.expected)
            found: Doubles = np.where(error == 0, 0.0, error / self.limit)
        return np.where(np.isnan(found), np.inf, found)


@dataclass(frozen=True)
class Checksums:
    """Both sides of one product."""

    rows: Side
    columns: Side


def checksums(left: Floats, right: Floats, *, bound: float, conversion: float) -> Checksums:
    """Compute A (B e) and (e^T A) B in float64, and their limits from the componentwise bound.

    |E_ij| <= bound (|A||B|)_ij + conversion (1 + bound) (|A||B|)_ij, summed over a row or a column; the float64 sums themselves lose less
    than (K + M + N) 2^-53 of the same.
    """
    a, b = left.astype(np.float64), right.astype(np.float64)
    share = bound + conversion * (1 + bound) + (sum(a.shape) + b.shape[1]) * FP64
    rows = Side(a @ b.sum(axis=1), share * (np.abs(a) @ np.abs(b).sum(axis=1)))
    columns = Side(a.sum(axis=0) @ b, share * (np.abs(a).sum(axis=0) @ np.abs(b)))
    return Checksums(rows, columns)


def held_against(sums: Checksums, got: Any) -> tuple[Doubles, Doubles]:
    """Give the error over its limit of every row's and every column's sum."""
    with np.errstate(invalid="ignore", over="ignore"):
        whole = np.asarray(got).astype(np.float64)
        return sums.rows.ratios(whole.sum(axis=1)), sums.columns.ratios(whole.sum(axis=0))
