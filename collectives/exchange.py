"""What an all-to-all is given and what it must answer: words that say who sent them, to whom, where they belong and when.

Element ``e`` of the block that rank ``s`` sends to rank ``d`` in repetition ``i`` is

    base[e] + s SENDER + d RECEIVER + i REPETITION      (modulo 2**32, or 2**8 for blocks that are no multiple of four bytes)

with ``base`` drawn from the seed. The constants are odd, so that a block of another sender, for another receiver or of another of the last
255 repetitions differs in every element, and an element that has moved differs because ``base`` is random.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from assay.harness.work import Answer

if TYPE_CHECKING:
    from numpy.typing import NDArray

SENDER, RECEIVER, REPETITION = 0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D
WORD_NBYTES = 4


def element_type(nbytes: int, nranks: int) -> str:
    """Name the element that moves: int32 where the blocks divide into words, else bytes."""
    return "int32" if nbytes % (WORD_NBYTES * nranks) == 0 else "uint8"


class Exchange:
    """Inputs and expected answers of one rank; buffers are vectors of n equal blocks."""

    def __init__(self, *, nbytes: int, rank: int, nranks: int, seed: int) -> None:
        """Draw ``base`` for a message of ``nbytes`` a rank (a multiple of ``nranks``)."""
        import numpy as np

        self.rank, self.nranks = rank, nranks
        self.element = element_type(nbytes, nranks)
        self.unsigned: Any = np.uint32 if self.element == "int32" else np.uint8
        self.count = nbytes // np.dtype(self.unsigned).itemsize
        limit = np.iinfo(self.unsigned).max
        self.base: NDArray[Any] = np.random.default_rng([seed, 2]).integers(
            0, limit, self.count // nranks, dtype=self.unsigned, endpoint=True
        )

    def offsets(self, *, senders: range, receivers: range, repetition: int) -> NDArray[Any]:
        """Give what is added to ``base``, senders x receivers, in the element's modulus."""
        import numpy as np

        sums = [[(s * SENDER + d * RECEIVER + (repetition + 1) * REPETITION) % 2**32 for d in receivers] for s in senders]
        return np.array(sums, dtype=np.uint64).astype(self.unsigned)

    def fill(self, send: NDArray[Any], repetition: int) -> None:
        """Write this rank's input of ``repetition`` (one pass over memory)."""
        import numpy as np

        own = self.offsets(senders=range(self.rank, self.rank + 1), receivers=range(self.nranks), repetition=repetition)[0]
        np.add(self.base[None, :], own[:, None], out=self.blocks(send))

    def blocks(self, buffer: NDArray[Any]) -> NDArray[Any]:
        """View a message as ranks x elements, unsigned."""
        blocks: NDArray[Any] = buffer.view(self.unsigned).reshape(self.nranks, -1)
        return blocks

    def compare(self, recv: NDArray[Any], repetition: int) -> Answer:
        """Compare every element with what its sender must have sent; the first wrong one is named."""
        import numpy as np

        mine = range(self.rank, self.rank + 1)
        offsets = self.offsets(senders=range(self.nranks), receivers=mine, repetition=repetition)[:, 0]
        wrong, first = 0, None
        for sender, block in enumerate(self.blocks(recv)):
            expected = self.base + offsets[sender]
            if np.array_equal(block, expected):
                continue
            places = np.flatnonzero(block != expected)
            wrong += len(places)
            first = first or (sender, int(places[0]), int(block[places[0]]), int(expected[places[0]]))
        if first is None:
            return Answer(ok=True, tested=self.count)
        sender, element, got, wanted = first
        where = f"block from rank {sender}, element {element}"
        looks = self.guess(sender, got, element, repetition)
        reason = f"{wrong} of {self.count} elements are wrong; first {where}: got {got:#x}, expected {wanted:#x}{looks}"
        return Answer(ok=False, tested=self.count, reason=reason, where=where)

    def guess(self, sender: int, got: int, element: int, repetition: int) -> str:
        """Say whose data it looks like, where exactly one other block or repetition explains it (words only: bytes are too few to tell)."""
        if self.element != "int32":
            return ""
        found = (got - int(self.base[element])) % 2**32
        everyone, mine, its = range(self.nranks), range(self.rank, self.rank + 1), range(sender, sender + 1)
        by_sender = self.offsets(senders=everyone, receivers=mine, repetition=repetition)[:, 0]
        if found in by_sender:
            return f" (what rank {int((by_sender == found).argmax())} sent)"
        by_receiver = self.offsets(senders=its, receivers=everyone, repetition=repetition)[0]
        if found in by_receiver:
            return f" (meant for rank {int((by_receiver == found).argmax())})"
        before = self.offsets(senders=its, receivers=mine, repetition=repetition - 1)[0, 0]
        return " (of the repetition before)" if found == int(before) else ""
