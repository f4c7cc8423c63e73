"""Turns of a gate: one whole run of one side, in a process of its own; pairs of them in the order A B B A."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from assay.harness.door.console import tell
from assay.harness.door.sides import OUTPUT, Side, program
from assay.harness.errors import AssayError, InterruptedRunError, RefusalError
from assay.harness.guard import die_with_parent
from assay.harness.interrupt import heed
from assay.harness.launch.announced import unannounced
from assay.harness.rundir import RunDir
from assay.results.store import Store

INTERRUPTED = 130
GRACE_SECONDS = 20.0


class TurnError(AssayError):
    """A turn measured nothing at all."""

    exit_code = 2


@dataclass(frozen=True)
class Turn:
    """What one turn measured, and how long it took (wall seconds, start of its process included)."""

    runs: tuple[RunDir, ...]
    seconds: float


@dataclass(frozen=True)
class Table:
    """Where the turns of a gate lie, and what they have in common.

    Attributes:
        folder: of the gate.
        overrides: of every turn.
        options: further options of ``assay run``, such as a shard.

    """

    folder: Path
    overrides: Sequence[str]
    options: Sequence[str]

    @property
    def store(self) -> Store:
        """Give the store of the gate's own runs: other runs of this machine are not disturbed by them."""
        return Store(self.folder / "runs")


def take_turn(table: Table, side: Side, *, number: int, extra: Sequence[str] = (), store: Store | None = None) -> Turn:
    """Run one side once.

    TurnError if it measured nothing, RefusalError if Assay refused, InterruptedRunError if somebody stopped it. A failed case is no error
    here: its absence is judged.
    """
    kept = store or table.store
    kept.root.mkdir(parents=True, exist_ok=True)
    logs = table.folder / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    log, output = logs / f"{number:03d}-{side.name}.txt", logs / f"{number:03d}-{side.name}.out"
    argv = words(table, side, extra, output)
    before = set(kept.ids())
    started = time.monotonic()
    code = finished(argv, side, log=log, output=output, store=kept.root)
    seconds = time.monotonic() - started
    found = [RunDir(kept.root / run) for run in kept.ids() if run not in before]
    if side.command and output.is_file() and output.stat().st_size:
        from assay.results.exchange.importing import bring_in

        found.append(bring_in(output, kept))
    check_end(code, found, side, log)
    return Turn(tuple(found), seconds)


def words(table: Table, side: Side, extra: Sequence[str], output: Path) -> list[str]:
    """Write the command of one turn."""
    if side.command:
        return [program(side), *(word.replace(OUTPUT, str(output)) for word in side.command[1:])]
    run = [side.python, "-P", "-m", "assay.harness.door.main", "run", *table.overrides, *side.overrides]
    return [*run, *table.options, *extra, "--json"]


def finished(argv: Sequence[str], side: Side, *, log: Path, output: Path, store: Path) -> int:
    """Run a turn to its end in a process group of its own, what it says kept in ``log``; gives its exit code."""
    kept = {k: v for k, v in os.environ.items() if k not in unannounced(os.environ)}
    environ = kept | dict(side.environ) | {"ASSAY_STORE": str(store), "ASSAY_GATE_OUTPUT": str(output), "NO_COLOR": "1"}
    with log.open("wb") as said:
        said.write(f"$ {shlex.join(argv)}\n".encode())
        said.flush()
        printed = subprocess.DEVNULL if not side.command else said  # assay's JSON document is in the store anyway
        with subprocess.Popen(  # noqa: S603 - what the user asked for
            list(argv),
            env=environ,
            cwd=side.folder,
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=said,
            start_new_session=True,
            # A signal that comes while Popen is at work leaves no handle to end the turn by: then it ends with this process.
            preexec_fn=partial(die_with_parent, signal.SIGTERM),  # noqa: PLW1509 - no thread of ours runs, and only prctl is called
        ) as process:
            try:
                while process.poll() is None:
                    heed()
                    with suppress(subprocess.TimeoutExpired):
                        process.wait(timeout=0.2)
            except BaseException:
                end(process)
                raise
    return process.returncode


def end(process: subprocess.Popen[bytes]) -> None:
    """Ask a turn to end as a user would, then make it."""
    for number, patience in ((signal.SIGTERM, GRACE_SECONDS), (signal.SIGKILL, GRACE_SECONDS)):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=patience)
            return


def check_end(code: int, found: Sequence[RunDir], side: Side, log: Path) -> None:
    """Refuse what a turn's end says: refused, interrupted, or nothing measured."""
    if code == INTERRUPTED and not side.command:
        message = f"a turn of {side.name}"
        raise InterruptedRunError(message)
    if found:
        return
    lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines()[1:] if line.strip()]
    last = " | ".join(lines[-3:]) or "it said nothing"
    if code == RefusalError.exit_code and not side.command:
        message = f"{side.name} was refused: {last.removeprefix('assay: ')}"
        raise RefusalError(message)
    message = f"{side.name} ({side.label}) ended with {code} and measured nothing: {last} (all of it in {log})"
    raise TurnError(message)


def pairs(
    take: Callable[[int, int], Turn], count: int, *, after: int = 0, enough: Callable[[int, float], bool] = lambda _done, _seconds: False
) -> tuple[list[tuple[Turn, Turn]], float]:
    """Take ``count`` pairs of turns in the order A B B A ..., so that drift falls on both sides alike; gives (pairs, seconds).

    Args:
        take: runs side 0 or 1 as turn number so-and-so.
        count: pairs wanted.
        after: pairs that were taken before, whose order and numbers these go on.
        enough: asked after every pair with (pairs done, seconds so far); True ends it.

    """
    done: list[tuple[Turn, Turn]] = []
    started = time.monotonic()
    live = sys.stderr.isatty()
    for i in range(count):
        order = (0, 1) if (after + i) % 2 == 0 else (1, 0)
        turns = {side: take(side, 2 * (after + i) + place) for place, side in enumerate(order)}
        done.append((turns[0], turns[1]))
        spent = time.monotonic() - started
        text = f"pair {i + 1} of {count}, {spent:.0f} s, about {spent / (i + 1) * (count - i - 1):.0f} s left"
        if live:
            sys.stderr.write(f"\r\x1b[K{text}")
            sys.stderr.flush()
        else:
            tell(text)
        if enough(i + 1, spent):
            break
    if live:
        sys.stderr.write("\r\x1b[K")
    return done, time.monotonic() - started


def keys_file(folder: Path, keys: Sequence[str]) -> Path:
    """Write the cases of a confirming pass, one a line."""
    path = folder / "suspects.txt"
    path.write_text("".join(f"{key}\n" for key in dict.fromkeys(keys)), encoding="utf-8")
    return path
