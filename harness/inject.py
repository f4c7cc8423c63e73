"""Planted faults: how Assay proves that it finds what it says it finds. Every record of such a case is marked."""

from __future__ import annotations

import dataclasses
import os
import signal
import time
from collections.abc import Callable, Mapping
from typing import Any

from assay.harness.errors import RefusalError
from assay.harness.work import Work

# kind -> what it does at step number ``after`` (default 3; warm-ups count) of rank ``rank`` (default: the last one).
PROCESS_KINDS = ("raise", "kill", "stop", "hang")
ANSWER_KINDS = ("flip_element", "negate_row", "zero_row", "nan_element", "stale")
KINDS = (*PROCESS_KINDS, *ANSWER_KINDS, "slow")


class PlantedError(RuntimeError):
    """What the fault ``raise`` raises."""


def check_fault(fault: Mapping[str, Any], *, nranks: int, where: str) -> None:
    """Refuse a fault of no kind, on no rank, or with a number that is none."""
    if fault.get("kind") not in KINDS:
        message = "is no kind of fault"
        raise RefusalError(message, value=fault.get("kind"), where=f"{where}.kind", fix=f"Choose one of {', '.join(KINDS)}.")
    bounds = {"rank": (0, nranks - 1), "after": (1, None), "attempts": (1, None), "row": (0, None), "column": (0, None)}
    for name, (low, high) in bounds.items():
        value = fault.get(name)
        whole = isinstance(value, int) and not isinstance(value, bool)
        if value is not None and (not whole or value < low or (high is not None and value > high)):
            message = "the planted fault hits no rank" if name == "rank" else "must be a whole number"
            fix = f"From {low}" + (f" to {high}." if high is not None else " on.")
            raise RefusalError(message, value=value, where=f"{where}.{name}", fix=fix)
    for name, unit in (("seconds", "seconds"), ("share", "times the step's own time")):
        value = fault.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < float("inf")):
            message = f"must be a positive number of {unit}"
            raise RefusalError(message, value=value, where=f"{where}.{name}", fix="Write 0.01, for example.")
    if fault.get("share") is not None and (fault.get("kind") != "slow" or fault.get("seconds") is not None):
        message = "is how much longer the fault slow makes a step, in place of inject.seconds"
        raise RefusalError(message, value=fault["share"], where=f"{where}.share", fix="Set inject.kind=slow and leave inject.seconds out.")


def plant(work: Work, fault: Mapping[str, Any], *, rank: int, size: int, attempt: int = 0) -> Work:
    """Wrap a Work so that the fault happens on the rank and in the attempts it names; elsewhere the Work stays as it is."""
    if not fault or int(fault.get("rank", size - 1)) != rank or attempt >= int(fault.get("attempts", attempt + 1)):
        return work
    kind, after = fault["kind"], int(fault.get("after", 3))
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
        if kind in ANSWER_KINDS and kind != "stale" and made >= after and work.result is not None:
            corrupt(work.result(), kind, row=int(fault.get("row", 1)), column=int(fault.get("column", 1)))

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


def spoil(line: Any, at: int) -> None:
    """Put NaN into one element; RefusalError where the answer is of whole numbers, which have none."""
    try:
        line[at] = float("nan")
    except (ValueError, RuntimeError) as error:
        message = f"nan_element needs an answer of floating-point numbers: {error}"
        raise RefusalError(message, where="inject.kind", fix="Use flip_element.") from error


def corrupt(result: Any, kind: str, *, row: int, column: int) -> None:
    """Spoil one element or one row of the live answer (a vector counts as one row)."""
    rows: Callable[[int], Any] = lambda i: result[i % len(result)]  # noqa: E731 - one name for both shapes
    line = rows(row) if getattr(result, "ndim", 1) > 1 else result
    if kind == "negate_row":
        line[...] = -line
    elif kind == "zero_row":
        line[...] = 0
    elif kind == "nan_element":
        spoil(line, column % len(line))
    elif kind == "flip_element":
        line[column % len(line)] = -line[column % len(line)] - 1
