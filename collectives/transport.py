"""A transport under test: what carries bytes between ranks, apart from the control world that coordinates them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

Step = Callable[[], object]


class Transport(Protocol):
    """One rank's end of a transport.

    ``all_reduce`` and its siblings bind an operation to two buffers once and return the step that carries it out, as MPI's persistent
    collectives do: whatever can be resolved beforehand is resolved beforehand, so that a timed step costs what the bare library call costs.

    Attributes:
        name: ``loopback``, ``mpi``, ``gloo`` or ``nccl``.
        rank: this rank's number in the transport.
        size: ranks that exchange data with each other; 1 for loopback, whatever the launch.
        notes: how it works underneath, stored with every measurement made over it.

    """

    name: str
    rank: int
    size: int
    notes: Mapping[str, str]

    def buffer(self, count: int, dtype: str) -> Any:
        """Allocate a vector of ``count`` elements where this transport reads and writes (``dtype``: fp32, int32, uint8)."""

    def all_reduce(self, send: Any, recv: Any) -> Step:
        """Return the step after which ``recv`` holds the sum over ranks of ``send``; ``send`` is left as it was."""

    def all_to_all(self, send: Any, recv: Any) -> Step:
        """Return the step after which block ``s`` of ``recv`` is what rank ``s`` had in the block of ``send`` with this rank's number."""

    def all_gather(self, send: Any, recv: Any) -> Step:
        """Return the step after which block ``s`` of ``recv`` is what rank ``s`` had in ``send``."""

    def reduce_scatter(self, send: Any, recv: Any) -> Step:
        """Return the step after which ``recv`` holds the sum over ranks of the block of ``send`` with this rank's number."""

    def all_to_all_v(self, send: Any, recv: Any, sends: Sequence[int], receives: Sequence[int]) -> Step:
        """Return the step after which the blocks of ``recv`` are what each rank had for this one; the rest: elements of each."""

    def broadcast(self, buffer: Any, root: int) -> Step:
        """Return the step after which ``buffer`` holds what the root had in it."""

    def shift(self, send: Any, recv: Any) -> Step:
        """Return the step after which ``recv`` holds what the rank before (in a ring) had in ``send``: a send and a receive at once."""

    def close(self) -> None:
        """Give back connections, ports and threads; steps made before must not be called any more."""
