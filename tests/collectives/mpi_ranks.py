"""What every rank of test_mpi.py runs under mpiexec: ``python -m mpi4py mpi_ranks.py SCENARIO``; rank 0 prints one JSON object."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from assay.harness.device.cpu import CpuDevice
from assay.harness.work import Answer, Context, Work
from assay.harness.world.mpi import MpiWorld
from assay.suites.all_gather import all_gather
from assay.suites.all_reduce import all_reduce
from assay.suites.all_to_all import all_to_all
from assay.suites.all_to_all_v import all_to_all_v
from assay.suites.broadcast import broadcast
from assay.suites.reduce_scatter import reduce_scatter
from assay.suites.send_recv import send_recv

SUITES: dict[str, Callable[..., Work]] = {
    one.__name__: one for one in (all_reduce, all_to_all, all_gather, reduce_scatter, broadcast, send_recv)
}


def stepped(work: Work, repetition: int) -> Answer:
    """Make one repetition on fresh data into a poisoned buffer."""
    work.refresh(repetition)  # type: ignore[misc]
    if work.result is not None:  # the root of a broadcast receives nothing
        work.result().view("u1").fill(0xFF)
    work.step()
    return work.check()


def healthy(ctx: Context) -> dict[str, Any]:
    """Run all operations over every transport and several sizes, one after another in this process."""
    found: dict[str, Any] = {}
    for name, suite in SUITES.items():
        for transport in ("mpi", "gloo", "loopback", "mpi", "gloo"):
            for nbytes in (8 * ctx.size, 4096 * ctx.size, 8 << 20):
                if nbytes % (4 * ctx.size) or (name, transport) == ("broadcast", "loopback"):
                    continue
                work = suite(ctx, bytes=nbytes, transport=transport)
                answers = [stepped(work, repetition) for repetition in range(3)]
                found[f"{name} {transport} {nbytes}"] = {
                    "ok": all(answer.ok and answer.tested for answer in answers),
                    "factor": work.volume.bus_factor,
                    "wire": work.volume.wire_nbytes,
                }
                ctx.world.barrier()
                work.close()
    return found


def unequal(ctx: Context) -> dict[str, Any]:
    """Exchange blocks of unequal length over MPI; a word is spoiled in the last rank's answer."""
    found: dict[str, Any] = {}
    for matrix in ("uniform", "hot", "empty", "random"):
        for transport in ("mpi", "loopback"):
            work = all_to_all_v(ctx, bytes=4096, matrix=matrix, transport=transport)
            answers = [stepped(work, repetition) for repetition in range(3)]
            found[f"{matrix} {transport}"] = {"ok": all(answer.ok and answer.tested for answer in answers)}
            if transport == "mpi" and matrix == "hot":
                if ctx.rank == 0:
                    work.result()[3] ^= 1  # type: ignore[misc]
                spoiled = work.check()
                found["spoiled"] = {"ok": spoiled.ok, "where": spoiled.where}
            ctx.world.barrier()
            work.close()
    return found


def faults(ctx: Context) -> dict[str, Any]:
    """Plant each fault in the live answer of the last rank and tell what its check says."""
    found: dict[str, Any] = {}
    for name, suite in SUITES.items():
        work = suite(ctx, bytes=4096, transport="mpi")
        stale = dataclasses.replace(work, step=lambda: None)

        def planted(spoil: Callable[[Any], None], work: Work = work) -> tuple[Answer, Answer]:
            clean = stepped(work, 1)
            if ctx.rank == ctx.size - 1:
                spoil(work.result())  # type: ignore[misc]
            return clean, work.check()

        halves: dict[str, Callable[[Any], None]] = {"swapped": swap, "duplicated": duplicate, "missing": miss}
        for fault, spoil in halves.items():
            clean, answer = planted(spoil)
            found[f"{name} {fault}"] = {"clean": clean.ok, "ok": answer.ok, "where": answer.where, "reason": answer.reason}
        stepped(work, 2)
        stale.refresh(3)  # type: ignore[misc]
        stale.step()
        answer = stale.check()
        found[f"{name} stale"] = {"clean": True, "ok": answer.ok, "where": answer.where, "reason": answer.reason}
        ctx.world.barrier()
        work.close()
    return found


def swap(recv: Any) -> None:
    """Exchange the first and the last half."""
    recv[:] = np.roll(recv, len(recv) // 2)


def duplicate(recv: Any) -> None:
    """Write the first half over the last."""
    recv[len(recv) // 2 :] = recv[: len(recv) // 2]


def miss(recv: Any) -> None:
    """Leave one element as it was before the step."""
    place = len(recv) // 2 + 88
    recv.view("u1")[4 * place : 4 * place + 4] = 0xFF


def bare(ctx: Context) -> dict[str, Any]:
    """Tell what a step over MPI is made of."""
    found = {}
    for name, suite in SUITES.items():
        work = suite(ctx, bytes=4096, transport="mpi")
        step: Any = work.step
        found[name] = {
            "partial": type(step) is partial,
            "calls": step.func.__name__,
            "keywords": step.keywords,
            "arguments": len(step.args),
        }
        work.close()
    return found


def main() -> None:
    """Run the scenario on this rank and let rank 0 print what all ranks found."""
    world = MpiWorld()
    scenario = {"healthy": healthy, "faults": faults, "bare": bare, "unequal": unequal}[sys.argv[1]]
    everyone = world.gather(scenario(Context(world, CpuDevice())))
    if everyone is not None:
        print(json.dumps(everyone))  # noqa: T201 - this is how it answers


if __name__ == "__main__":
    main()
