"""Shared memory that ranks leave behind when they are killed: MPI libraries remove theirs only at a good end.

What is left fills the node's memory, and Slurm's numbering of steps gives a requeued job the very name that its dead forerunner used.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable
from pathlib import Path

SEGMENT = re.compile(r"(/dev/shm/\S+)( \(deleted\))?$", re.MULTILINE)


def segments(pid: int) -> set[Path]:
    """List the shared-memory files that a process of this host has mapped; empty if it is gone or not ours to look at."""
    with contextlib.suppress(OSError):
        text = Path(f"/proc/{pid}/maps").read_text(encoding="utf-8", errors="replace")
        return {Path(found.group(1)) for found in SEGMENT.finditer(text) if not found.group(2)}
    return set()


def remove(paths: Iterable[Path]) -> None:
    """Remove what is still there of them."""
    for path in paths:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
