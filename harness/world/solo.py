"""A world of one rank, without MPI."""

from __future__ import annotations

import sys
from typing import Any, TypeVar

from assay.harness.errors import NotApplicableError

T = TypeVar("T")


class SoloWorld:
    """One rank that always agrees with itself."""

    rank = 0
    size = 1

    def barrier(self) -> None:
        """Wait for nobody."""

    def bcast(self, value: T, root: int = 0) -> T:  # noqa: ARG002 - the protocol's signature
        """Return ``value``."""
        return value

    def gather(self, value: T) -> list[T]:
        """Return ``value`` as the only one."""
        return [value]

    def allgather(self, value: T) -> list[T]:
        """Return ``value`` as the only one."""
        return [value]

    def agree(self, value: int, *, seconds: float) -> list[int]:  # noqa: ARG002 - nobody to wait for
        """Return ``value`` as the only one."""
        return [value]

    def communicator(self) -> Any:
        """Refuse: this launch has no MPI."""
        message = "this launch has no MPI (launch=solo); use launch=mpiexec"
        raise NotApplicableError(message)

    def abort(self, code: int) -> None:
        """End the process."""
        sys.exit(code)

    def close(self) -> None:
        """Leave nobody behind."""

    def library(self) -> str:
        """Say that there is no library."""
        return "none"
