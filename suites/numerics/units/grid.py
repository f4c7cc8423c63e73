"""Which numbers a format holds, as far as a matrix unit needs it: fraction bits, range, and the check that an operand really holds them.

A value is m * 2**(e - p) with an integer m, |m| < 2**(p + 1); subnormal numbers keep e = e_min and have no hidden bit. Parameters: OCP
8-bit floating point specification and OCP MX v1.0 (E4M3 to E2M1, E8M0), IEEE 754 (FP16, FP32); FNUZ are AMD's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.harness.errors import RefusalError

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
FLOAT32_FRACTION, FLOAT32_LEAST, DOUBLE_NBYTES = 23, -126, 8


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


def as_float32(x: Any, *, where: str) -> Float32:
    """Take an array of any float type, torch tensors too, as float32, which holds every format here; refuse what float32 does not hold."""
    if hasattr(x, "detach"):  # numpy cannot read torch's bfloat16 and FP8
        x = x.detach().double().cpu().numpy() if x.element_size() == DOUBLE_NBYTES else x.detach().float().cpu().numpy()
    given = np.asarray(x)
    with np.errstate(over="ignore"):
        narrow: Float32 = np.ascontiguousarray(given, dtype=np.float32)
    if given.dtype.itemsize > narrow.itemsize or given.dtype.kind in "iu":
        wide = given.astype(np.float64)
        refuse_first((narrow != wide) & ~np.isnan(wide), wide, "fp32", where=where)
    return narrow


def held(x: Any, form: Format, *, where: str) -> Float32:
    """Take ``x`` as float32 and refuse it unless every element is a value of ``form``: RefusalError names the first that is not."""
    values = as_float32(x, where=where)
    lost = np.maximum(form.min_exponent - exponents(values, FLOAT32_LEAST), 0)
    lost += FLOAT32_FRACTION - form.fraction_bits
    bits = values.view(np.int32)
    # Bits below the format's last one; a number below its least subnormal has none that counts.
    wrong = (bits & ((np.int32(1) << np.minimum(lost, FLOAT32_FRACTION)) - 1)) != 0
    wrong |= (lost > FLOAT32_FRACTION) & (values != 0)
    wrong |= np.abs(values) > form.largest
    finite = np.isfinite(values)
    if not finite.all():
        wrong = np.where(finite, wrong, ~((np.isinf(values) & form.infinities) | (np.isnan(values) & form.nan)))
    refuse_first(wrong, values, form.name, where=where)
    return values


def exponents(x: Float32, least: int) -> NDArray[np.int32]:
    """Give max(floor(log2 |x|), least) of float32 numbers, least at or above -126; ``least`` for zero."""
    found: NDArray[np.int32] = np.maximum(((x.view(np.int32) >> FLOAT32_FRACTION) & 0xFF) - 127, np.int32(least))
    return found


def refuse_first(wrong: NDArray[np.bool_], values: NDArray[Any], name: str, *, where: str) -> None:
    """Raise RefusalError for the first element that is marked."""
    if not wrong.any():
        return
    form, first = FORMATS[name], tuple(int(i) for i in np.argwhere(wrong)[0])
    message = f"element {list(first)} is no value of {name} ({form.fraction_bits} fraction bits, "
    message += f"normal from 2**{form.min_exponent}, at most {form.largest:g})"
    raise RefusalError(message, value=float(values[first]), where=where, fix="Round the operand to the format first.")
