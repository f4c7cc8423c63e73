"""Codes of a format and the numbers they stand for, through ml_dtypes; what overflows is settled before the cast, never by it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from assay.suites.numerics.formats.format import Format
from assay.suites.numerics.formats.rounding import Overflow, round_to, to_odd

if TYPE_CHECKING:
    from numpy.typing import NDArray


def decode(codes: NDArray[np.uint8], of: Format) -> NDArray[np.float32]:
    """Give the float32 number of each code (one a byte, in its low bits), of any shape."""
    return np.asarray(codes, dtype=np.uint8).view(dtype_of(of)).astype(np.float32)


def encode(values: Any, to: Format, *, overflow: Overflow = "saturate") -> NDArray[np.uint8]:
    """Give the code of each number, one a byte: rounded once to nearest, ties to even.

    ``values``: NumPy array or torch tensor, float32 or float64, any shape. ValueError for NaN where the
    format has none, and for other dtypes.
    """
    import torch

    given = torch.as_tensor(values)
    if given.dtype not in (torch.float32, torch.float64):
        message = f"only float32 and float64 are encoded, this is {given.dtype}"
        raise ValueError(message)
    single = to_odd(given) if given.dtype == torch.float64 else given
    rounded = round_to(single.contiguous(), to, overflow=overflow).numpy()
    return rounded.astype(dtype_of(to)).view(np.uint8)


def dtype_of(of: Format) -> np.dtype[Any]:
    """Give the ml_dtypes dtype of an 8-bit or smaller format; ValueError for one that it does not have."""
    import ml_dtypes

    if not of.library or of.bits > 8:  # noqa: PLR2004 - codes are bytes
        message = f"{of.name} has no codes of one byte"
        raise ValueError(message)
    found: np.dtype[Any] = np.dtype(getattr(ml_dtypes, of.library))
    return found
