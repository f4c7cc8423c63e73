"""Compiler caches of a gate: one a side, so that neither warms the other's; what was tuned is told, and can be pinned."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# Triton writes NAME.autotune.json beside a kernel (triton/runtime/autotuner.py, with TRITON_CACHE_AUTOTUNING=1),
# Inductor HASH.best_config (torch/_inductor/runtime/autotune_cache.py).
CHOICES = ("*.autotune.json", "*.best_config")
MANY = 3


def variables(folder: Path, *, pin: bool) -> dict[str, str]:
    """Give the environment under which Triton and Inductor keep what they compile in ``folder``.

    ``pin`` lets Triton keep its autotuner's choices on disk too, so that they can be carried to the other side.
    """
    folder.mkdir(parents=True, exist_ok=True)
    found = {"TRITON_CACHE_DIR": str(folder / "triton"), "TORCHINDUCTOR_CACHE_DIR": str(folder / "inductor")}
    return found | ({"TRITON_CACHE_AUTOTUNING": "1"} if pin else {})


def choices(folder: Path) -> dict[str, str]:
    """Give what the autotuners of a side chose: a hash of each file's content by its path inside the cache."""
    files = sorted(path for pattern in CHOICES for path in folder.rglob(pattern))
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()[:16] for path in files}


def told(base: Path, head: Path) -> dict[str, Any]:
    """Say what both caches hold: files, and where the same kernel was tuned to different configurations."""
    chosen = {"base": choices(base), "head": choices(head)}
    differing = sorted(name for name in set(chosen["base"]) & set(chosen["head"]) if chosen["base"][name] != chosen["head"][name])
    alone = {side: sorted(set(chosen[side]) - set(chosen[other])) for side, other in (("base", "head"), ("head", "base"))}
    files = {side: sum(path.is_file() for path in folder.rglob("*")) for side, folder in (("base", base), ("head", head))}
    return {"files": files, "tuned": {side: len(found) for side, found in chosen.items()}, "differing": differing, "alone": alone}


def pin(base: Path, head: Path) -> int:
    """Carry the base's choices over to the head's cache, where the head has none of its own; gives how many."""
    carried = 0
    for name in choices(base):
        if not (head / name).exists():
            (head / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(base / name, head / name)
            carried += 1
    return carried


def notes(found: Mapping[str, Any], *, pinned: bool) -> list[str]:
    """Say in words what a reader of slower and faster must know of tuning."""
    if not found["differing"]:
        return []
    names = [Path(name).name for name in found["differing"]]
    shown = ", ".join(names[:MANY]) + (f" and {len(names) - MANY} more" if len(names) > MANY else "")
    way = "although they were pinned" if pinned else "--pin-autotune gives the head the base's choices"
    return [f"autotuning chose differently for {shown}: a difference may come from that choice, not from the code ({way})"]
