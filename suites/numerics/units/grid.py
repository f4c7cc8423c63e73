"""Which numbers a format holds, as far as a matrix unit needs it: fraction bits, range, and the check that an operand really holds them.

A value is m * 2**(e - p) with an integer m, |m| < 2**(p + 1); subnormal numbers keep e = e_min and have no hidden bit. Parameters: OCP 8-bit
floating point specification and OCP MX v1.0 (E4M3 to E2M1, E8M0), IEEE 754 (FP16, FP32); FNUZ are AMD's CDNA3 variants without -0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.harness.errors import RefusalError
from assay.suites.numerics.units.rounding import exponent, power_of_two

Float64 = NDArray[np.float64]


@dataclass(frozen=True)
class Format:
    """A binary format.

    Attributes:
        name: how configuration calls it.
        fraction_bits: p, bits after the leading one.
        min_exponent: e_min of normal numbers.
        largest: the largest finite value.
        infinities: whether it has them.
        nan: whether it has NaN.

    """

    name: str
    fraction_bits: int
    min_exponent: int
    largest: float
    infinities: bool = True
    nan: bool = True


def ieee(name: str, exponent_bits: int, fraction_bits: int) -> Format:
    """Make the format with IEEE 754's layout: e_max = 2**(exponent_bits - 1) - 1, e_min = 1 - e_max."""
    top = 2 ** (exponent_bits - 1) - 1
    return Format(name, fraction_bits, 1 - top, (2 - 2.0**-fraction_bits) * 2.0**top)


FORMATS = {
    form.name: form
    for form in (
        Format("e4m3", 3, -6, 448.0, infinities=False),
        ieee("e5m2", 5, 2),
        Format("e4m3fnuz", 3, -7, 240.0, infinities=False),
        Format("e5m2fnuz", 2, -15, 57344.0, infinities=False),
        Format("e3m2", 2, -2, 28.0, infinities=False, nan=False),
        Format("e2m3", 3, 0, 7.5, infinities=False, nan=False),
        Format("e2m1", 1, 0, 6.0, infinities=False, nan=False),
        Format("e8m0", 0, -127, 2.0**127, infinities=False),
        ieee("fp16", 5, 10),
        ieee("bf16", 8, 7),
        ieee("tf32", 8, 10),
        ieee("fp32", 8, 23),
    )
}


def as_float64(x: Any) -> Float64:
    """Take an array of any float type, torch tensors too, as float64 (exact for every format here)."""
    if hasattr(x, "detach"):  # numpy cannot read torch's bfloat16 and FP8
        x = x.detach().double().cpu().numpy()
    return np.asarray(x).astype(np.float64)


def held(x: Any, form: Format, *, where: str) -> Float64:
    """Take ``x`` as float64 and refuse it unless every element is a value of ``form``: RefusalError names the first that is not."""
    values = as_float64(x)
    size = np.abs(values)
    finite = np.isfinite(values)
    ok = (finite & (size <= form.largest)) | (np.isinf(values) & form.infinities) | (np.isnan(values) & form.nan)
    safe = np.where(ok & finite, values, 0.0)
    # float64 numbers far below any format's grid must not become zero by the scaling.
    steps = safe * power_of_two(form.fraction_bits - np.maximum(exponent(safe), form.min_exponent))
    ok &= steps == np.rint(steps)
    if not ok.all():
        first = tuple(int(i) for i in np.argwhere(~ok)[0])
        message = f"element {list(first)} is no value of {form.name} (values of {form.name}: {form.fraction_bits} fraction bits, "
        message += f"normal from 2**{form.min_exponent}, at most {form.largest:g})"
        raise RefusalError(message, value=float(values[first]), where=where, fix="Round the operand to the format first.")
    return values
