"""Whose processes are on a device: a pid that none of our ranks has is somebody else's, minding containers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import psutil


def foreign(
    listed: Sequence[Mapping[str, Any]], *, ours: Collection[int], here: Callable[[int], bool] = psutil.pid_exists
) -> list[Mapping[str, Any]]:
    """Give the listed processes that are not this run's.

    In a container the driver may tell the host's numbers, among which none of ours is. This rank has the device open, so one process
    that has no number here must be its own; two or more cannot be told apart, and all of them are given.

    Args:
        listed: processes on one device that one of our ranks has open.
        ours: pids of our ranks on this host.
        here: whether a pid exists in this pid namespace.

    """
    others = [process for process in listed if process["pid"] not in ours]
    if len(others) < len(listed):
        return others
    hidden = [process for process in others if not here(process["pid"])]
    return [process for process in others if process not in hidden] if len(hidden) == 1 else others
