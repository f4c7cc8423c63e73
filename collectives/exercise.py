"""A collective as work to be measured: fresh data before every repetition, every element compared after it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from assay.collectives.buffers import host_buffer, load, on_host
from assay.collectives.open import check_transport
from assay.collectives.transport import Step, Transport
from assay.harness.errors import RefusalError
from assay.harness.work import Answer, Needs, Volume, Work

if TYPE_CHECKING:
    from numpy.typing import NDArray


LIBRARY_NBYTES = 64 << 20  # what a transport library keeps for itself, roughly


def message_needs(nbytes: int, transport: str) -> Needs:
    """Refuse a transport that is none and a message of nothing; estimate memory and time of one rank."""
    check_transport(transport)
    if nbytes < 1:
        message = "a message has at least one byte"
        raise RefusalError(message, value=nbytes, where="bytes", fix="Take 1 or more.")
    return Needs(memory_nbytes=4 * nbytes + LIBRARY_NBYTES, seconds=0.2 + nbytes / 1e8)


def blocks_needs(nbytes: int, transport: str, nranks: int, *, element_nbytes: int = 1) -> Needs:
    """Refuse a vector that does not divide into one block of whole elements a rank (nccl-tests would silently move less)."""
    check_transport(transport)
    blocks = 1 if transport == "loopback" else nranks
    unit = blocks * element_nbytes
    if nbytes < unit or nbytes % unit:
        message = f"a message is cut into {blocks} equal blocks of whole {'bytes' if element_nbytes == 1 else 'elements'}, one a rank"
        raise RefusalError(
            message, value=nbytes, where="bytes", fix=f"Take {max(1, round(nbytes / unit)) * unit}, or a multiple of {unit}."
        )
    return message_needs(nbytes, transport)


class Pattern(Protocol):
    """What one rank sends in each repetition, and what it must then have received."""

    send_count: int
    recv_count: int

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
    receives: bool = True,
) -> Work:
    """Bind one operation of ``line`` to new buffers of the pattern's counts and make it measurable.

    Without ``fresh`` the first message is sent again and again. A rank that does not receive (``receives``) is asked whether what it sent
    is still as it was. Device buffers are filled and read through a host copy, in ``refresh`` and ``check`` alone, so the timed step moves
    the message only.
    """
    send = line.buffer(pattern.send_count, element)
    recv = line.buffer(pattern.recv_count, element) if receives else send
    on_device = on_host(send) is not send
    staged = host_buffer(pattern.send_count, element) if on_device else send
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
        result=(lambda: recv) if receives else None,
        close=line.close,
        scope="world",
        notes={"transport": line.name, "element": element, **line.notes},
    )
