"""The control world over MPI, on communicators of its own."""

from __future__ import annotations

import os
from array import array
from time import monotonic, sleep
from typing import Any, TypeVar

from mpi4py import MPI

from assay.harness.errors import BrokenWorldError

T = TypeVar("T")
SPIN_SECONDS = 0.002


class MpiWorld:
    """All ranks of COMM_WORLD.

    Alignment, objects and agreement travel on three communicators, because a rank in trouble agrees while others may
    still be in a barrier: mismatched collectives on one communicator would mix their data.
    """

    def __init__(self) -> None:
        """Come up; MPI is initialised by the import."""
        self._objects, self._agreement = MPI.COMM_WORLD.Dup(), MPI.COMM_WORLD.Dup()
        self.rank: int = MPI.COMM_WORLD.Get_rank()
        self.size: int = MPI.COMM_WORLD.Get_size()
        # The bound method itself, so that a barrier in a timing loop costs no call of ours.
        self.barrier = MPI.COMM_WORLD.Dup().Barrier

    def bcast(self, value: T, root: int = 0) -> T:
        """Give every rank what ``root`` has."""
        result: T = self._objects.bcast(value, root=root)
        return result

    def gather(self, value: T) -> list[T] | None:
        """Give rank 0 everybody's value."""
        result: list[T] | None = self._objects.gather(value, root=0)
        return result

    def allgather(self, value: T) -> list[T]:
        """Give everybody everybody's value."""
        result: list[T] = self._objects.allgather(value)
        return result

    def agree(self, value: int, *, seconds: float) -> list[int]:
        """Exchange one small integer a rank; BrokenWorldError if somebody stays away for ``seconds``."""
        mine, all_of_them = array("i", [value]), array("i", [0] * self.size)
        request = self._agreement.Iallgather([mine, MPI.INT], [all_of_them, MPI.INT])
        start = monotonic()
        while not request.Test():
            waited = monotonic() - start
            if waited > seconds:
                message = f"no agreement between ranks within {seconds:g} s"
                raise BrokenWorldError(message)
            if waited > SPIN_SECONDS:
                sleep(SPIN_SECONDS)
        return list(all_of_them)

    def communicator(self) -> Any:
        """Open a fresh communicator of all ranks."""
        return MPI.COMM_WORLD.Dup()

    def abort(self, code: int) -> None:
        """End every rank with ``code``."""
        MPI.COMM_WORLD.Abort(code)
        os._exit(code)  # MPICH's Abort may return before its launcher has ended this process

    def close(self) -> None:
        """Finalize MPI: Open MPI's launcher takes a rank that ends without for a crash."""
        if not MPI.Is_finalized():
            MPI.Finalize()

    @staticmethod
    def library() -> str:
        """Name the MPI library that came up, in one line."""
        return str(MPI.Get_library_version()).splitlines()[0].strip("\x00 ")
