"""Manners on a machine in production: who else works here is asked first, and most of the memory at most is taken.

Nothing here or in telemetry changes a device: no clock, power limit, MIG, persistence mode or counter.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from assay.harness.case import Case
from assay.harness.errors import RefusalError
from assay.harness.plan import MEMORY_SHARE, Plan
from assay.harness.session import Session
from assay.harness.targets import needs_of
from assay.harness.telemetry.foreign import foreign
from assay.harness.work import Needs

# A rank of the launch before may still be on the device for a moment after it was killed.
PATIENCE_SECONDS = 3.0
SHOWN = 3


def admit(neighbours: Sequence[str], *, share: bool) -> tuple[str, ...]:
    """Decide about others at work on what is to be measured: none, and nothing is said; some, and it is refused unless shared on purpose.

    Args:
        neighbours: each in words, such as ``job 7 of alice (train) on n3``.
        share: whether the user knows and wants to measure all the same.

    Returns:
        marks for every number that is measured beside them.

    """
    if not neighbours:
        return ()
    told = ", ".join(neighbours[:SHOWN]) + (f" and {len(neighbours) - SHOWN} more" if len(neighbours) > SHOWN else "")
    if not share:
        message = f"others are at work on this run's machines: {told}"
        fix = "Ask for nodes and devices of your own, wait, or say --share: then every number is marked."
        raise RefusalError(message, where="manners", fix=fix)
    return (f"shared with {told}",)


def settle(plan: Plan, session: Session) -> tuple[str, ...]:
    """Look around on every rank before anything is measured; gives the marks for every number.

    RefusalError, the same on every rank, where others compute on a device (unless the plan shares) or a case needs more memory than
    the device gives.
    """
    world, host, facts = session.context.world, socket.gethostname(), session.context.device.facts()
    ranks = world.allgather((host, os.getpid()))
    session.watch.ours = frozenset(pid for name, pid in ranks if name == host)
    place = f"device{world.rank} ({facts.get('uuid') or facts.get('pci') or facts.get('kind')}) on {host}"
    found = [in_words(process, place) for process in others(session)]
    everyone = world.allgather((found, too_large(plan, facts)))
    large = next((said for _, said in everyone if said), "")
    if large:
        raise RefusalError(large, fix="Choose a smaller case, or take all the memory with --exclusive.")
    keep_memory(session.context.device, exclusive=plan.exclusive)
    return (*plan.marks, *admit([words for row, _ in everyone for words in row], share=plan.share))


def others(session: Session, sleep: Callable[[float], None] = time.sleep) -> Sequence[Mapping[str, Any]]:
    """List the processes of others on this rank's device, looking again for a while before they are believed in."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while found := foreign(session.watch.processes(), ours=session.watch.ours):
        if time.monotonic() >= deadline:
            return found
        sleep(0.2)
    return []


def in_words(process: Mapping[str, Any], place: str) -> str:
    """Name one process on a device, with the memory it holds there."""
    held = process.get("memory_nbytes")
    memory = "memory unknown" if held is None else f"{held / 2**30:.1f} GiB"
    return f"{process.get('name') or 'unknown'} (pid {process['pid']}, {memory}) on {place}"


def too_large(plan: Plan, facts: Mapping[str, Any]) -> str:
    """Say which case needs more than its share of the device's memory; empty if none does. Hosts were looked at when planning."""
    memory, share = facts.get("memory_nbytes"), 1.0 if plan.exclusive else MEMORY_SHARE
    if facts.get("kind") == "cpu" or not memory:
        return ""
    for case in plan.cases:
        wanted = need(case).memory_nbytes
        if wanted > share * memory:
            return f"{case.key} needs {wanted / 2**30:.1f} GiB, {share:.0%} of the device's memory are {share * memory / 2**30:.1f} GiB"
    return ""


def need(case: Case) -> Needs:
    """Ask the suite what the case needs."""
    ask = needs_of(case.target)
    found = Needs() if ask is None else ask(**case.params, nranks=case.nranks)
    return found if isinstance(found, Needs) else Needs()


def keep_memory(device: Any, *, exclusive: bool) -> bool:
    """Have torch take at most its share of the device's memory; tells whether that could be done (torch's caching allocator only)."""
    if exclusive or device.torch_name.startswith("cpu"):
        return False
    import torch

    module = torch.get_device_module(device.torch_name)
    if not hasattr(module, "set_per_process_memory_fraction"):
        return False
    module.set_per_process_memory_fraction(MEMORY_SHARE, torch.device(device.torch_name))
    return True
