"""How wrong a right matrix product may be: bounds on |E_ij| as a share of (|A||B|)_ij, by how the unit adds.

Every function returns a pure number. u is the unit roundoff 2**-p of p significant bits: 2**-24 for FP32, 2**-8 for BF16.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

FP32_ROUNDOFF = 2.0**-24
FP64_ROUNDOFF = 2.0**-53
OUTPUT_ROUNDOFF = {"fp32": 0.0, "bf16": 2.0**-8}  # of the conversion after FP32 accumulation
PROMOTION = 128  # K elements after which FP8 sums move to FP32 (DeepSeek-V3 report 3.3.2: N_C = 128)
# Standard deviations allowed to a whole row; Higham and Mary's bound needs 5 to 8 for a million single elements.
LAMBDA = 6.0
# Truncation loses half a grid step on average, and the running sum that sets the grid is on average half of the block's final one.
# Emulated units with 13 to 25 fraction bits, with and without promotion, stay under 15 % of the worst case.
TRUNCATION_MEAN = 0.25
# Khattak and Mikaitis, arXiv 2512.07004; Xie et al. (MMA-Sim), arXiv 2511.10909: the units with the widest bounds of each format.
WIDEST_UNITS = {"bf16": (8, 24, 23), "fp8": (32, 13, 13)}  # lanes, alignment bits, output bits of A100 and Hopper


@dataclass(frozen=True)
class Tolerance:
    """What rounding explains.

    Attributes:
        element: largest |E_ij| / (|A||B|)_ij of the accumulation, whatever the data.
        row: the same for the root mean square over a row, where errors of many elements cannot all be worst.
        output: relative error of the conversion to the output format.
        why: the model behind the numbers, in words.

    """

    element: float
    row: float
    output: float
    why: str


def gamma(k: int, roundoff: float) -> float:
    """Bound k roundings in any order, fused or not: k u / (1 - k u) (Higham, Accuracy and Stability, lemma 3.1); inf once k u >= 1."""
    return k * roundoff / (1 - k * roundoff) if k * roundoff < 1 else math.inf


def gamma_typical(k: int, roundoff: float, *, deviations: float = LAMBDA) -> float:
    """Bound k independent mean-zero roundings: exp(lambda sqrt(k) u + k u^2 / (1 - u)) - 1, and never above ``gamma``.

    Higham and Mary, SIAM J. Sci. Comput. 41(5), 2019, with lambda the ``deviations``. Holds for round-to-nearest only: the error of
    truncation is biased and grows with k.
    """
    return min(gamma(k, roundoff), math.expm1(deviations * math.sqrt(k) * roundoff + k * roundoff**2 / (1 - roundoff)))


def fused_chain(k: int, *, lanes: int, fraction_bits: int, output_bits: int) -> float:
    """Bound a chain of truncating fused blocks of ``lanes`` products: ceil(k / L) (2^-p + (L + 1) 2^-F).

    From the model of arXiv 2511.10909: in each block L products and the sum so far lose less than 2^(E-F) each and the output less than
    2^-p of itself, and 2^E, the largest of their exponents, is at most (|A||B|)_ij.
    """
    return math.ceil(k / lanes) * (2.0**-output_bits + (lanes + 1) * 2.0**-fraction_bits)


def rounded_sums(k: int, *, out: str, extra: int = 0) -> Tolerance:
    """Tolerance of a product of length ``k`` added up in FP32 with rounding to nearest, in any order.

    ``extra`` counts further roundings on the way of each term, such as those of scales.
    """
    roundings = k + extra
    own = gamma(k + 2, FP64_ROUNDOFF)  # of the float64 reference itself
    why = f"FP32 sums rounded to nearest, {roundings} roundings a term"
    return Tolerance(gamma(roundings, FP32_ROUNDOFF) + own, gamma_typical(roundings, FP32_ROUNDOFF) + own, OUTPUT_ROUNDOFF[out], why)


def truncated_sums(k: int, *, unit: str, out: str, promoted: bool) -> Tolerance:
    """Tolerance of a tensor core's truncating sums (``unit`` in WIDEST_UNITS); ``promoted``: moved to FP32 every PROMOTION elements."""
    lanes, fraction, output = WIDEST_UNITS[unit]
    length = min(k, PROMOTION) if promoted else k
    chain = fused_chain(length, lanes=lanes, fraction_bits=fraction, output_bits=output)
    after = gamma(math.ceil(k / PROMOTION) + 2, FP32_ROUNDOFF) if promoted else 0.0
    own = gamma(k + 2, FP64_ROUNDOFF)
    promotion = f", moved to FP32 every {PROMOTION}" if promoted else ""
    why = f"sums of {lanes} products truncated to {fraction} fraction bits{promotion}"
    return Tolerance(chain + after + own, TRUNCATION_MEAN * chain + after + own, OUTPUT_ROUNDOFF[out], why)
