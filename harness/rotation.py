"""Rotating buffers: several sets of one case's operands, used in turn, so that no step finds its own in a cache.

The flush of a device's cache does that between steps that are apart. Back to back (``timer.mode=sustained``), and on a processor, whose
cache nobody flushes, only other memory does: sets that together are larger than the last cache.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from assay.harness.work import Answer, Work


@dataclass
class Turn:
    """Whose turn it was last."""

    last: int = -1


def rotated(works: Sequence[Work]) -> Work:
    """Make one Work of several that do the same on memory of their own: each step uses the next one.

    The answer checked is that of the last step. ``result`` is its live output; the outputs of the others are theirs.
    """
    turn = Turn()

    def following() -> int:
        return (turn.last + 1) % len(works)

    def step() -> None:
        turn.last = following()
        works[turn.last].step()

    def check() -> Answer:
        return works[turn.last].check()

    def refresh(repetition: int) -> None:
        fresh = works[following()].refresh
        assert fresh is not None  # noqa: S101 - all of them have one, or none
        fresh(repetition)

    def result() -> Any:
        shown = works[turn.last].result
        assert shown is not None  # noqa: S101 - all of them show theirs, or none
        return shown()

    def close() -> None:
        for work in works:
            work.close()

    first = works[0]
    return replace(
        first,
        step=step,
        check=check,
        refresh=refresh if first.refresh else None,
        result=result if first.result else None,
        close=close,
        notes={**first.notes, "buffers": f"{len(works)} sets of operands in turn"},
    )
