"""What an operation that moves blocks is given and must answer: words that say who sent them, to whom, where they belong and when.

Element ``e`` of the block that rank ``s`` sends to rank ``d`` in repetition ``i`` is

    base[e] + s SENDER + d RECEIVER + i REPETITION      (modulo 2**32, or 2**8 for blocks that are no multiple of four bytes)

In an all-to-all every receiver has a block of its own; in an all-gather, a broadcast or a shift the same block goes to whoever gets it, and
the RECEIVER term is left out.

with ``base`` drawn from the seed. The constants are odd, so that a block of another sender, for another receiver or of another of the last
255 repetitions differs in every element, and an element that has moved differs because ``base`` is random.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from assay.harness.work import Answer

if TYPE_CHECKING:
    from numpy.typing import NDArray

SENDER, RECEIVER, REPETITION = 0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D
WORD_NBYTES = 4


def element_type(block_nbytes: int) -> str:
    """Name the element that moves: int32 where the blocks divide into words, else bytes."""
    return "int32" if block_nbytes % WORD_NBYTES == 0 else "uint8"


class Exchange:
    """Inputs and expected answers of one rank; buffers are vectors of equal blocks."""

    def __init__(
        self, *, block_nbytes: int, rank: int, nranks: int, seed: int, senders: Sequence[int] | None = None, each: bool = True
    ) -> None:
        """Draw ``base``.

        Args:
            block_nbytes: of one block.
            rank: of this rank.
            nranks: of all.
            seed: equal on all ranks.
            senders: whose blocks this rank receives, in order; all ranks by default, none for a rank that only sends.
            each: every receiver has a block of its own.

        """
        import numpy as np

        self.rank, self.nranks, self.each = rank, nranks, each
        self.senders = tuple(range(nranks)) if senders is None else tuple(senders)
        self.element = element_type(block_nbytes)
        self.unsigned: Any = np.uint32 if self.element == "int32" else np.uint8
        block = block_nbytes // np.dtype(self.unsigned).itemsize
        self.send_count, self.recv_count = block * (nranks if each else 1), block * len(self.senders)
        limit = np.iinfo(self.unsigned).max
        self.base: NDArray[Any] = np.random.default_rng([seed, 2]).integers(0, limit, block, dtype=self.unsigned, endpoint=True)

    def offsets(self, *, senders: Sequence[int], receivers: Sequence[int], repetition: int) -> NDArray[Any]:
        """Give what is added to ``base``, senders x receivers, in the element's modulus."""
        import numpy as np

        own = RECEIVER if self.each else 0
        sums = [[(s * SENDER + d * own + (repetition + 1) * REPETITION) % 2**32 for d in receivers] for s in senders]
        return np.array(sums, dtype=np.uint64).astype(self.unsigned)

    def fill(self, send: NDArray[Any], repetition: int) -> None:
        """Write this rank's input of ``repetition`` (one pass over memory)."""
        import numpy as np

        receivers = range(self.nranks) if self.each else [self.rank]
        own = self.offsets(senders=[self.rank], receivers=receivers, repetition=repetition)[0]
        np.add(self.base[None, :], own[:, None], out=self.blocks(send))

    def blocks(self, buffer: NDArray[Any]) -> NDArray[Any]:
        """View a message as blocks x elements, unsigned."""
        blocks: NDArray[Any] = buffer.view(self.unsigned).reshape(-1, len(self.base))
        return blocks

    def compare(self, recv: NDArray[Any], repetition: int) -> Answer:
        """Compare every element with what its sender must have sent; the first wrong one is named."""
        import numpy as np

        offsets = self.offsets(senders=self.senders, receivers=[self.rank], repetition=repetition)[:, 0]
        wrong, first = 0, None
        for place, (sender, block) in enumerate(zip(self.senders, self.blocks(recv), strict=True)):
            expected = self.base + offsets[place]
            if np.array_equal(block, expected):
                continue
            places = np.flatnonzero(block != expected)
            wrong += len(places)
            first = first or (sender, int(places[0]), int(block[places[0]]), int(expected[places[0]]))
        if first is None:
            return Answer(ok=True, tested=self.recv_count)
        sender, element, got, wanted = first
        where = f"block from rank {sender}, element {element}"
        looks = self.guess(sender, got, element, repetition)
        reason = f"{wrong} of {self.recv_count} elements are wrong; first {where}: got {got:#x}, expected {wanted:#x}{looks}"
        return Answer(ok=False, tested=self.recv_count, reason=reason, where=where)

    def guess(self, sender: int, got: int, element: int, repetition: int) -> str:
        """Say whose data it looks like, where exactly one other block or repetition explains it (words only: bytes are too few to tell)."""
        if self.element != "int32":
            return ""
        found = (got - int(self.base[element])) % 2**32
        everyone, mine, its = range(self.nranks), [self.rank], [sender]
        by_sender = self.offsets(senders=everyone, receivers=mine, repetition=repetition)[:, 0]
        if found in by_sender:
            return f" (what rank {int((by_sender == found).argmax())} sent)"
        by_receiver = self.offsets(senders=its, receivers=everyone, repetition=repetition)[0]
        if self.each and found in by_receiver:
            return f" (meant for rank {int((by_receiver == found).argmax())})"
        before = self.offsets(senders=its, receivers=mine, repetition=repetition - 1)[0, 0]
        return " (of the repetition before)" if found == int(before) else ""
