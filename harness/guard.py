"""A process outside each rank that outlives it long enough to say how it ended.

When a rank dies, MPI launchers kill all the others within a millisecond, and from outside every rank looks dead at once. But the
launcher learns of a death only when the process that it started itself ends, and that one is the guard: it writes down the death of its
own rank first. Guards of ranks that the launcher kills are killed with them and write nothing, so the first to die is never guessed.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PR_SET_PDEATHSIG = 1
EXPECTED = (0, 3)  # exit codes of a rank that ended well, and of one that refused and said so
PASSED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def die_with_parent(number: int = signal.SIGKILL) -> None:
    """Ask Linux to send this process a signal when its parent dies, even by SIGKILL."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number)


def stand_guard(folder: Path) -> None:
    """Fork: the child returns and goes on as the rank; this process waits outside and never returns.

    It ends as the rank ended, with its exit code or by its signal, after writing a death that nobody asked for into ``folder``.
    """
    child = os.fork()
    if child == 0:
        die_with_parent()
        return
    asked: list[int] = []

    def pass_on(number: int, _frame: object) -> None:
        asked.append(number)
        os.kill(child, number)

    for number in PASSED_ON:
        signal.signal(number, pass_on)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if code not in EXPECTED and not asked:
        with contextlib.suppress(OSError):  # a full disk must not hide how the rank ended
            folder.mkdir(exist_ok=True)
            word = {"host": socket.gethostname(), "pid": child, "code": code, "time_ns": time.time_ns()}
            (folder / f"{socket.gethostname()}-{child}.json").write_text(json.dumps(word), encoding="utf-8")
    if code < 0:
        with contextlib.suppress(OSError):  # SIGKILL has no handler to take back
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code if code >= 0 else 128 - code)


def deaths(folder: Path) -> list[dict[str, Any]]:
    """Read what guards wrote, the earliest first; a notice cut short is passed over."""
    found = []
    for path in sorted(folder.glob("*.json")):
        with contextlib.suppress(OSError, ValueError):
            found.append(json.loads(path.read_text(encoding="utf-8")))
    return sorted(found, key=lambda word: int(word["time_ns"]))


@dataclass(frozen=True)
class Death:
    """Which rank died, and how: its exit code, negative for a signal."""

    rank: int
    code: int


def first_dead(folder: Path, ranks: Iterable[tuple[int, str, int]]) -> Death | None:
    """Find the rank that died first among (rank, host, pid); None if no guard of theirs wrote anything."""
    by_process = {(host, pid): rank for rank, host, pid in ranks}
    words = [word for word in deaths(folder) if (word["host"], word["pid"]) in by_process]
    return Death(by_process[words[0]["host"], words[0]["pid"]], int(words[0]["code"])) if words else None
