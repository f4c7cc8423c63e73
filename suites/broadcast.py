"""Broadcast: every rank gets the root's message."""

from __future__ import annotations

from typing import Literal

from assay.collectives.exchange import Exchange
from assay.collectives.exercise import exercise, message_needs
from assay.collectives.factors import one_way_factor, one_way_wire
from assay.collectives.open import open_transport, operation
from assay.collectives.transport import Step
from assay.harness.errors import RefusalError
from assay.harness.work import Context, Needs, Volume, Work


def broadcast(
    ctx: Context,
    *,
    bytes: int = 65536,  # noqa: A002 - the word that users of nccl-tests look for
    transport: Literal["loopback", "mpi", "gloo", "nccl"] | str = "mpi",  # noqa: PYI051 - ours by name; installed packages bring others
    root: int = 0,
    data: Literal["fresh", "reused"] = "fresh",
    seed: int = 0,
) -> Work:
    """Send ``bytes`` from one rank to all others, exactly checked in every repetition.

    Args:
        ctx: the control world and this rank's device.
        bytes: the message; it moves as int32 where it is whole words, else as bytes.
        transport: what carries it: one of ours, or the name of an installed one; loopback stays inside the rank.
        root: the rank that sends.
        data: ``fresh`` in every repetition, each answer checked (the caches are then as after real work); ``reused`` leaves one message in
            hot caches and checks before and after timing, as peers do whose figures are to be compared.
        seed: of the data, equal on all ranks; the values follow from root and repetition.

    """
    line = open_transport(transport, ctx)
    try:
        root_rank = root if line.size > 1 else 0
        pattern = Exchange(block_nbytes=bytes, rank=line.rank, nranks=line.size, seed=seed, senders=[root_rank], each=False)
        volume = Volume(message_nbytes=bytes, wire_nbytes=one_way_wire(bytes, line.size), bus_factor=one_way_factor(line.size))

        def bind(_: object, recv: object) -> Step:  # the root's message lies where the others receive theirs
            return operation(line, "broadcast")(recv, root_rank)

        receives, fresh = line.rank != root_rank, data == "fresh"
        return exercise(line, pattern, element=pattern.element, bind=bind, volume=volume, fresh=fresh, receives=receives)
    except BaseException:
        line.close()
        raise


def needs(*, bytes: int, transport: str, root: int, data: str, seed: int, nranks: int) -> Needs:  # noqa: A002, ARG001 - the suite's own parameters
    """Refuse a root that is no rank, and messages of nothing; estimate memory and time."""
    if not 0 <= root < nranks:
        message = "the root must be one of the ranks"
        raise RefusalError(message, value=root, where="root", fix=f"Choose from 0 to {nranks - 1}.")
    return message_needs(bytes, transport)
