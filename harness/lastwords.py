"""Who is to blame when a launch ends badly: read from heartbeats, stacks, process states and what ranks wrote down."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path

from assay.harness.beat import Seen, name
from assay.harness.flight import dumps_of
from assay.harness.measurement import Fault, Status

# A rank whose innermost Python frame lies here is inside a library's call: it waits for another one. The device's timing loop
# is among them because transports bind their steps in C, so that no frame of theirs lies between.
# The same holds for the barrier, which the measuring loop calls as a bound method, and for torch's own waiting.
WAITING = ("/collectives/", "/world/", "/device/", "/harness/measure.py", "/torch/distributed/")


def states(beats: Sequence[Seen]) -> dict[int, str]:
    """Give the Linux process state of every rank on this host (``T`` stopped, ``Z`` or missing: dead), by rank."""
    found = {}
    for seen in beats:
        if seen.host != socket.gethostname():
            continue
        try:
            text = Path(f"/proc/{seen.pid}/stat").read_text(encoding="ascii", errors="replace")
            found[seen.rank] = text.rpartition(")")[2].split()[0]
        except OSError:
            found[seen.rank] = "dead"
    return found


def stacks(out: Path, beats: Sequence[Seen], *, launch: int) -> dict[str, str]:
    """Read the stack of every rank that could still give one."""
    found = {}
    for seen in beats:
        path = out / "stacks" / f"{name(launch, seen.rank)}.txt"
        text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
        if text.strip():
            found[f"rank {seen.rank}"] = text
    return found


def waiting(stack: str) -> bool:
    """Tell whether the main thread's innermost line of ours is inside a communicator (faulthandler writes the oldest thread last)."""
    main = re.split(r"^(?:Current t|T)hread 0x", stack, flags=re.MULTILINE)[-1]
    frames = [line for line in main.splitlines() if line.lstrip().startswith("File ")]
    return bool(frames) and any(part in frames[0] for part in WAITING)


def behind(beats: Sequence[Seen], seen_states: Mapping[int, str], texts: Mapping[str, str]) -> tuple[list[Seen], str]:
    """Find the ranks that hold the others up, and how that is known: stopped or dead before late, late before "not where the others wait".

    Args:
        beats: the last heartbeat of every rank.
        seen_states: process states by rank, as far as they are known.
        texts: stacks by ``rank N``, as far as there are any.

    """
    stopped = [seen for seen in beats if seen_states.get(seen.rank) in ("T", "t", "Z", "dead")]
    lowest = min((seen.progress for seen in beats), default=(0, 0, 0))
    late = [seen for seen in beats if seen.progress == lowest]
    alone = [seen for seen in beats if f"rank {seen.rank}" in texts and not waiting(texts[f"rank {seen.rank}"])]
    if stopped:
        return stopped, "the process is stopped" if seen_states[stopped[0].rank] in ("T", "t") else "the process is dead"
    if len(late) < len(beats):
        return late, "it is behind the others"
    if 0 < len(alone) < len(beats):
        return alone, "the others wait for it in the communicator"
    return list(beats) if len(beats) == 1 else [], "no rank is behind the others"


def hung(out: Path, beats: Sequence[Seen], seen_states: Mapping[int, str], *, launch: int, timeout: float) -> tuple[Status, str, Fault]:
    """Tell a hang: which rank holds the others up, where, and every rank's stack."""
    texts = stacks(out, beats, launch=launch)
    found, why = behind(beats, seen_states, texts)
    where = (found or list(beats))[0]
    told = "; ".join(str(seen) for seen in found or beats)
    texts |= dumps_of(out, launch=launch)
    fault = Fault(found[0].rank if len(found) == 1 else None, where.phase, where.repetition, "; ".join(map(str, beats)), texts)
    return "timeout", f"hung for more than {timeout:g} s: {told} ({why})", fault


def died(out: Path, beats: Sequence[Seen], first: int | None, *, launch: int, ending: str) -> tuple[Status, str, Fault]:
    """Name the rank that ended the launch: one that raised wrote it down; else the first whose process went away."""
    for seen in beats:
        path = out / "faults" / f"{name(launch, seen.rank)}.json"
        if path.exists():
            word = json.loads(path.read_text(encoding="utf-8"))
            fault = Fault(word["rank"], word["phase"], word["repetition"], word["trace"], {f"rank {word['rank']}": word["trace"]})
            at = "" if word["repetition"] is None else f" at repetition {word['repetition']}"
            return "error", f"rank {word['rank']} raised in {word['phase']}{at}: {word['reason']}", fault
    blamed = next((seen for seen in beats if seen.rank == first), None)
    if blamed is None:
        last = max(beats, key=lambda seen: seen.time_ns)
        fault = Fault(None, last.phase, last.repetition, "; ".join(map(str, beats)), stacks(out, beats, launch=launch))
        return "crashed", f"the launch ended ({ending}) and no rank could be named; last heartbeat: {last}", fault
    texts = stacks(out, beats, launch=launch) | dumps_of(out, launch=launch)
    fault = Fault(blamed.rank, blamed.phase, blamed.repetition, "; ".join(map(str, beats)), texts)
    return "crashed", f"{blamed}: the process died first ({ending})", fault
