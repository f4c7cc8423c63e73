"""All-reduce: every rank gets the sum of everybody's message."""

from __future__ import annotations

from typing import Literal

from assay.collectives.exercise import exercise, message_needs
from assay.collectives.factors import all_reduce_factor, all_reduce_wire
from assay.collectives.open import open_transport
from assay.collectives.sums import ELEMENT_NBYTES, Sums, refuse_inexact
from assay.harness.errors import RefusalError
from assay.harness.work import Context, Needs, Volume, Work


def all_reduce(
    ctx: Context,
    *,
    bytes: int = 65536,  # noqa: A002 - the word that users of nccl-tests look for
    transport: Literal["loopback", "mpi", "gloo", "nccl"] | str = "mpi",  # noqa: PYI051 - ours by name; installed packages bring others
    dtype: Literal["fp32"] = "fp32",
    data: Literal["fresh", "reused"] = "fresh",
    seed: int = 0,
) -> Work:
    """Sum ``bytes`` of float32 integers over all ranks, out of place, exactly checked in every repetition.

    Args:
        ctx: the control world and this rank's device.
        bytes: message of one rank (nccl-tests' size: max of sent and received).
        transport: what carries it: one of ours, or the name of an installed one; loopback stays inside the rank.
        dtype: format of the elements.
        data: ``fresh`` in every repetition, each answer checked (the caches are then as after real work); ``reused`` leaves one message in
            hot caches and checks before and after timing, as peers do whose figures are to be compared.
        seed: of the data, equal on all ranks; each rank's own values follow from its number.

    """
    line = open_transport(transport, ctx)
    try:
        pattern = Sums(count=bytes // ELEMENT_NBYTES, rank=line.rank, nranks=line.size, seed=seed)
        volume = Volume(message_nbytes=bytes, wire_nbytes=all_reduce_wire(bytes, line.size), bus_factor=all_reduce_factor(line.size))
        return exercise(line, pattern, element=dtype, bind=line.all_reduce, volume=volume, fresh=data == "fresh")
    except BaseException:
        line.close()
        raise


def needs(*, bytes: int, transport: str, dtype: str, data: str, seed: int, nranks: int) -> Needs:  # noqa: A002, ARG001 - the suite's own parameters
    """Refuse messages that hold no whole elements and rank counts whose sums could not be exact; estimate memory and time."""
    refuse_inexact(nranks, transport)
    if bytes % ELEMENT_NBYTES:
        message = f"a message is a positive multiple of {ELEMENT_NBYTES} bytes (float32)"
        raise RefusalError(message, value=bytes, where="bytes", fix=f"Take {max(1, round(bytes / ELEMENT_NBYTES)) * ELEMENT_NBYTES}.")
    return message_needs(bytes, transport)
