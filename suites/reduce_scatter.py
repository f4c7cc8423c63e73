"""Reduce-scatter: every rank gets the sum of one block of everybody's vector."""

from __future__ import annotations

from typing import Literal

from assay.collectives.exercise import blocks_needs, exercise
from assay.collectives.factors import all_to_all_factor, all_to_all_wire
from assay.collectives.open import open_transport, operation
from assay.collectives.sums import ELEMENT_NBYTES, Sums, refuse_inexact
from assay.harness.work import Context, Needs, Volume, Work


def reduce_scatter(
    ctx: Context,
    *,
    bytes: int = 65536,  # noqa: A002 - the word that users of nccl-tests look for
    transport: Literal["loopback", "mpi", "gloo", "nccl"] | str = "mpi",  # noqa: PYI051 - ours by name; installed packages bring others
    dtype: Literal["fp32"] = "fp32",
    data: Literal["fresh", "reused"] = "fresh",
    seed: int = 0,
) -> Work:
    """Sum ``bytes`` of float32 integers over all ranks, one block of the sum a rank, exactly checked in every repetition.

    Args:
        ctx: the control world and this rank's device.
        bytes: what one rank gives (nccl-tests' size); it gets the sums of one block of it.
        transport: what carries it: one of ours, or the name of an installed one; loopback stays inside the rank.
        dtype: format of the elements.
        data: ``fresh`` in every repetition, each answer checked (the caches are then as after real work); ``reused`` leaves one message in
            hot caches and checks before and after timing, as peers do whose figures are to be compared.
        seed: of the data, equal on all ranks; each rank's own values follow from its number.

    """
    line = open_transport(transport, ctx)
    try:
        pattern = Sums(count=bytes // ELEMENT_NBYTES, rank=line.rank, nranks=line.size, seed=seed, scattered=True)
        volume = Volume(message_nbytes=bytes, wire_nbytes=all_to_all_wire(bytes, line.size), bus_factor=all_to_all_factor(line.size))
        return exercise(line, pattern, element=dtype, bind=operation(line, "reduce_scatter"), volume=volume, fresh=data == "fresh")
    except BaseException:
        line.close()
        raise


def needs(*, bytes: int, transport: str, dtype: str, data: str, seed: int, nranks: int) -> Needs:  # noqa: A002, ARG001 - the suite's own parameters
    """Refuse vectors that do not divide into one block of whole elements a rank, and rank counts whose sums could not be exact."""
    refuse_inexact(nranks, transport)
    return blocks_needs(bytes, transport, nranks, element_nbytes=ELEMENT_NBYTES)
