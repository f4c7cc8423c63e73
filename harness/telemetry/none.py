"""No telemetry, and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class NoWatch:
    """Stands where a watch would stand; every case says why there is nothing."""

    def __init__(self, reason: str) -> None:
        """Keep the reason, one sentence without a full stop."""
        self.reason = reason
        self.ours: frozenset[int] = frozenset()

    def begin(self) -> None:
        """Read nothing."""

    def end(self, window: tuple[float, float] | None) -> Mapping[str, Any]:  # noqa: ARG002 - the protocol's
        """Say that there is nothing."""
        return {"source": "none", "reason": self.reason}

    def processes(self) -> list[dict[str, Any]]:
        """Know of no process."""
        return []

    def close(self) -> None:
        """Have nothing to close."""
