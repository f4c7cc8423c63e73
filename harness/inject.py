"""Planted faults: how Assay proves that it finds what it says it finds. Every record of such a case is marked."""

from __future__ import annotations

import dataclasses
import os
import signal
import time
from collections.abc import Mapping
from typing import Any

from assay.harness.errors import RefusalError
from assay.harness.spoil import NUMBERS, WORDS, corrupt
from assay.harness.work import Work

# kind -> what it does from step number ``after`` on (default 3; warm-ups count), in one of ``every``, on rank ``rank`` (default: the last).
PROCESS_KINDS = ("raise", "kill", "stop", "hang")
ANSWER_KINDS = (*NUMBERS, *WORDS, "stale")
KINDS = (*PROCESS_KINDS, *ANSWER_KINDS, "slow")
# Options that are whole numbers, and their range.
BOUNDS: Mapping[str, tuple[int, int | None]] = {
    "after": (1, None), "attempts": (1, None), "row": (0, None), "column": (0, None), "bit": (0, 63), "stride": (2, None),
    "lanes": (2, None), "every": (1, None),
}  # fmt: skip


class PlantedError(RuntimeError):
    """What the fault ``raise`` raises."""


def check_fault(fault: Mapping[str, Any], *, nranks: int, where: str) -> None:
    """Refuse a fault of no kind, on no rank, or with a number that is none."""
    if fault.get("kind") not in KINDS:
        message = "is no kind of fault"
        raise RefusalError(message, value=fault.get("kind"), where=f"{where}.kind", fix=f"Choose one of {', '.join(KINDS)}.")
    for name, (low, high) in {**BOUNDS, "rank": (0, nranks - 1)}.items():
        check_whole(fault.get(name), low, high, where=f"{where}.{name}", what="the planted fault hits no rank" if name == "rank" else "")
    bits = fault.get("bits")
    if bits is not None and (not isinstance(bits, list | tuple) or not bits):
        message = "must be a list of bits"
        raise RefusalError(message, value=bits, where=f"{where}.bits", fix="Write [3,11,19], for example; 0 is the lowest.")
    for bit in bits or ():
        check_whole(bit, *BOUNDS["bit"], where=f"{where}.bits")
    for name, unit in (("seconds", "seconds"), ("share", "times the step's own time")):
        value = fault.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < float("inf")):
            message = f"must be a positive number of {unit}"
            raise RefusalError(message, value=value, where=f"{where}.{name}", fix="Write 0.01, for example.")
    if fault.get("share") is not None and (fault.get("kind") != "slow" or fault.get("seconds") is not None):
        message = "is how much longer the fault slow makes a step, in place of inject.seconds"
        raise RefusalError(message, value=fault["share"], where=f"{where}.share", fix="Set inject.kind=slow and leave inject.seconds out.")


def check_whole(value: Any, low: int, high: int | None, *, where: str, what: str = "") -> None:
    """Refuse what is no whole number in a range; None is not given."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    if value is not None and (not whole or value < low or (high is not None and value > high)):
        message = what or "must be a whole number"
        raise RefusalError(message, value=value, where=where, fix=f"From {low}" + (f" to {high}." if high is not None else " on."))


def plant(work: Work, fault: Mapping[str, Any], *, rank: int, size: int, attempt: int = 0) -> Work:
    """Wrap a Work so that the fault happens on the rank and in the attempts it names; elsewhere the Work stays as it is."""
    if not fault or int(fault.get("rank", size - 1)) != rank or attempt >= int(fault.get("attempts", attempt + 1)):
        return work
    kind, after, every = fault["kind"], int(fault.get("after", 3)), int(fault.get("every", 1))
    if kind in ANSWER_KINDS and work.result is None:
        message = f"{kind} needs a suite that shows its result"
        raise RefusalError(message, where="inject.kind", fix="Choose another suite or kind.")
    inner, made = work.step, 0

    def step() -> None:
        nonlocal made
        made += 1
        if kind == "stale" and made >= after:
            return
        if kind in PROCESS_KINDS and made == after:
            disturb(kind)
        if kind == "slow" and "share" not in fault:
            time.sleep(float(fault.get("seconds", 0.01)))
        begun = time.perf_counter()
        inner()
        if "share" in fault:
            linger(time.perf_counter() - begun, float(fault["share"]))
        due = made >= after and (made - after) % every == 0
        if kind in ANSWER_KINDS and kind != "stale" and due and work.result is not None:
            corrupt(work.result(), kind, fault)

    return dataclasses.replace(work, step=step)


def linger(seconds: float, share: float) -> None:
    """Spin for a share of what the step took on this host: a sleep is too coarse to plant 1 %. Work queued on a device is not seen here."""
    until = time.perf_counter() + seconds * share
    while time.perf_counter() < until:
        pass


def disturb(kind: str) -> None:
    """Do to this very process what ``kind`` says."""
    if kind == "raise":
        message = "planted: this rank raises"
        raise PlantedError(message)
    if kind == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if kind == "stop":
        os.kill(os.getpid(), signal.SIGSTOP)
    while kind == "hang":
        time.sleep(1)
