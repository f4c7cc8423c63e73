"""All-to-all: every rank sends every rank a block of its own."""

from __future__ import annotations

from typing import Literal

from assay.collectives.exchange import Exchange
from assay.collectives.exercise import blocks_needs, exercise
from assay.collectives.factors import all_to_all_factor, all_to_all_wire
from assay.collectives.open import open_transport
from assay.harness.work import Context, Needs, Volume, Work


def all_to_all(
    ctx: Context,
    *,
    bytes: int = 65536,  # noqa: A002 - the word that users of nccl-tests look for
    transport: Literal["loopback", "mpi", "gloo", "nccl"] | str = "mpi",  # noqa: PYI051 - ours by name; installed packages bring others
    data: Literal["fresh", "reused"] = "fresh",
    seed: int = 0,
) -> Work:
    """Exchange ``bytes`` a rank in equal blocks, exactly checked in every repetition.

    Args:
        ctx: the control world and this rank's device.
        bytes: what one rank sends to all ranks together, itself included (nccl-tests' size); it moves as int32 where the blocks are whole
            words, else as bytes.
        transport: what carries it: one of ours, or the name of an installed one; loopback stays inside the rank.
        data: ``fresh`` in every repetition, each answer checked (the caches are then as after real work); ``reused`` leaves one message in
            hot caches and checks before and after timing, as peers do whose figures are to be compared.
        seed: of the data, equal on all ranks; each block's own values follow from sender, receiver and repetition.

    """
    line = open_transport(transport, ctx)
    try:
        pattern = Exchange(block_nbytes=bytes // line.size, rank=line.rank, nranks=line.size, seed=seed)
        volume = Volume(message_nbytes=bytes, wire_nbytes=all_to_all_wire(bytes, line.size), bus_factor=all_to_all_factor(line.size))
        return exercise(line, pattern, element=pattern.element, bind=line.all_to_all, volume=volume, fresh=data == "fresh")
    except BaseException:
        line.close()
        raise


def needs(*, bytes: int, transport: str, data: str, seed: int, nranks: int) -> Needs:  # noqa: A002, ARG001 - the suite's own parameters
    """Refuse messages that do not divide into one block a rank (nccl-tests would silently send 0 bytes); estimate memory and time."""
    return blocks_needs(bytes, transport, nranks)
