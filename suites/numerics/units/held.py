"""The check that an operand really holds values of its format, and exponents of float32 numbers.

A value is m * 2**(e - p) with an integer m, |m| < 2**(p + 1); subnormal numbers keep e = e_min and have no hidden bit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.harness.errors import RefusalError
from assay.suites.numerics.formats.format import FORMATS, Format

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
FLOAT32_FRACTION, FLOAT32_LEAST, DOUBLE_NBYTES = 23, -126, 8


def as_float32(x: Any, *, where: str) -> Float32:
    """Take an array of any float type, torch tensors too, as float32, which holds every format here; refuse what float32 does not hold."""
    if hasattr(x, "detach"):  # numpy cannot read torch's bfloat16 and FP8
        x = x.detach().double().cpu().numpy() if x.element_size() == DOUBLE_NBYTES else x.detach().float().cpu().numpy()
    given = np.asarray(x)
    with np.errstate(over="ignore"):
        narrow: Float32 = np.ascontiguousarray(given, dtype=np.float32)
    if given.dtype.itemsize > narrow.itemsize or given.dtype.kind in "iu":
        wide = given.astype(np.float64)
        refuse_first((narrow != wide) & ~np.isnan(wide), wide, FORMATS["fp32"], where=where)
    return narrow


def held(x: Any, form: Format, *, where: str) -> Float32:
    """Take ``x`` as float32 and refuse it unless every element is a value of ``form``: RefusalError names the first that is not."""
    values = as_float32(x, where=where)
    lost = np.maximum(form.emin - exponents(values, FLOAT32_LEAST), 0)
    lost += FLOAT32_FRACTION - form.fraction
    bits = values.view(np.int32)
    # Bits below the format's last one; a number below its least subnormal has none that counts.
    wrong = (bits & ((np.int32(1) << np.minimum(lost, FLOAT32_FRACTION)) - 1)) != 0
    wrong |= (lost > FLOAT32_FRACTION) & (values != 0)
    wrong |= np.abs(values) > form.largest
    finite = np.isfinite(values)
    if not finite.all():
        wrong = np.where(finite, wrong, ~((np.isinf(values) & (form.specials == "ieee")) | (np.isnan(values) & form.has_nan)))
    refuse_first(wrong, values, form, where=where)
    return values


def exponents(x: Float32, least: int) -> NDArray[np.int32]:
    """Give max(floor(log2 |x|), least) of float32 numbers, least at or above -126; ``least`` for zero."""
    found: NDArray[np.int32] = np.maximum(((x.view(np.int32) >> FLOAT32_FRACTION) & 0xFF) - 127, np.int32(least))
    return found


def refuse_first(wrong: NDArray[np.bool_], values: NDArray[Any], form: Format, *, where: str) -> None:
    """Raise RefusalError for the first element that is marked."""
    if not wrong.any():
        return
    first = tuple(int(i) for i in np.argwhere(wrong)[0])
    message = f"element {list(first)} is no value of {form.name} ({form.fraction} fraction bits, "
    message += f"normal from 2**{form.emin}, at most {form.largest:g})"
    raise RefusalError(message, value=float(values[first]), where=where, fix="Round the operand to the format first.")
