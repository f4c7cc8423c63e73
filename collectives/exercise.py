"""A collective as work to be measured: fresh data before every repetition, every element compared after it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from assay.collectives.buffers import host_buffer, load, on_host
from assay.collectives.transport import Step, Transport
from assay.harness.work import Answer, Volume, Work

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Pattern(Protocol):
    """What one rank sends in each repetition, and what it must then have received."""

    count: int

    def fill(self, send: NDArray[Any], repetition: int) -> None:
        """Write the input of ``repetition``."""

    def compare(self, recv: NDArray[Any], repetition: int) -> Answer:
        """Compare every received element with its exact value."""


@dataclass
class Turn:
    """The repetition whose data is in the send buffer; -1 before the first refresh."""

    repetition: int = -1


def exercise(
    line: Transport,
    pattern: Pattern,
    *,
    element: str,
    bind: Callable[[Any, Any], Step],
    volume: Volume,
    fresh: bool = True,
) -> Work:
    """Bind one operation of ``line`` to new buffers of ``pattern.count`` elements and make it measurable.

    Without ``fresh`` the first message is sent again and again. Device buffers are filled and read through a host copy, in ``refresh`` and
    ``check`` alone, so the timed step moves the message only.
    """
    send, recv = line.buffer(pattern.count, element), line.buffer(pattern.count, element)
    on_device = on_host(send) is not send
    staged = host_buffer(pattern.count, element) if on_device else send
    turn = Turn()

    def refresh(repetition: int) -> None:
        pattern.fill(staged, repetition)
        if on_device:
            load(send, staged)
        turn.repetition = repetition

    refresh(turn.repetition)
    step = bind(send, recv)
    return Work(
        step=step,
        check=lambda: pattern.compare(on_host(recv), turn.repetition),
        volume=volume,
        refresh=refresh if fresh else None,
        result=lambda: recv,
        close=line.close,
        scope="world",
        notes={"transport": line.name, "element": element, **line.notes},
    )
