"""How near Assay's own loop comes to a bare mpi4py loop: ``mpiexec -n 2 python tests/bench/fidelity.py [PAIRS]``.

Same all-reduce, buffers, ranks and alignment; blocks of both loops interleaved (ABBA), each pair of blocks gives one ratio of
medians over repetitions of the slowest rank. Prints one JSON object on rank 0; judges nothing.
"""

from __future__ import annotations

import gc
import json
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from assay.collectives.open import open_transport
from assay.harness.beat import Beat
from assay.harness.case import Case
from assay.harness.device.cpu import CpuDevice
from assay.harness.interval import median_interval
from assay.harness.measure import Running, block
from assay.harness.session import Session
from assay.harness.tally import Tally
from assay.harness.work import Context, Volume, Work
from assay.harness.world.mpi import MpiWorld
from assay.suites.all_reduce import all_reduce

SIZES = (8, 1024, 65536, 1 << 20, 4 << 20)
BLOCK_SECONDS = 0.03


def bare(step: Any, barrier: Any, count: int) -> list[float]:
    """Time the call as a script would: barrier, clock, call, clock."""
    seconds = []
    gc.disable()
    for _ in range(count):
        barrier()
        start = perf_counter()
        step()
        seconds.append(perf_counter() - start)
    gc.enable()
    return seconds


def bare_checked(work: Work, barrier: Any, count: int) -> list[float]:
    """Do the same with fresh data before and a check after each call, as a careful script would."""
    seconds = []
    assert work.refresh is not None
    gc.disable()
    for repetition in range(count):
        work.refresh(repetition)
        barrier()
        start = perf_counter()
        work.step()
        seconds.append(perf_counter() - start)
        assert work.check().ok
    gc.enable()
    return seconds


def ours(session: Session, work: Work, count: int, *, align: str = "barrier") -> list[float]:
    """Time the same step with the harness's own block."""
    run = Running(session, Case("fidelity", "none:none", {}, align=align), work, Tally(session.context.rank), [work])
    return block(run, count, verify=work.refresh is not None)


def slowest(world: MpiWorld, seconds: list[float]) -> float:
    """Give the median over repetitions of the slowest rank's seconds, on every rank."""
    rows = world.allgather(seconds)
    return median(max(column) for column in zip(*rows, strict=True))


def compare(session: Session, world: MpiWorld, nbytes: int, pairs: int) -> dict[str, Any]:
    """Interleave blocks of the bare loop, of ours, and of ours with fresh data and a check in every repetition."""
    line = open_transport("mpi", session.context)
    send, recv = (line.buffer(nbytes // 4, "fp32") for _ in range(2))
    send[:] = world.rank
    step = line.all_reduce(send, recv)
    plain = Work(step=step, check=lambda: None, volume=Volume())  # type: ignore[arg-type,return-value]
    checked = all_reduce(session.context, bytes=nbytes)
    count = max(10, int(BLOCK_SECONDS / slowest(world, bare(step, world.barrier, 20))))
    arms = {
        "bare": lambda: bare(step, world.barrier, count),
        "ours": lambda: ours(session, plain, count),
        "bare, fresh and checked": lambda: bare_checked(checked, world.barrier, count),
        "ours, fresh and checked": lambda: ours(session, checked, count),
    }
    found: dict[str, list[float]] = {name: [] for name in arms}
    for pair in range(pairs):
        for name in list(arms) if pair % 2 == 0 else reversed(list(arms)):
            found[name].append(slowest(world, arms[name]()))
    checked.close()
    line.close()
    row: dict[str, Any] = {"bytes": nbytes, "pairs": pairs, "repetitions": count, "bare_us": median(found["bare"]) * 1e6}
    for name, other in (("ours", "bare"), ("ours, fresh and checked", "bare, fresh and checked"), ("bare, fresh and checked", "bare")):
        ratios = [a / b for a, b in zip(found[name], found[other], strict=True)]
        gaps = [(a - b) * 1e6 for a, b in zip(found[name], found[other], strict=True)]
        row[f"{name} / {other}"] = {"ratio": median_interval(ratios), "difference_us": median_interval(gaps)}
    return row


def empty(session: Session) -> dict[str, float]:
    """Measure what a repetition of an empty step costs: as it is timed, and of wall time in a block without alignment."""
    work = Work(step=lambda: None, check=lambda: None, volume=Volume())  # type: ignore[arg-type,return-value]
    timed, wall = [], []
    for _ in range(20):
        start = perf_counter()
        timed.append(median(ours(session, work, 20000, align="block")))
        wall.append((perf_counter() - start) / 20000)
    return {"timed_us": median(timed) * 1e6, "wall_us": median(wall) * 1e6}


def main() -> None:
    """Measure and print."""
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    sizes = [int(part) for part in sys.argv[2].split(",")] if len(sys.argv) > 2 else SIZES
    world, device = MpiWorld(), CpuDevice()
    with tempfile.TemporaryDirectory() as folder:
        beat = Beat(Path(folder), rank=world.rank, launch=0)
        session = Session(Context(world, device), beat, Path(folder), 0, timer={})
        rows = [compare(session, world, nbytes, pairs) for nbytes in sizes]
        cost = empty(session)
    if world.rank == 0:
        print(json.dumps({"ranks": world.size, "mpi": world.library(), "all_reduce": rows, "empty_step": cost}, indent=1))  # noqa: T201 - the result


main()
