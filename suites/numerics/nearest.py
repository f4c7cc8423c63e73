"""Whether codes are the nearest of their format, and decoded numbers what the codes say: NumPy and tables, apart from what is measured."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from assay.suites.numerics.compared import codes
from assay.suites.numerics.formats import logfmt
from assay.suites.numerics.formats.format import FORMATS, Format
from assay.suites.numerics.quantise import Quantised

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

SINGLE = 2.0**-22  # relative: a float32 division may decide a tie, and so may another library's exponential
TINY = 1e-44  # of float32's subnormal numbers


def numbers(coded: logfmt.Coded | Quantised | torch.Tensor) -> NDArray[np.float64]:
    """Give the float64 numbers of codes by their definitions."""
    held = codes(coded)
    if isinstance(coded, logfmt.Coded):
        code, least, step = (one.cpu().numpy() for one in (held, coded.least, coded.step))
        size = code & (2 ** (coded.bits - 1) - 1)
        level = np.repeat(least, logfmt.TILE, axis=1) + np.repeat(step, logfmt.TILE, axis=1) * (size - 1)
        return np.where(size == 0, 0.0, np.exp(level)) * np.where(code >> (coded.bits - 1), -1.0, 1.0)
    found: NDArray[np.float64] = in_numpy(held).astype(np.float64)
    if isinstance(coded, Quantised):
        scales = coded.scales.cpu().numpy().astype(np.float64) * coded.whole
        found *= np.repeat(np.repeat(scales, coded.columns, axis=1), coded.recipe.rows or len(found), axis=0)[: len(found)]
    return found


def in_numpy(values: torch.Tensor) -> NDArray[Any]:
    """Give a tensor of any float dtype through its bytes and ml_dtypes."""
    import ml_dtypes
    import torch

    name = str(values.dtype).removeprefix("torch.")
    words = values.cpu().contiguous().view({1: torch.uint8, 2: torch.int16}[values.element_size()]).numpy()
    return words.view(np.dtype(getattr(ml_dtypes, name)))


def misplaced(given: NDArray[np.float64], coded: logfmt.Coded | Quantised | torch.Tensor) -> NDArray[np.bool_]:
    """Tell which of ``given``, rows x k, have a code that is not the nearest one, or a scale that its block should not have."""
    if isinstance(coded, logfmt.Coded):
        return logfmt_misplaced(given, coded)
    held = in_numpy(codes(coded)).astype(np.float64)
    if not isinstance(coded, Quantised):
        # BF16: the grid's spacing is 2^-7 of the power of two below, at least that of the smallest normal number.
        spacing = np.exp2(np.maximum(np.frexp(given)[1] - 1, -126.0) - FORMATS["bf16"].fraction)
        return np.asarray(~(np.abs(held - np.clip(given, -FORMATS["bf16"].largest, FORMATS["bf16"].largest)) <= spacing / 2))
    scale = np.repeat(coded.scales.cpu().numpy().astype(np.float64), coded.columns, axis=1) * coded.whole
    grid = grid_of(coded.recipe.format)
    wanted = np.clip(given / scale, grid[0], grid[-1])
    right = np.clip(np.searchsorted(grid, wanted), 1, len(grid) - 1)
    nearest = np.minimum(wanted - grid[right - 1], grid[right] - wanted)
    on_grid = grid[np.clip(np.searchsorted(grid, held), 0, len(grid) - 1)] == held
    far = np.abs(held - wanted) > nearest + SINGLE * np.abs(wanted) + TINY
    return np.asarray(far | ~on_grid | np.repeat(wrong_scale(given, coded), coded.columns, axis=1))


def wrong_scale(given: NDArray[np.float64], coded: Quantised) -> NDArray[np.bool_]:
    """Tell which blocks of one row have another scale than their largest magnitude asks for."""
    by = coded.recipe
    amax = np.maximum(np.abs(given).reshape(len(given), -1, coded.columns).max(axis=2), by.least)
    scales, largest = coded.scales.cpu().numpy().astype(np.float64), by.format.largest
    if by.scale == "rceil":  # the smallest power of two (of E8M0) with which nothing saturates
        fits = amax <= scales * largest
        tight = (amax > scales / 2 * largest) | (scales <= 2.0**-127)
        power = np.frexp(scales)[0] == 0.5  # noqa: PLR2004 - of a power of two
        return np.asarray(~((fits | (scales == 2.0**127)) & tight & power))
    if by.scale == "fp32":
        wanted = np.where(amax == 0, 1.0, amax / largest)
        return np.asarray(np.abs(scales - wanted) > SINGLE * wanted + TINY)
    grid = grid_of(FORMATS["e4m3"])
    wanted = np.clip(amax / largest / coded.whole, FORMATS["e4m3"].smallest, grid[-1])
    place = np.clip(np.searchsorted(grid, wanted), 1, len(grid) - 1)
    nearest = np.minimum(wanted - grid[place - 1], grid[place] - wanted)
    return np.asarray(np.abs(scales - wanted) > nearest + SINGLE * wanted)


def logfmt_misplaced(given: NDArray[np.float64], coded: logfmt.Coded) -> NDArray[np.bool_]:
    """Hold each number against its own level and both neighbours; a tile's levels come from its own bounds, computed here."""
    tiles = np.abs(given).reshape(len(given), -1, logfmt.TILE)
    top = tiles.max(axis=2, keepdims=True)
    low = np.where(tiles == 0, np.inf, tiles).min(axis=2, keepdims=True)
    low = np.where(top == 0, 1.0, np.maximum(low, top * 2.0**-logfmt.OCTAVES))
    span = np.log(np.where(top == 0, 1.0, top) / low)
    count = 2 ** (coded.bits - 1) - 1
    code = codes(coded).cpu().numpy().reshape(tiles.shape)
    size, sign = code & count, code >> (coded.bits - 1)

    def distance(level: NDArray[np.int32]) -> NDArray[np.float64]:
        return np.asarray(np.abs(tiles - low * np.exp(span * (np.clip(level, 1, count) - 1) / (count - 1))))

    own = distance(size)
    far = own > np.minimum(distance(size + 1), distance(size - 1)) * (1 + SINGLE) + 1e-12 * top
    wrong = np.where(tiles == 0, size != 0, far | (size == 0))
    signs = np.signbit(given).reshape(tiles.shape) != (sign != 0)
    return np.asarray(wrong | signs).reshape(given.shape)


def grid_of(of: Format) -> NDArray[np.float64]:
    """List all finite numbers of a format, from its definition."""
    found = [0.0]
    for exponent in range(of.emin, of.emax + 1):
        start = 0 if exponent == of.emin else 1 << of.fraction
        found += [math.ldexp(whole, exponent - of.fraction) for whole in range(start, 2 << of.fraction)]
    kept = np.unique(np.array([one for one in found if one <= of.largest]))
    return np.concatenate([-kept[:0:-1], kept])
