"""How far a unit drifts from the exact product: errors as shares of (|A||B|)_ij, and the limit that its own model sets on the same inputs.

A global similarity does not see a short accumulator on data of zero mean; the componentwise share does, and it sees one alignment bit
that is missing if it is held against what the healthy unit does with the very same numbers.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.suites.numerics.bounds import FP32_ROUNDOFF, fused_chain, gamma

Float64 = NDArray[np.float64]
TIMES = 2.0  # what a unit may be worse than its model at most; the largest of many shares varies by a tenth to a third with the draw


def shares(result: NDArray[Any], a: NDArray[Any], b: NDArray[Any]) -> Float64:
    """Give |D - AB|_ij / (|A||B|)_ij, M x N; inf where a result is not finite, 0 where nothing was added up and nothing came of it.

    ``a`` [M, K], ``b`` [K, N] hold numbers of at most 16 significant bits; the float64 product is the reference.
    """
    left, right = a.astype(np.float64), b.astype(np.float64)
    error, size = np.abs(result.astype(np.float64) - left @ right), np.abs(left) @ np.abs(right)
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Float64 = np.where(error == 0, 0.0, error / size)
    return np.where(np.isfinite(found), found, np.inf)


def bound(k: int, *, fused: int, bits: int, output_bits: int, promote: int | None) -> float:
    """Bound every share of a truncating unit: the chain's over the products between two promotions, then FP32's roundings.

    ceil(L' / L) (2^-p + (L + 1) 2^-F) with L' = min(k, N_C), plus gamma of the promotions (see ``bounds.fused_chain`` and ``gamma``).
    """
    length = min(k, promote or k)
    chain = fused_chain(length, lanes=fused, fraction_bits=bits, output_bits=output_bits)
    return chain + (gamma(math.ceil(k / promote) + 1, FP32_ROUNDOFF) if promote else 0.0)


def drifts(result: NDArray[Any], model: NDArray[Any], a: NDArray[Any], b: NDArray[Any], *, most: float) -> tuple[bool, float, float]:
    """Hold a result against the model of its unit on the same inputs: (whether it drifts, its largest share, the limit).

    The limit is the smaller of ``most`` (the bound) and TIMES the model's own largest share.
    """
    found, limit = float(shares(result, a, b).max()), min(most, TIMES * float(shares(model, a, b).max()))
    return found > limit, found, limit


def calc_diff(x: NDArray[Any], y: NDArray[Any]) -> float:
    """Give DeepGEMM's 1 - 2 <x, y> / (|x|^2 + |y|^2), about half the squared relative error."""
    x, y = x.astype(np.float64), y.astype(np.float64)
    total = float((x * x).sum() + (y * y).sum())
    return 1 - 2 * float((x * y).sum()) / total if total else 0.0


def predicted_diff(a: Float64, b: Float64, held_a: Float64, held_b: Float64) -> float:
    """Predict the calc_diff of a product from what quantisation did to its operands, a [M, K] and b [K, N] before, ``held`` after.

    With errors dA, dB whose signs are independent of everything, E |(A + dA)(B + dB) - AB|^2 is the sum over k of
    |dA_:k|^2 |B_k:|^2 + |A_:k|^2 |dB_k:|^2 + |dA_:k|^2 |dB_k:|^2, and calc_diff is half of it over |AB|^2. Going k by k matters where a few
    large numbers carry a product: from the errors of whole operands alone, (ea^2 + eb^2) / 2, it comes out up to 1.7 times too small.
    """
    lost_a, lost_b = ((held_a - a) ** 2).sum(axis=0), ((held_b - b) ** 2).sum(axis=1)
    whole_a, whole_b = (a**2).sum(axis=0), (b**2).sum(axis=1)
    total = float(((a @ b) ** 2).sum())
    lost = float((lost_a * whole_b + whole_a * lost_b + lost_a * lost_b).sum())
    return lost / (2 * total) if total else 0.0
