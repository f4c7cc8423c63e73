"""The control world: how ranks agree with each other, apart from whatever communicator is under test."""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class World(Protocol):
    """Barrier, broadcast and gather over all ranks of one launch.

    ``agree`` is the only call that a rank in trouble may make: it has a deadline, so that one rank that stays away
    breaks the world (BrokenWorldError) and never hangs it.
    """

    rank: int
    size: int

    def barrier(self) -> None:
        """Align the ranks (used inside timing loops, so it must add nothing)."""

    def bcast(self, value: T, root: int = 0) -> T:
        """Give every rank what ``root`` has."""

    def gather(self, value: T) -> list[T] | None:
        """Give rank 0 everybody's value, by rank; others get None."""

    def allgather(self, value: T) -> list[T]:
        """Give everybody everybody's value, by rank."""

    def agree(self, value: int, *, seconds: float) -> list[int]:
        """Give everybody everybody's small integer, or raise BrokenWorldError after ``seconds``."""

    def communicator(self) -> Any:
        """Open a fresh mpi4py communicator of all ranks for a transport under test; NotApplicableError without MPI."""

    def abort(self, code: int) -> None:
        """End every rank at once with an exit code."""

    def close(self) -> None:
        """Take leave of the other ranks, at the very end."""

    def library(self) -> str:
        """Name what the world is made of, in one line."""
