"""What an all-to-all with blocks of unequal length is given and must answer; the words are those of ``exchange``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from assay.collectives.exchange import WORD_NBYTES, Exchange
from assay.harness.work import Answer

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Uneven(Exchange):
    """Inputs and expected answers of one rank; the blocks of a buffer follow each other without gaps, empty ones take no room."""

    def __init__(self, sent: NDArray[Any], *, rank: int, seed: int) -> None:
        """Take the bytes of senders x receivers, whole words."""
        nranks = len(sent)
        super().__init__(block_nbytes=max(WORD_NBYTES, int(sent.max())), rank=rank, nranks=nranks, seed=seed)
        self.sends = [int(nbytes) // WORD_NBYTES for nbytes in sent[rank]]
        self.receives = [int(nbytes) // WORD_NBYTES for nbytes in sent[:, rank]]
        self.send_count, self.recv_count = sum(self.sends), sum(self.receives)

    def fill(self, send: NDArray[Any], repetition: int) -> None:
        """Write this rank's input of ``repetition``."""
        import numpy as np

        own = self.offsets(senders=[self.rank], receivers=range(self.nranks), repetition=repetition)[0]
        view, start = send.view(self.unsigned), 0
        for length, offset in zip(self.sends, own, strict=True):
            np.add(self.base[:length], offset, out=view[start : start + length])
            start += length

    def compare(self, recv: NDArray[Any], repetition: int) -> Answer:
        """Compare every element with what its sender must have sent; a rank that receives nothing is asked for what it sent."""
        if not self.recv_count:
            own = self.offsets(senders=[self.rank], receivers=range(self.nranks), repetition=repetition)[0]
            return self.judged(recv, [(self.rank, length, offset) for length, offset in zip(self.sends, own, strict=True)], repetition)
        offsets = self.offsets(senders=range(self.nranks), receivers=[self.rank], repetition=repetition)[:, 0]
        return self.judged(recv, [*zip(range(self.nranks), self.receives, offsets, strict=True)], repetition)

    def judged(self, found: NDArray[Any], blocks: list[tuple[int, int, Any]], repetition: int) -> Answer:
        """Compare a buffer with its blocks: (sender, length, what is added to ``base``)."""
        import numpy as np

        view, start, wrong = found.view(self.unsigned), 0, 0
        first: tuple[int, int, int, int] | None = None
        for sender, length, offset in blocks:
            block, expected = view[start : start + length], self.base[:length] + offset
            start += length
            places = np.flatnonzero(block != expected)
            wrong += len(places)
            if first is None and len(places):
                first = (sender, int(places[0]), int(block[places[0]]), int(expected[places[0]]))
        if first is None:
            return Answer(ok=True, tested=start)
        sender, element, got, wanted = first
        where = f"block from rank {sender}, element {element}"
        reason = f"{wrong} of {start} elements are wrong; first {where}: got {got:#x}, expected {wanted:#x}"
        return Answer(ok=False, tested=start, reason=reason + self.guess(sender, got, element, repetition), where=where)
