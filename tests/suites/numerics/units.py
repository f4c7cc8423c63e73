"""A small emulator of a truncating fused unit after arXiv 2511.10909 (float64 is wide enough for the short data used here)."""

from __future__ import annotations

from typing import Any

import numpy as np


def truncating_product(a: Any, b: Any, *, lanes: int, fraction_bits: int, promotion: int) -> Any:
    """Give A B^T as a unit does that aligns ``lanes`` products and the sum so far to the largest, and truncates all to ``fraction_bits``.

    ``promotion``: elements of K after which the sum moves to a float32 register; 0 for never.
    """
    total, running = np.zeros((len(a), len(b)), dtype=np.float32), np.zeros((len(a), len(b)))
    for start in range(0, a.shape[1], lanes):
        inner = slice(start, start + lanes)
        terms = np.concatenate([a[:, None, inner] * b[None, :, inner], running[:, :, None]], axis=2)
        exponent = np.max(np.where(terms == 0, -1000, exponents(a[:, None, inner], b[None, :, inner], running)), axis=2)
        grid = np.exp2(exponent - fraction_bits)
        running = truncate(np.sum(np.trunc(terms / grid[:, :, None]), axis=2) * grid, fraction_bits)
        if promotion and (start + lanes) % promotion == 0:
            total, running = total + running.astype(np.float32), np.zeros_like(running)
    return total.astype(np.float64) + running


def exponents(a: Any, b: Any, running: Any) -> Any:
    """Give each term's exponent: of products the sum of the factors' exponents, not renormalised."""
    own = [np.floor(np.log2(np.where(x == 0, 1, np.abs(x)))) for x in (a, b, running)]
    return np.concatenate([own[0] + own[1], own[2][:, :, None]], axis=2)


def truncate(values: Any, fraction_bits: int) -> Any:
    """Keep ``fraction_bits`` after the leading one, towards zero."""
    grid = np.exp2(np.floor(np.log2(np.where(values == 0, 1, np.abs(values)))) - fraction_bits)
    return np.trunc(values / grid) * grid
