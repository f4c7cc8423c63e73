"""The program that every rank runs: ``mpiexec -n N python -m mpi4py -m assay.harness.rank PLAN OUT``.

It measures every case of PLAN that OUT does not hold yet; rank 0 appends one line a case to OUT/measurements.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import platform
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from assay.harness.alignment import alignment
from assay.harness.attempts import numbered, waiting
from assay.harness.beat import Beat, name
from assay.harness.case import Case
from assay.harness.errors import AssayError, RefusalError
from assay.harness.flight import recorder_env
from assay.harness.guard import stand_guard
from assay.harness.launch.announced import announced, confirm
from assay.harness.manners import settle
from assay.harness.measure import measure
from assay.harness.params import bind, schema
from assay.harness.plan import Plan
from assay.harness.planfile import read_plan
from assay.harness.rundir import LineWriter, RunDir
from assay.harness.seating import set_early, take_seat
from assay.harness.session import Session
from assay.harness.suitepath import take_options
from assay.harness.targets import resolve
from assay.harness.telemetry.watch import open_watch
from assay.harness.wellness import free_nbytes, place_of, probed, shrunk, with_losses
from assay.harness.work import Context
from assay.harness.world.open import Meeting, open_world
from assay.harness.world.protocol import World
from assay.harness.world.store import START_SECONDS

LAST_RESORT_SECONDS = 15.0


def main(argv: list[str]) -> int:
    """Run all cases; returns the exit code of this rank: 0, or 3 if the plan or the world is refused."""
    if len(argv) < 2:  # noqa: PLR2004 - PLAN OUT
        print("usage: python -m assay.harness.rank PLAN OUT [--suite-path DIR ...]", file=sys.stderr)
        return 3
    stand_guard(Path(argv[1]) / "deaths")
    try:
        take_options(argv[2:])
        plan = read_plan(Path(argv[0]))
        set_early(plan.rank_env)
        world = join_world(plan.nranks)
        run_plan(plan, world, Path(argv[1]))
        world.close()
    except AssayError as error:
        print(f"assay: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def join_world(nranks: int) -> World:
    """Bring up the control world of whoever announced ranks, else MPI for several and none for one; RefusalError for another size."""
    found = announced(os.environ)
    meeting: Meeting = "alone" if found is None and nranks == 1 else "mpi" if found is None or found.mpi else "store"
    world = open_world(meeting, os.environ, seconds=START_SECONDS)
    confirm(found, size=world.size)
    if world.size != nranks:
        message = f"the plan wants {nranks} ranks, the world that came up has {world.size}"
        fix = "Start it with the launcher of the MPI that mpi4py uses (assay doctor names both), or with torchrun."
        raise RefusalError(message, fix=fix)
    return world


def run_plan(plan: Plan, world: World, out: Path) -> None:
    """Measure what is missing in ``out``, in the plan's order."""
    run_dir = RunDir(out)
    launch, attempts = world.bcast((run_dir.next_launch(), waiting(plan, run_dir)) if world.rank == 0 else (0, {}))
    beat = Beat(out / "beats", rank=world.rank, launch=launch)
    if plan.cases[0].device == "cuda":
        os.environ.update(recorder_env(out, launch=launch, environ=os.environ))
        (out / "flight").mkdir(exist_ok=True)
    device, place = take_seat(world, plan.cases[0].device, plan.rank_env)
    functions = {case.key: checked_target(case) for case in plan.cases}
    where = place_of(device, device.facts())
    sick = probed(world, device, where)
    timer = {**device.timer(), **alignment(world)} if sick is None else {}
    session = Session(Context(world, device), beat, out, launch, timer=timer, place=where)
    session.watch = open_watch(plan.telemetry, device.facts())
    session.marks = settle(plan, session)
    everyone = world.gather({**rank_facts(world, session), **place})
    session.marks += shrunk(run_dir.ranks(), everyone or [])
    writer = (
        LineWriter(out / "measurements" / f"{launch:03d}-ranks.jsonl", {"run": run_dir.id, "ranks": everyone}) if world.rank == 0 else None
    )
    with contextlib.closing(session.watch), stacks(out / "stacks", launch, world.rank) as limit:
        for index, case in enumerate(plan.cases):
            if case.key not in attempts:
                continue
            session.attempt = attempts[case.key]
            beat.case(index)
            limit(case.budget.timeout)
            before = free_nbytes(device)
            measurement = measure(session, case, functions[case.key]) if sick is None else sick.ends(case)
            measurement = with_losses(world, measurement, before, device)
            limit(0)
            if writer is not None and measurement is not None:
                writer.measurement(numbered(measurement, session.attempt))
            if session.spent:
                break  # a process whose device failed cannot use it any more: the next launch has fresh ones
    if writer is not None:
        writer.close()
    beat.end()


def checked_target(case: Case) -> Callable[..., Any]:
    """Import a case's function; RefusalError unless the case names every parameter it takes, each with a value of its type.

    A plan edited by hand could leave one out: the case would be measured with a default that its key does not tell.
    """
    function = resolve(case.target, where="plan")
    if bind(case.params, schema(function), where=lambda name: f"plan: {case.key}: {name}") != dict(case.params):
        message = "the plan does not say every parameter of the suite"
        raise RefusalError(message, value=case.key, where="plan", fix=f"It takes {', '.join(schema(function))}; make the plan again.")
    return function


def rank_facts(world: World, session: Session) -> Mapping[str, Any]:
    """Say where this rank runs and on what."""
    return {
        "rank": world.rank,
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "clock": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "python": platform.python_version(),
        "mpi": world.library(),
        "device": dict(session.context.device.facts()),
    }


@contextlib.contextmanager
def stacks(folder: Path, launch: int, rank: int) -> Iterator[Any]:
    """Give a function that arms the case's deadline: at it every thread's stack goes to a file, in C, whatever holds the rank.

    The door ends the ranks soon after; where no door is left to do so, the rank ends itself.
    """
    folder.mkdir(exist_ok=True)
    with (folder / f"{name(launch, rank)}.txt").open("w", encoding="utf-8") as file:
        faulthandler.register(signal.SIGALRM, file=file, all_threads=True)

        def limit(seconds: float) -> None:
            signal.setitimer(signal.ITIMER_REAL, seconds)
            if seconds:
                faulthandler.dump_traceback_later(seconds + LAST_RESORT_SECONDS, exit=True, file=sys.__stderr__ or sys.stderr)
            else:
                faulthandler.cancel_dump_traceback_later()

        try:
            yield limit
        finally:
            limit(0)
            faulthandler.unregister(signal.SIGALRM)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
