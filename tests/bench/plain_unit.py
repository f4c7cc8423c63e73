"""A truncating fused matrix unit (T-FDPA, MMA-Sim, arXiv 2511.10909) as plainly as NumPy's int64 writes it: what the emulated units are timed against."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

FRACTION, LEAST = 3, -6  # of E4M3
C_FRACTION, C_LEAST = 23, -126  # of float32
FAR = -(10**6)  # exponent of a product that is zero


def parts(x: NDArray[np.float32], fraction: int, least: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Give integer significands and exponents: x = m * 2^(e - fraction)."""
    e = np.maximum(np.frexp(x)[1].astype(np.int64) - 1, least)
    return np.ldexp(x.astype(np.float64), fraction - e).astype(np.int64), e


def shifted(m: NDArray[np.int64], by: NDArray[np.int64]) -> NDArray[np.int64]:
    """Multiply by 2^by and cut towards zero."""
    size = np.abs(m)
    return np.sign(m) * np.where(by >= 0, size << np.clip(by, 0, 62), size >> np.clip(-by, 0, 62))


def gemm(a: NDArray[np.float32], b: NDArray[np.float32], *, fused: int, bits: int, kept: int) -> NDArray[np.float32]:
    """Multiply E4M3 m x k by k x n: ``fused`` products a block, aligned to ``bits`` fraction bits, each block cut to ``kept``."""
    (ma, ea), (mb, eb) = parts(a, FRACTION, LEAST), parts(np.ascontiguousarray(b.T), FRACTION, LEAST)
    c: NDArray[Any] = np.zeros((len(a), b.shape[1]), np.float32)
    for start in range(0, a.shape[1], fused):
        block = slice(start, start + fused)
        m = ma[:, None, block] * mb[None, :, block]
        e = np.where(m == 0, FAR, ea[:, None, block] + eb[None, :, block])
        mc, ec = parts(c, C_FRACTION, C_LEAST)
        ec = np.where(mc == 0, FAR, ec)
        top = np.maximum(e.max(axis=2), ec)
        total = shifted(m, e - 2 * FRACTION - top[:, :, None] + bits).sum(axis=2) + shifted(mc, ec - C_FRACTION - top + bits)
        mantissa, exponent = np.frexp(total.astype(np.float64))
        whole = np.trunc(np.ldexp(mantissa, kept + 1))
        c = np.where(total == 0, 0.0, np.ldexp(whole, exponent - kept - 1 + top - bits)).astype(np.float32)
    return c
