"""Loopback: no network at all, the control arm of every collective measurement.

A loopback transport is a world of one rank, on every rank of the launch: each rank exchanges data with nobody but itself, all at the same
time. So its answer can be checked exactly (the sum over one rank is the data, the only block goes home), its bus factor is None, and what
it costs is one copy of the message through this rank's own memory: the floor under every real transport.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from assay.collectives.buffers import device_buffer, host_buffer
from assay.collectives.transport import Step
from assay.harness.errors import NotApplicableError


class Loopback:
    """This rank, and nobody else."""

    name = "loopback"
    rank = 0
    size = 1

    def __init__(self, device: str) -> None:
        """Copy on ``device`` (a torch name); on the host by numpy's copy."""
        self._device = device
        self.notes: Mapping[str, str] = {"algorithm": "each rank copies its own message, no network", "buffers": device}

    def buffer(self, count: int, dtype: str) -> Any:
        """Allocate on the host as numpy does, or on the device."""
        return host_buffer(count, dtype) if self._device == "cpu" else device_buffer(count, dtype, device=self._device)

    def all_reduce(self, send: Any, recv: Any) -> Step:
        """Copy: the sum over one rank is the data."""
        if self._device != "cpu":
            return partial(recv.copy_, send)
        import numpy as np

        return partial(np.copyto, recv, send)

    def all_to_all(self, send: Any, recv: Any) -> Step:
        """Copy: the only block comes home."""
        return self.all_reduce(send, recv)

    def all_gather(self, send: Any, recv: Any) -> Step:
        """Copy: the only block is this rank's."""
        return self.all_reduce(send, recv)

    def reduce_scatter(self, send: Any, recv: Any) -> Step:
        """Copy: the only block of the sum is the data."""
        return self.all_reduce(send, recv)

    def all_to_all_v(self, send: Any, recv: Any, sends: Sequence[int], receives: Sequence[int]) -> Step:  # noqa: ARG002 - as others are called
        """Copy: the only block comes home."""
        return self.all_reduce(send, recv)

    def broadcast(self, buffer: Any, root: int) -> Step:  # noqa: ARG002 - the same
        """Refuse: one rank alone has nobody to tell."""
        message = f"a broadcast from rank {root} to nobody moves nothing, so loopback has none"
        raise NotApplicableError(message)

    def shift(self, send: Any, recv: Any) -> Step:
        """Copy: the next rank is this one."""
        return self.all_reduce(send, recv)

    def close(self) -> None:
        """Do nothing: nothing was opened."""
