"""Permutation tests of the rank-CUSUM, for series that its table does not fit: many equal values, or runs that remember the run before.

Which permutations are drawn follows from the ranks themselves, and numpy guarantees that Philox's stream of integers stays what it is:
the same data give the same verdict on every machine.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from assay.results.cusum import statistics, weights

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

PERMUTATIONS = 1999
CHUNK = 100
SLACK = 1e-9


def p_value(ranks: Floats, *, block: int, min_segment: int, until: float) -> float:
    """Give the share of permutations whose peak is at least that of ``ranks``: (1 + exceeding) / (1 + PERMUTATIONS).

    Args:
        ranks: of the series in time order, shape (n,).
        block: runs that stay together; 1 permutes single runs. Blocks are cut from the series closed to a ring, at a random place (circular
            blocks: Politis and Romano, 1992), so that short memory survives the permutation.
        min_segment: shortest segment.
        until: drawing stops as soon as p is certainly over this.

    """
    import numpy as np

    observed = statistics(ranks, min_segment=min_segment).max()
    scale, first, last = weights(len(ranks), min_segment)
    centred = ranks - ranks.mean()
    least = (observed - SLACK) * np.sqrt((centred**2).mean())
    stream = np.random.Philox(seed_of(ranks, block))
    exceeding = 0
    for start in range(0, PERMUTATIONS, CHUNK):
        rows = min(CHUNK, PERMUTATIONS - start)
        # As in statistics(), but mean and deviation of the ranks are the same in every order.
        sums = np.cumsum(centred[orders(stream, rows, len(ranks), block)], axis=1)[:, first - 1 : last]
        exceeding += int((np.abs(sums) >= least * scale).any(axis=1).sum())
        if (1 + exceeding) / (1 + PERMUTATIONS) > until:
            break
    return (1 + exceeding) / (1 + PERMUTATIONS)


def seed_of(ranks: Floats, block: int) -> int:
    """Make a seed of the ranks; halves of shared ranks become whole numbers first."""
    import numpy as np

    whole = np.round(2 * ranks).astype("<i8").tobytes()
    return int.from_bytes(hashlib.sha256(whole + bytes([block])).digest()[:16], "big")


def orders(stream: np.random.Philox, rows: int, n: int, block: int) -> NDArray[np.intp]:
    """Draw ``rows`` orders of ``n`` runs, shape (rows, n): blocks shuffled, the ring turned by a random amount before it is cut."""
    import numpy as np

    blocks = -(-n // block)
    keys = np.asarray(stream.random_raw(rows * blocks)).reshape(rows, blocks)
    order = np.argsort(keys, axis=1)
    if block == 1:
        return order
    whole = (order[:, :, None] * block + np.arange(block)).reshape(rows, -1)
    order = whole[whole < n].reshape(rows, n)  # the last block may be short, wherever it went
    turn = (np.asarray(stream.random_raw(rows)) % np.uint64(n)).astype(np.intp)
    turned: NDArray[np.intp] = (order + turn[:, None]) % n
    return turned
