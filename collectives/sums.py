"""What an all-reduce or a reduce-scatter is given and must answer: fresh integers in every repetition, summed without any rounding.

Rank ``r`` gives element ``e`` of repetition ``i`` the value

    base[e] + shift(i) + weight(r)

with ``base`` drawn from the seed (equal on all ranks), so the sum over n ranks is ``n base[e] + n shift(i) + W`` with W the sum of the
weights. All partial sums are integers of at most 2**24, which float32 holds exactly, so any order of summation, any tree and any split
gives the same bits, and the comparison is for equality. What each part gives away: ``base`` an element at the wrong place, ``shift`` an
answer or an input of an earlier repetition, ``weight`` a rank that is missing or counted twice.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from assay.harness.errors import RefusalError
from assay.harness.work import Answer

if TYPE_CHECKING:
    from numpy.typing import NDArray

ELEMENT_NBYTES = 4
EXACT = 2**24  # float32 holds every integer up to here
MAX_RANKS = 2**16  # beyond it too few values would be left to tell elements and repetitions apart
CHUNK = 1 << 16  # elements compared at a time, so that temporaries stay in cache


class Sums:
    """Inputs and expected answers of one rank.

    Between ranks whose numbers differ by a multiple of ``weights`` (from 2049 ranks on) one that replaces the other is not told apart.
    """

    def __init__(self, *, count: int, rank: int, nranks: int, seed: int, scattered: bool = False) -> None:
        """Draw ``base``.

        Args:
            count: elements that every rank gives.
            rank: of this rank.
            nranks: up to MAX_RANKS.
            seed: equal on all ranks.
            scattered: each rank gets the sums of its own block only (``nranks`` divides ``count``).

        """
        import numpy as np

        self.nranks, self.send_count = nranks, count
        self.recv_count = count // nranks if scattered else count
        self.first = rank * self.recv_count if scattered else 0
        self.weights = max(1, min(nranks, EXACT // 4 // nranks))
        self.weight = rank % self.weights
        self.total_weight = sum(r % self.weights for r in range(nranks))
        self.room = (EXACT - self.total_weight) // (2 * nranks)  # base and shift stay below it
        self.stride = coprime_near_golden_section(self.room)
        self.base: NDArray[Any] = np.random.default_rng([seed, 1]).integers(0, self.room, count, dtype=np.int32).astype(np.float32)

    def shift(self, repetition: int) -> int:
        """Give the repetition's own summand; it returns only after ``room`` repetitions."""
        return (repetition + 1) * self.stride % self.room

    def fill(self, send: NDArray[Any], repetition: int) -> None:
        """Write this rank's input of ``repetition`` (one pass over memory)."""
        import numpy as np

        np.add(self.base, np.float32(self.shift(repetition) + self.weight), out=send)

    def expected(self, start: int, stop: int, repetition: int) -> NDArray[Any]:
        """Give the exact sums of elements ``start:stop``."""
        import numpy as np

        part: NDArray[Any] = self.base[start:stop] * np.float32(self.nranks)
        part += np.float32(self.nranks * self.shift(repetition) + self.total_weight)
        return part

    def compare(self, recv: NDArray[Any], repetition: int) -> Answer:
        """Compare every element with the exact sum; the first wrong one is named."""
        import numpy as np

        wrong, first = 0, None
        for start in range(0, self.recv_count, CHUNK):
            stop = min(start + CHUNK, self.recv_count)
            expected = self.expected(self.first + start, self.first + stop, repetition)
            found = recv[start:stop]
            if np.array_equal(found, expected):
                continue
            places = np.flatnonzero(found != expected)
            wrong += len(places)
            if first is None:
                place = int(places[0])
                first = (start + place, float(found[place]), float(expected[place]))
        if first is None:
            return Answer(ok=True, tested=self.recv_count)
        element, got, wanted = first
        where = f"element {element}"
        looks = self.guess(got, wanted, repetition)
        reason = f"{wrong} of {self.recv_count} sums are wrong; first {where}: got {got:.10g}, expected {wanted:.10g}{looks}"
        return Answer(ok=False, tested=self.recv_count, reason=reason, where=where)

    def guess(self, got: float, wanted: float, repetition: int) -> str:
        """Say what the difference looks like, where it has a likely name."""
        if not math.isfinite(got):
            return " (never written, or not a number)"
        stale = self.nranks * (self.shift(repetition - 1) - self.shift(repetition))
        return " (the answer of the repetition before)" if got - wanted == stale else ""


def refuse_inexact(nranks: int, transport: str) -> None:
    """Refuse rank counts whose float32 sums could not be checked exactly."""
    if nranks > MAX_RANKS and transport != "loopback":
        message = f"over more than {MAX_RANKS} ranks the float32 sums cannot be checked exactly"
        raise RefusalError(message, value=nranks, fix="Use fewer ranks.")


def coprime_near_golden_section(room: int) -> int:
    """Give a stride that visits all of ``range(room)`` before it repeats, with neighbours far apart."""
    stride = max(1, round(room * 0.618))
    while math.gcd(stride, room) != 1:
        stride += 1
    return stride
