"""All-to-all with unequal blocks: every rank sends every rank as much as a matrix says, as experts' tokens do."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from assay.collectives.exercise import exercise, message_needs
from assay.collectives.open import open_transport, operation
from assay.collectives.traffic import busiest, byte_matrix
from assay.collectives.uneven import Uneven
from assay.harness.work import Context, Needs, Volume, Work

if TYPE_CHECKING:
    from assay.collectives.transport import Step


def all_to_all_v(
    ctx: Context,
    *,
    bytes: int = 65536,  # noqa: A002 - the word that users of nccl-tests look for
    matrix: str = "uniform",
    transport: Literal["loopback", "mpi", "gloo", "nccl"] | str = "mpi",  # noqa: PYI051 - ours by name; installed packages bring others
    data: Literal["fresh", "reused"] = "fresh",
    seed: int = 0,
) -> Work:
    """Exchange blocks of unequal length, exactly checked in every repetition.

    Args:
        ctx: the control world and this rank's device.
        bytes: the most that any rank sends or receives in all, its own block included (nccl-tests' size of an alltoallv).
        matrix: who sends how much to whom: uniform, hot (half of everything goes to rank 0), empty (nothing goes to the last rank), random,
            or a file with a row of numbers for each sender.
        transport: what carries it: one of ours, or the name of an installed one; loopback stays inside the rank.
        data: ``fresh`` in every repetition, each answer checked (the caches are then as after real work); ``reused`` leaves one message in
            hot caches and checks before and after timing, as peers do whose figures are to be compared.
        seed: of data and random traffic, equal on all ranks.

    """
    line = open_transport(transport, ctx)
    try:
        sent = byte_matrix(matrix, line.size, bytes, seed=seed)
        pattern = Uneven(sent, rank=line.rank, seed=seed)
        size, factor = busiest(sent)
        own = sent[line.rank]
        volume = Volume(message_nbytes=size, wire_nbytes=int(own.sum() - own[line.rank]), bus_factor=factor)
        exchange, receives = operation(line, "all_to_all_v"), pattern.recv_count > 0

        def bind(send: object, recv: object) -> Step:
            target = recv if receives else line.buffer(0, pattern.element)
            return exchange(send, target, pattern.sends, pattern.receives)

        work = exercise(line, pattern, element=pattern.element, bind=bind, volume=volume, fresh=data == "fresh", receives=receives)
        traffic = f"{int(sent.sum())} B in all, {int(sent.trace())} B of them stay where they are"
        return replace(work, notes={**work.notes, "traffic": traffic})
    except BaseException:
        line.close()
        raise


def needs(*, bytes: int, matrix: str, transport: str, data: str, seed: int, nranks: int) -> Needs:  # noqa: A002, ARG001 - the suite's own parameters
    """Refuse matrices that are none, or that leave a rank without anything to send or receive; estimate memory and time."""
    found = message_needs(bytes, transport)
    byte_matrix(matrix, 1 if transport == "loopback" else nranks, bytes, seed=seed)
    return found
