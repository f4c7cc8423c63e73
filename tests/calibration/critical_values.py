"""Makes the table of critical values that ``results/cusum.py`` reads: ``python tests/calibration/critical_values.py OUT.json``.

Under no change every order of the ranks is equally likely, so the null distribution depends on the number of runs and the shortest segment
only. A critical value is the smallest value of T that at most a share alpha of random orders reaches. T is discrete: it is rounded to nine
digits, and where not even its largest value is rare enough there is none.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.results.cusum import ALPHAS, MIN_SEGMENT, NEWEST, NEWEST_ALPHA, statistics
from assay.results.scan import ALPHA, largest

SEED = 20261126
SIZES = (*range(6, 31), 33, 36, 40, 45, 50, 60, 70, 85, 100, 125, 150, 200, 250, 300, 400, 500, 700, 1000, 1400, 2000, 3000)
PERMUTATIONS = 400_000
SCAN_SIZES = (24, 27, 30, 35, 40, 50, 60, 80, 100, 150, 200, 300, 500, 700, 1000, 1500, 2000, 3000)
NEWEST_SIZES = (20, 22, 25, 30, 35, 40, 50, 60, 80, 100, 150, 200, 400)
FEWER, FEW, LONG = 200_000, 50_000, 300  # permutations for series longer than this, and for those of windows
CHUNK = 4_000_000  # ranks held at once


def null(n: int, permutations: int, seed: int) -> NDArray[np.float64]:
    """Draw T of random orders of ``n`` ranks, sorted upwards."""
    rng = np.random.default_rng([seed, n])
    found = []
    left = permutations
    while left > 0:
        rows = min(left, max(1, CHUNK // n))
        ranks = rng.permuted(np.tile(np.arange(1.0, n + 1), (rows, 1)), axis=1)
        found.append(statistics(ranks, min_segment=MIN_SEGMENT).max(axis=-1))
        left -= rows
    return np.sort(np.round(np.concatenate(found), 9))


def least(drawn: NDArray[np.float64], alpha: float) -> float | None:
    """Give the smallest drawn value that a share ``alpha`` of all reaches at most; None if the largest is more common than that."""
    values, counts = np.unique(drawn, return_counts=True)
    reached = np.cumsum(counts[::-1])[::-1] / len(drawn)
    rare = values[reached <= alpha]
    # The draws know no value beyond their largest: one that is rare but is also the end of the draws is kept, being attained.
    return float(rare[0]) if len(rare) else None


def floored(value: float | None) -> float | None:
    """Round down to four digits, since a discrete T must still reach its critical value."""
    return None if value is None else float(np.floor(value * 1e4) / 1e4)


def scan_null(n: int, permutations: int, seed: int) -> NDArray[np.float64]:
    """Draw the largest ratio over all windows for random orders of ``n`` ranks."""
    rng = np.random.default_rng([seed, n, 1])
    rows = max(1, CHUNK // (40 * n))
    chunks = [rows] * (permutations // rows) + [permutations % rows]
    drawn = [largest(rng.permuted(np.tile(np.arange(1.0, n + 1), (chunk, 1)), axis=1)) for chunk in chunks if chunk]
    return np.concatenate(drawn)


def newest_null(n: int, permutations: int, seed: int) -> NDArray[np.float64]:
    """Draw T among the places of the newest 10 of ``n`` ranks for random orders.

    The sum of the newest ranks is that of all the others with its sign turned, so only the ranks of those ten are looked at.
    """
    rng = np.random.default_rng([seed, n, 2])
    rows = max(1, CHUNK // n)
    chunks = [rows] * (permutations // rows) + [permutations % rows]
    ranks = np.concatenate([rng.permuted(np.tile(np.arange(1.0, n + 1), (chunk, 1)), axis=1)[:, :NEWEST] for chunk in chunks])
    count = np.arange(1, NEWEST + 1)
    sums = np.abs(np.cumsum(ranks - (n + 1) / 2, axis=1))[:, MIN_SEGMENT - 1 :]
    scale = np.sqrt(count * (n - count) / n)[MIN_SEGMENT - 1 :] * np.sqrt((n * n - 1) / 12)
    return np.sort(np.round((sums / scale).max(axis=1), 9))


def make(
    sizes: tuple[int, ...] = SIZES,
    scan_sizes: tuple[int, ...] = SCAN_SIZES,
    newest_sizes: tuple[int, ...] = NEWEST_SIZES,
    *,
    permutations: int = PERMUTATIONS,
    seed: int = SEED,
) -> dict[str, Any]:
    """Make the table."""
    rows: dict[str, list[float | None]] = {str(alpha): [] for alpha in ALPHAS}
    for n in sizes:
        drawn = null(n, min(permutations, FEWER) if n > LONG else permutations, seed)
        for alpha in ALPHAS:
            rows[str(alpha)].append(floored(least(drawn, alpha)))
    # The ratios rest on the critical values of the shipped table: it is made first, and this is then run a second time.
    scan = [
        float(np.round(np.quantile(scan_null(n, min(permutations, FEWER if n <= LONG else FEW), seed), 1 - ALPHA), 4)) for n in scan_sizes
    ]
    newest = [floored(least(newest_null(n, permutations, seed), NEWEST_ALPHA)) for n in newest_sizes]
    return {
        "min_segment": MIN_SEGMENT,
        "seed": seed,
        "permutations": permutations,
        "n": list(sizes),
        "critical": rows,
        "scan_n": list(scan_sizes),
        "scan": scan,
        "newest_n": list(newest_sizes),
        "newest": newest,
    }


if __name__ == "__main__":
    text = json.dumps(make())
    for name in ("critical", "scan_n", "0.001", "n", "scan", "newest_n", "newest"):
        text = text.replace(f'"{name}"', f'\n"{name}"')
    Path(sys.argv[1]).write_text(text + "\n", encoding="utf-8")
