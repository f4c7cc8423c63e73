"""Compiler caches of a gate: one a side, so that neither warms the other's; what was tuned is told, and can be pinned."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# Triton writes NAME.autotune.json beside a kernel (triton/runtime/autotuner.py, with TRITON_CACHE_AUTOTUNING=1),
# Inductor HASH.best_config (torch/_inductor/runtime/autotune_cache.py).
CHOICES = ("*.autotune.json", "*.best_config")
# For matrix products Inductor keeps what each candidate took, and takes the quickest again: {"cache": {operation: {inputs: {precision:
# {candidate: time}}}}}, one file a kind of machine (torch/_inductor/codecache.py, PersistentCache). The choice is in it, among noise.
TIMED = "inductor/cache/*"
MANY = 3


def variables(folder: Path, *, pin: bool) -> dict[str, str]:
    """Give the environment under which Triton and Inductor keep what they compile in ``folder``.

    ``pin`` lets Triton keep its autotuner's choices on disk too, so that they can be carried to the other side.
    """
    folder.mkdir(parents=True, exist_ok=True)
    found = {"TRITON_CACHE_DIR": str(folder / "triton"), "TORCHINDUCTOR_CACHE_DIR": str(folder / "inductor")}
    return found | ({"TRITON_CACHE_AUTOTUNING": "1"} if pin else {})


def choices(folder: Path) -> dict[str, str]:
    """Give what the autotuners of a side chose, by a name both sides share: a candidate's name, or a hash of the file that holds it."""
    files = sorted(path for pattern in CHOICES for path in folder.rglob(pattern))
    found = {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()[:16] for path in files}
    for path in timed_files(folder):
        found |= quickest(path)
    return found


def timed_files(folder: Path) -> list[Path]:
    """List the files in which Inductor keeps what candidates took."""
    return sorted(path for path in folder.glob(TIMED) if path.is_file())


def quickest(path: Path) -> dict[str, str]:
    """Give the quickest candidate of every operation that a file tells of; nothing of a file that is none of these."""
    try:
        operations = json.loads(path.read_text(encoding="utf-8"))["cache"]
        return {
            f"{operation} {inputs} {precision}": min(times, key=times.__getitem__)
            for operation, by_inputs in operations.items()
            for inputs, by_precision in by_inputs.items()
            for precision, times in by_precision.items()
            if times
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def told(base: Path, head: Path) -> dict[str, Any]:
    """Say what both caches hold: files, and where the same kernel was tuned to different configurations."""
    chosen = {"base": choices(base), "head": choices(head)}
    differing = sorted(name for name in set(chosen["base"]) & set(chosen["head"]) if chosen["base"][name] != chosen["head"][name])
    alone = {side: sorted(set(chosen[side]) - set(chosen[other])) for side, other in (("base", "head"), ("head", "base"))}
    files = {side: sum(path.is_file() for path in folder.rglob("*")) for side, folder in (("base", base), ("head", head))}
    return {"files": files, "tuned": {side: len(found) for side, found in chosen.items()}, "differing": differing, "alone": alone}


def pin(base: Path, head: Path) -> int:
    """Carry the base's choices over to the head's cache, where the head has none of its own; gives how many files."""
    carried = 0
    for path in [*(base / name for name in choices(base) if (base / name).is_file()), *timed_files(base)]:
        to = head / path.relative_to(base)
        if not to.exists():
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, to)
            carried += 1
    return carried


def notes(found: Mapping[str, Any], *, pinned: bool) -> list[str]:
    """Say in words what a reader of slower and faster must know of tuning."""
    if not found["differing"]:
        return []
    names = [name if " " in name else Path(name).name for name in found["differing"]]
    shown = ", ".join(names[:MANY]) + (f" and {len(names) - MANY} more" if len(names) > MANY else "")
    way = "although they were pinned" if pinned else "--pin-autotune gives the head the base's choices"
    return [f"autotuning chose differently for {shown}: a difference may come from that choice, not from the code ({way})"]
