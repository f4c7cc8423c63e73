"""MPI as the transport under test, on a communicator of its own, with host buffers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from assay.collectives.buffers import host_buffer
from assay.collectives.transport import Step

if TYPE_CHECKING:
    from assay.harness.world.protocol import World


class Mpi:
    """All ranks of the launch over MPI.

    A step is ``comm.Allreduce(send, recv)`` with its arguments bound beforehand in C, so it costs what that line costs in a script. Typed
    buffer descriptions (``[send, MPI.FLOAT]``) would save mpi4py about 0.3 us of looking at the array in each call; they are left out
    because the figure promised is that of the plain mpi4py call.
    """

    name = "mpi"

    def __init__(self, world: World) -> None:
        """Open a communicator; NotApplicableError if this launch has no MPI."""
        self._communicator = world.communicator()
        self.rank: int = self._communicator.Get_rank()
        self.size: int = self._communicator.Get_size()
        self.notes: Mapping[str, str] = {"algorithm": "chosen by the MPI library", "buffers": "cpu"}

    def buffer(self, count: int, dtype: str) -> Any:
        """Allocate on the host."""
        return host_buffer(count, dtype)

    def all_reduce(self, send: Any, recv: Any) -> Step:
        """Bind MPI_Allreduce with MPI_SUM, out of place."""
        return partial(self._communicator.Allreduce, send, recv)

    def all_to_all(self, send: Any, recv: Any) -> Step:
        """Bind MPI_Alltoall."""
        return partial(self._communicator.Alltoall, send, recv)

    def all_gather(self, send: Any, recv: Any) -> Step:
        """Bind MPI_Allgather."""
        return partial(self._communicator.Allgather, send, recv)

    def reduce_scatter(self, send: Any, recv: Any) -> Step:
        """Bind MPI_Reduce_scatter_block with MPI_SUM."""
        return partial(self._communicator.Reduce_scatter_block, send, recv)

    def all_to_all_v(self, send: Any, recv: Any, sends: Sequence[int], receives: Sequence[int]) -> Step:
        """Bind MPI_Alltoallv."""
        return partial(self._communicator.Alltoallv, [send, list(sends)], [recv, list(receives)])

    def broadcast(self, buffer: Any, root: int) -> Step:
        """Bind MPI_Bcast."""
        return partial(self._communicator.Bcast, buffer, root)

    def shift(self, send: Any, recv: Any) -> Step:
        """Bind MPI_Sendrecv to the next rank and from the one before."""
        after, before = (self.rank + 1) % self.size, (self.rank - 1) % self.size
        return partial(self._communicator.Sendrecv, send, after, 0, recv, before, 0)

    def close(self) -> None:
        """Free the communicator."""
        self._communicator.Free()
