"""How far a format's numbers are from what was encoded: relative errors over all, over tiles, and of the worst number."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from assay.suites.numerics.recipes import TILE

if TYPE_CHECKING:
    import torch

AT_ONCE = 1 << 21  # numbers in float64 at a time
CONFIDENCE = 0.95


def fidelity(given: torch.Tensor, back: torch.Tensor) -> dict[str, float]:
    """Score float64 ``back`` against ``given``, both rows x k (k a multiple of 128; what was padded is zero in both), not all zero.

    - ``rel_rmse``: |back - given|_2 / |given|_2; SQNR in dB is -20 log10 of it
    - ``calc_diff``: DeepGEMM's 1 - 2 <x, y> / (|x|^2 + |y|^2), written as |x - y|^2 / (|x|^2 + |y|^2): the same, and nothing cancels
    - ``bias``: sum(|back| - |given|) / sum |given|, negative where numbers shrink; ``bias_low``, ``bias_high``: its 95 % interval, the
      tiles of 128 numbers being the independent units of a ratio of two means (Cochran, Sampling Techniques, 1977, section 2.11)
    - ``max_rel_error``: largest |back - given| / |given| where given is not 0
    - ``flushed``: share of the numbers other than 0 that became 0
    """
    import torch

    sums = torch.zeros(3, dtype=torch.float64)
    shrunk, size = [], []
    worst = lost = nonzero = 0.0
    step = max(1, AT_ONCE // given.shape[1])
    for start in range(0, len(given), step):
        x, y = given[start : start + step].double(), back[start : start + step].double()
        error = y - x
        sums += torch.stack([error.square().sum(), x.square().sum(), y.square().sum()]).cpu()
        wide = x.abs()
        shrunk.append((y.abs() - wide).view(-1, TILE).sum(dim=1).cpu())
        size.append(wide.view(-1, TILE).sum(dim=1).cpu())
        there = wide > 0
        worst = max(worst, float(torch.where(there, error.abs() / wide, 0.0).max()))
        lost, nonzero = lost + float((there & (y == 0)).sum()), nonzero + float(there.sum())
    squared, x2, y2 = sums.tolist()
    found = {
        "rel_rmse": math.sqrt(squared / x2),
        "calc_diff": squared / (x2 + y2),
        "max_rel_error": worst,
        "flushed": lost / nonzero,
    }
    return found | bias(torch.cat(shrunk), torch.cat(size))


def bias(shrunk: torch.Tensor, size: torch.Tensor) -> dict[str, float]:
    """Give the ratio of two sums over tiles and its interval; tiles of zeros are no tiles."""
    from scipy.special import stdtrit

    shrunk, size = shrunk[size > 0], size[size > 0]
    tiles, whole = len(size), float(size.sum())
    ratio = float(shrunk.sum()) / whole
    if tiles < 2:  # noqa: PLR2004 - one tile has no spread
        return {"bias": ratio}
    spread = float((shrunk - ratio * size).square().sum()) * tiles / (tiles - 1)
    half = float(stdtrit(tiles - 1, (1 + CONFIDENCE) / 2)) * math.sqrt(spread) / whole
    return {"bias": ratio, "bias_low": ratio - half, "bias_high": ratio + half}
