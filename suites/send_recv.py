"""Send and receive: a ring in which every rank sends to the next while it receives from the one before."""

from __future__ import annotations

from typing import Literal

from assay.collectives.exchange import Exchange
from assay.collectives.exercise import exercise, message_needs
from assay.collectives.factors import one_way_factor, one_way_wire
from assay.collectives.open import open_transport, operation
from assay.harness.work import Context, Needs, Volume, Work


def send_recv(
    ctx: Context,
    *,
    bytes: int = 65536,  # noqa: A002 - the word that users of nccl-tests look for
    transport: Literal["loopback", "mpi", "gloo", "nccl"] | str = "mpi",  # noqa: PYI051 - ours by name; installed packages bring others
    data: Literal["fresh", "reused"] = "fresh",
    seed: int = 0,
) -> Work:
    """Send ``bytes`` to the next rank and receive as many from the one before, exactly checked in every repetition.

    Args:
        ctx: the control world and this rank's device.
        bytes: the message of one rank; it moves as int32 where it is whole words, else as bytes.
        transport: what carries it: one of ours, or the name of an installed one; loopback stays inside the rank.
        data: ``fresh`` in every repetition, each answer checked (the caches are then as after real work); ``reused`` leaves one message in
            hot caches and checks before and after timing, as peers do whose figures are to be compared.
        seed: of the data, equal on all ranks; each block's own values follow from sender and repetition.

    """
    line = open_transport(transport, ctx)
    try:
        before = (line.rank - 1) % line.size
        pattern = Exchange(block_nbytes=bytes, rank=line.rank, nranks=line.size, seed=seed, senders=[before], each=False)
        volume = Volume(message_nbytes=bytes, wire_nbytes=one_way_wire(bytes, line.size), bus_factor=one_way_factor(line.size))
        return exercise(line, pattern, element=pattern.element, bind=operation(line, "shift"), volume=volume, fresh=data == "fresh")
    except BaseException:
        line.close()
        raise


def needs(*, bytes: int, transport: str, data: str, seed: int, nranks: int) -> Needs:  # noqa: A002, ARG001 - the suite's own parameters
    """Refuse messages of nothing; estimate memory and time."""
    return message_needs(bytes, transport)
