"""Heartbeats: each rank's case, phase and repetition in a file of its own, outside the communicator under test.

The file is memory-mapped, so a beat is one store into memory and survives whatever kills the rank.
"""

from __future__ import annotations

import contextlib
import json
import mmap
import os
import socket
import struct
import time
from dataclasses import dataclass
from pathlib import Path

HEAD, FIELDS = 256, 8
PHASES = ("start", "prepare", "warm-up", "check", "time", "check after timing", "close", "gather", "done")


class Beat:
    """One rank's own heartbeat."""

    def __init__(self, folder: Path, *, rank: int, launch: int) -> None:
        """Create the file, with this process's host and number in its head."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / name(launch, rank)
        head = json.dumps({"host": socket.gethostname(), "pid": os.getpid(), "rank": rank, "launch": launch}).encode()
        path.write_bytes(head.ljust(HEAD) + bytes(8 * FIELDS))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), HEAD + 8 * FIELDS)
        self._fields = memoryview(self._map)[HEAD:].cast("Q")
        self.phase("start")

    def case(self, index: int) -> None:
        """Begin case ``index`` of the plan (stored plus one, so that 0 means none)."""
        self._fields[2] = 0
        self._fields[0] = index + 1

    def phase(self, phase: str) -> None:
        """Enter a phase."""
        self._fields[1] = PHASES.index(phase)
        self._fields[3] = time.time_ns()

    def repetition(self, repetition: int) -> None:
        """Begin a repetition (stored plus one)."""
        self._fields[2] = repetition + 1

    def end(self) -> None:
        """Say that this rank has ended well."""
        self.phase("done")


@dataclass(frozen=True)
class Seen:
    """A rank's heartbeat as the door sees it; ``case`` and ``repetition`` are None before the first."""

    rank: int
    host: str
    pid: int
    case: int | None
    phase: str
    repetition: int | None
    time_ns: int

    @property
    def progress(self) -> tuple[int, int, int]:
        """Order ranks by how far they are."""
        return (-1 if self.case is None else self.case, PHASES.index(self.phase), -1 if self.repetition is None else self.repetition)

    def __str__(self) -> str:
        """Say where the rank is, for a technician."""
        rep = "" if self.repetition is None else f", repetition {self.repetition}"
        return f"rank {self.rank} on {self.host} (pid {self.pid}): {self.phase}{rep}"


def name(launch: int, rank: int) -> str:
    """Name the file of one rank in one launch."""
    return f"{launch:03d}-rank{rank:05d}"


def read_beats(folder: Path, *, launch: int) -> list[Seen]:
    """Read every rank's last heartbeat of one launch, by rank; a file that is being made or is broken is passed over."""
    found = []
    for path in sorted(folder.glob(f"{launch:03d}-rank*")):
        raw = path.read_bytes()
        if len(raw) != HEAD + 8 * FIELDS:
            continue
        case, phase, repetition, at = struct.unpack_from("<4Q", raw, HEAD)
        rep = repetition - 1 if repetition else None
        with contextlib.suppress(ValueError, KeyError, IndexError):  # bytes that no rank of ours wrote
            head = json.loads(raw[:HEAD])
            found.append(Seen(head["rank"], head["host"], head["pid"], case - 1 if case else None, PHASES[phase], rep, at))
    return found
