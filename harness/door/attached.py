"""The world is up already (``mpiexec -n 8 assay run ...``): rank 0 is the door, one run directory, one report."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import sys
import threading
import traceback
from argparse import Namespace
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from assay.harness.door import closing, execute, opening
from assay.harness.door.console import Progress, emit_json, tell
from assay.harness.door.copies import copy_out
from assay.harness.door.making import only, told
from assay.harness.door.replay import stored_plan
from assay.harness.errors import AssayError, InterruptedRunError, RefusalError
from assay.harness.guard import die_with_parent
from assay.harness.interrupt import interruptible
from assay.harness.launch.announced import Announced, confirm
from assay.harness.plan import Plan
from assay.harness.planfile import from_dict, to_dict
from assay.harness.rundir import RunDir
from assay.harness.supervise import give_up
from assay.harness.world.open import open_world
from assay.harness.world.protocol import World

START_SECONDS = 120.0  # the largest worlds take this long to come up
UP, CODE = b"u", b"c"


def run_attached(ns: Namespace, found: Announced, argv: Sequence[str]) -> int:
    """Run as one rank of the world that is up; a guard process stands outside in case it never comes up."""
    if ns.runs > 1 or ns.multirun:
        message = "needs fresh launches, but the world is up already"
        raise RefusalError(
            message, where="--runs" if ns.runs > 1 else "--multirun", fix="Start assay outside mpiexec, or repeat the whole command."
        )
    return guarded(lambda up: in_world(ns, found, argv, up), found)


def guarded(action: Callable[[Callable[[World], None]], int], found: Announced) -> int:
    """Run ``action`` in a child; refuse if its world never comes up, and never let a crash look like a verdict.

    MPI's start waits for ever when fewer processes exist than announced, and it waits inside C: only another process can
    end it. A child that ends without giving its exit code through the pipe crashed: that is a 2, whatever code it left.
    """
    receive, send = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(receive)
        die_with_parent()
        be_rank(action, send)
    os.close(send)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda n, _frame: os.kill(child, n))
    late = threading.Timer(patience(), os.kill, (child, signal.SIGKILL))
    late.daemon = True
    late.start()
    said = b""
    while chunk := os.read(receive, 16):
        said += chunk
        if UP in said:
            late.cancel()
    late.cancel()
    _, status = os.waitpid(child, 0)
    if CODE in said:
        return said[-1]
    if UP not in said:
        message = f"{found.variable} announces {found.size} ranks, but no world of that size came up within {patience():g} s"
        fix = "Start as many ranks as announced, through the launcher of the MPI that mpi4py uses (slow to start: ASSAY_START_SECONDS)."
        raise RefusalError(message, fix=fix)
    tell(f"assay: this rank ended without a result ({status}); go on with assay run --resume latest")
    return 2


def patience() -> float:
    """Give the seconds that a world may take to come up."""
    return float(os.environ.get("ASSAY_START_SECONDS") or START_SECONDS)


def be_rank(action: Callable[[Callable[[World], None]], int], pipe: int) -> NoReturn:
    """Run ``action`` in this process, which the guard watches, and end it with the exit code written to ``pipe``."""
    worlds: list[World] = []

    def up(world: World) -> None:
        worlds.append(world)
        os.write(pipe, UP)

    def end(code: int, *, everybody: bool) -> NoReturn:
        sys.stdout.flush()
        os.write(pipe, CODE + bytes([code]))
        for world in worlds if everybody else ():
            world.abort(code)  # others may be waiting for this rank in a collective that it never joins
        os._exit(code)

    try:
        with interruptible():
            code = action(up)
        for world in worlds:
            world.close()
    except RefusalError as error:
        tell(f"assay: {error}")
        for world in worlds:
            world.close()
        end(error.exit_code, everybody=False)
    except InterruptedRunError as stop:
        tell(f"assay: interrupted by {stop}; what was measured is kept")
        end(closing.INTERRUPTED, everybody=True)
    except Exception as error:  # noqa: BLE001 - the other ranks wait for this one, whatever it was
        tell(f"assay: {error}" if isinstance(error, AssayError) else traceback.format_exc())
        end(2, everybody=True)
    end(code, everybody=False)


def in_world(ns: Namespace, found: Announced, argv: Sequence[str], up: Callable[[World], None]) -> int:
    """Be one rank; rank 0 prepares before and judges after."""
    from assay.harness.rank import run_plan

    world = open_world("mpi" if found.mpi else "store", os.environ, seconds=patience())
    up(world)
    confirm(found, size=world.size)
    nodes = len(set(world.allgather(socket.gethostname())))
    prepared: dict[str, Any] | None = None
    refusal: tuple[int, str] = (0, "")
    keep = contextlib.ExitStack()
    if world.rank == 0:
        try:
            prepared = prepare(ns, world.size, nodes, argv, world.library(), keep)
        except AssayError as error:
            refusal = (error.exit_code, str(error))
    shared = {"plan": to_dict(prepared["plan"]), "out": str(prepared["run"].path)} if prepared else None
    shared, refusal = world.bcast((shared, refusal))
    if refusal[0]:
        if world.rank == 0:
            tell(f"assay: {refusal[1]}")
        return refusal[0]
    assert shared is not None  # noqa: S101 - either refused or prepared
    run = RunDir(Path(str(shared["out"])))
    plan = from_dict(shared["plan"], where="the broadcast plan")
    with keep:
        try:
            run_plan(plan, world, run.path)
        except InterruptedRunError:
            if prepared:
                closing.mark_interrupted(run)
            raise
        except RefusalError:
            if prepared and not execute.finished(run):
                shutil.rmtree(run.path)  # refused before anything was measured: no run
            raise
        code = conclude(ns, prepared, run, plan) if prepared else 0
        return world.bcast(code)


def prepare(ns: Namespace, nranks: int, nodes: int, argv: Sequence[str], mpi: str, keep: contextlib.ExitStack) -> dict[str, Any]:
    """On rank 0: compose, plan, make the run directory; or take up the one to resume."""
    from assay.harness.door import run as verb
    from assay.results.store import Store, locate

    base: list[RunDir] | None = None
    if ns.resume:
        store = Store(locate(ns.store, os.environ))
        base = store.resolve(ns.base) if ns.base else None
        run = only(store.resolve(ns.resume), "--resume")
        plan, config = stored_plan(run, goes_on=True), run.config()
        if plan.nranks != nranks:
            message = f"was planned for {plan.nranks} ranks, the world that is up has {nranks}"
            raise RefusalError(message, value=run.id, where="--resume", fix=f"Start {plan.nranks} ranks.")
        keep.enter_context(opening.held(run))
        give_up(run, plan)
        plan = execute.in_company(plan, os.environ)
        opening.take_up(run, plan, config)
    else:
        composed, plan = verb.prepare(ns, ns.overrides, nranks=nranks, nodes=nodes)
        plan = execute.in_company(plan, os.environ)
        config = composed.config
        store = Store(locate(config["store"].get("url"), os.environ))
        base = store.resolve(ns.base) if ns.base else None
        run = opening.make_run(store, opening.Job(plan, config, composed.yaml, ["assay", "run", *argv]), keep, attached=True, mpi=mpi)
        tell(f"run {run.id}: {len(plan.cases)} cases on {nranks} ranks that were up already, in {run.path}")
    return {"run": run, "plan": plan, "config": config, "store": store, "base": base}


def unfinished(run: RunDir, plan: Plan) -> str:
    """Say that cases are left because a device failed: its process is spent, and only a new launch can go on."""
    left = len({case.key for case in plan.cases} - execute.finished(run))
    return f"a device failed and {left} cases are left: go on with assay run --resume {run.id}" if left else ""


def conclude(ns: Namespace, prepared: dict[str, Any], run: RunDir, plan: Plan) -> int:
    """On rank 0: judge, tell, give the exit code."""
    Progress(run, plan).end()
    base = prepared["base"]
    judgement = closing.finish(
        run,
        prepared["config"],
        base=base if base is not None else closing.earlier(prepared["store"], run),
        decide=base is not None,
        allow_inconclusive=ns.allow_inconclusive,
        trouble=unfinished(run, plan),
    )
    copy_out(prepared["config"], prepared["store"], run.id)
    code, document, _ = told(run, judgement, json=ns.json, quiet=False)
    if ns.json:
        emit_json(document)
    return code
