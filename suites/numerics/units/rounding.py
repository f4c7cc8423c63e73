"""Exact steps in float64 (or float32): exponents, powers of two, rounding to a grid, and sums that remember what they lost.

Everything here is exact or correctly rounded as long as no intermediate leaves float64's normal range; operands and sums of matrix units
span less than 2**-600 to 2**600.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from assay.suites.numerics.formats.format import Format

Float64 = NDArray[np.float64]
Rounding = Callable[..., Any]  # of an array, with numpy's ``out``
HALF = 0.5


def nearest_away(x: Any, out: Any = None) -> Any:
    """Round to the nearest integer, ties away from zero."""
    whole = np.trunc(x)
    return np.add(whole, np.copysign(np.abs(x - whole) >= HALF, x, dtype=x.dtype), out=out)


def nearest_zero(x: Any, out: Any = None) -> Any:
    """Round to the nearest integer, ties towards zero."""
    whole = np.trunc(x)
    return np.add(whole, np.copysign(np.abs(x - whole) > HALF, x, dtype=x.dtype), out=out)


def away(x: Any, out: Any = None) -> Any:
    """Round away from zero."""
    return np.copysign(np.ceil(np.abs(x)), x, out=out)


ROUNDINGS: dict[str, Rounding] = {
    "rz": np.trunc,
    "rne": np.rint,
    "rd": np.floor,
    "ru": np.ceil,
    "rna": nearest_away,
    "rnz": nearest_zero,
    "ra": away,
}


def exponent(x: Float64) -> NDArray[np.int64]:
    """Give floor(log2 |x|) of float64 numbers; -1023 for zero."""
    bits = np.ascontiguousarray(x).view(np.int64).reshape(x.shape)
    return ((bits >> 52) & 0x7FF) - 1023


def power_of_two(exponents: Any) -> Float64:
    """Give 2.0**exponents, exponents in -1022..1023."""
    return ((np.asarray(exponents, dtype=np.int64) + 1023) << 52).view(np.float64)


def round_to(x: Float64, form: Format, mode: str, *, overflow: str = "inf") -> Float64:
    """Round to the numbers of ``form``, gradual underflow included, as float64.

    Args:
        x: finite or not; Inf and NaN pass.
        form: where to.
        mode: a key of ROUNDINGS.
        overflow: what is too large becomes ``inf``, ``max`` (the largest finite value) or ``nan``.

    """
    step = np.maximum(exponent(x), form.emin) - form.fraction
    # Inf and NaN have exponent 1024: their step is brought into range and scaling leaves them what they are.
    step = np.minimum(step, 900)
    result: Float64 = ROUNDINGS[mode](x * power_of_two(-step)) * power_of_two(step)
    excess = np.isfinite(x) & (np.abs(result) > form.largest)
    if excess.any():
        beyond = {"inf": np.inf, "max": form.largest, "nan": np.nan}[overflow]
        result = np.where(excess, np.copysign(beyond, result), result)
    return result


def two_sum(x: Float64, y: Float64) -> tuple[Float64, Float64]:
    """Give s = fl(x + y) and e with s + e = x + y exactly (Knuth, TAOCP 2, 4.2.2 theorem B); e = 0 where s is not finite."""
    s = x + y
    back = s - x
    e = (x - (s - back)) + (y - back)
    return s, np.where(np.isfinite(s), e, 0.0)


def odd_sum(terms: Sequence[Float64]) -> Float64:
    """Give the exact sum of float64 arrays rounded to odd: any later rounding to at most 51 bits is then as if made of the exact sum.

    The terms become an expansion without overlaps (Shewchuk, Discrete & Computational Geometry 18, 1997, theorem 10), which is added up
    from its largest end until the first error shows on which side the rest lies. Rounding to odd: Boldo and Melquiond, IEEE TC 57(4), 2008.
    """
    parts: list[Float64] = []
    for term in terms:
        carry = term
        for i, part in enumerate(parts):
            carry, parts[i] = two_sum(carry, part)
        parts.append(carry)
    total = parts.pop()
    rest = np.zeros_like(total)
    for part in reversed(parts):
        s, e = two_sum(total, part)
        going = rest == 0
        total, rest = np.where(going, s, total), np.where(going, e, rest)
    return to_odd(total, rest)


def to_odd(total: Float64, rest: Float64) -> Float64:
    """Make the last bit of ``total`` odd where ``rest``, smaller than its ulp, is not zero, by a step towards the rest."""
    bits = np.ascontiguousarray(total).view(np.int64).reshape(total.shape)
    towards = np.where(np.signbit(total) == np.signbit(rest), 1, -1)
    return (bits + np.where((rest != 0) & (bits & 1 == 0), towards, 0)).view(np.float64)
