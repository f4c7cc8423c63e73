"""From a plan to a finished run directory: lock, launches, judging, report."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.harness import facts
from assay.harness.attempts import waiting
from assay.harness.door.brought import brought
from assay.harness.door.console import Progress, tell
from assay.harness.errors import AssayError, RefusalError, StoreError
from assay.harness.interrupt import heed
from assay.harness.launch.announced import unannounced
from assay.harness.launch.choose import choose, flags_of
from assay.harness.launch.command import environment
from assay.harness.launch.scheduler import others
from assay.harness.manners import admit
from assay.harness.plan import Plan
from assay.harness.plancheck import positive_int
from assay.harness.planfile import to_dict
from assay.harness.rundir import SCHEMA, RunDir, unwritable, write_atomic
from assay.harness.supervise import Ended, launch

if TYPE_CHECKING:
    from assay.results.judge import Judgement
    from assay.results.store import Store

INTERRUPTED = 130
LOCK_SECONDS = 0.4


@dataclass(frozen=True)
class Job:
    """One run to make: what to measure, with which configuration, and how it is told."""

    plan: Plan
    config: Mapping[str, Any]
    yaml: str
    command: Sequence[str]
    session: str = ""
    order: int = 0


def now() -> str:
    """Give the time in UTC with milliseconds (ISO 8601)."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def make_run(store: Store, job: Job, keep: contextlib.ExitStack, *, attached: bool, mpi: str, **also: Any) -> RunDir:
    """Make the run directory with everything that is known before measuring; ``keep`` holds its lock from the first moment on.

    ``also`` may hold ``status`` (default: running) and ``environ`` (of the measuring processes; default: what launched ranks get).
    """
    known = machine(job.plan, job.config, mpi=mpi, environ=also.get("environ"))
    there = store.ids()
    run = store.create()
    keep.enter_context(held(run))
    write_atomic(run.path / "config.yaml", job.yaml)
    store_clock = (run.path / "config.yaml").stat().st_mtime  # of the file server where the store is on one
    run.write_json("plan.json", to_dict(job.plan))
    run.write_json("facts.json", known)
    (run.path / "measurements").mkdir()
    described = {
        "id": run.id,
        "schema": SCHEMA,
        "status": also.get("status", "running"),
        "started": now(),
        "store_clock": datetime.fromtimestamp(store_clock, UTC).isoformat(timespec="milliseconds"),
        "after": there[-1] if there else "",
        "ended": None,
        "plan": job.plan.name,
        "session": job.session or run.id,
        "order": job.order,
        "command": list(job.command),
        "assay": metadata.version("assay-harness"),
        "nranks": job.plan.nranks,
        "exit_code": None,
        "summary": None,
        "attached": attached,
        "inject": any(case.inject for case in job.plan.cases),
        **whereabouts(known),
    }
    run.write_json("run.json", described)
    return run


def machine(plan: Plan, config: Mapping[str, Any], *, mpi: str, environ: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Gather the facts of this host and of what the plan uses from outside."""
    known = facts.gather(environ or rank_environment(plan, config), mpi=mpi, folder=Path.cwd(), launch_flags=flags_of(config))
    known["packages"] |= brought(plan)
    return known


def whereabouts(known: Mapping[str, Any]) -> dict[str, Any]:
    """Give what ``run.json`` says of the machine: its classes, and who is at work on it."""
    classes = {"hw_class": facts.class_of(known, facts.HARDWARE), "sw_class": facts.class_of(known, facts.SOFTWARE)}
    return {**classes, "host": socket.gethostname(), "pid": os.getpid()}


@contextlib.contextmanager
def held(run: RunDir, *, seconds: float = LOCK_SECONDS) -> Iterator[None]:
    """Hold the run's lock: it tells a live run from a dead one.

    RefusalError if another door still holds it after ``seconds``, StoreError if it cannot be made.
    """
    path = run.path / "door.lock"
    try:
        file = path.open("w")
    except OSError as error:
        raise unwritable(path, error) from error
    with file:
        deadline = time.monotonic() + seconds
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError as error:
                if time.monotonic() >= deadline:
                    message = "is still running"
                    raise RefusalError(message, value=run.id, where="RUN", fix="Wait for it, or stop it first.") from error
                time.sleep(LOCK_SECONDS / 2)  # assay runs takes the lock for a moment to see whether anybody holds it
        yield


def rank_environment(plan: Plan, config: Mapping[str, Any]) -> dict[str, str]:
    """Make the environment of the ranks."""
    ranks_per_node = int(plan.cases[0].layout.split("x")[1])
    cores, threads = len(os.sched_getaffinity(0)), config["site"].get("threads")
    if threads is not None:
        positive_int(threads, where="site.threads")
    outside = unannounced(os.environ)
    return environment(os.environ, ranks_per_node=ranks_per_node, cores=cores, threads=threads, dropped=outside)


def measure_all(run: RunDir, plan: Plan, config: Mapping[str, Any]) -> str:
    """Launch until every case has a line on disk and none is to be tried again.

    A launch that brings nothing new ends it, and its trouble is returned.
    """
    starter = choose(plan, config, folder=str(run.path), environ=os.environ)
    environ = rank_environment(plan, config)
    progress = Progress(run, plan)
    while True:
        before = waiting(plan, run)
        if not before:
            progress.end()
            return ""
        number = run.next_launch()
        if number:
            again = f", attempt {max(before.values()) + 1}" if any(before.values()) else ""
            tell(f"launch {number + 1}: {len(before)} cases to go{again}")
        ended = launch(starter, environ, run, plan, number=number, progress=progress)
        heed()
        progress.end()
        if waiting(plan, run) == before:
            refuse_if_refused(run, ended, fresh=not finished(run))
            return ended.trouble or f"the launch ended with exit code {ended.code} and measured nothing"


def in_company(plan: Plan, environ: Mapping[str, str]) -> Plan:
    """Ask the scheduler who else is on the nodes of this allocation; RefusalError unless nobody is, or ``--share`` was said.

    What cannot be asked is a note of the plan, never a silent pass.
    """
    job, nodes = environ.get("SLURM_JOB_ID", ""), environ.get("SLURM_JOB_NODELIST", "")
    if not job.isdecimal() or not nodes:
        return plan
    try:
        neighbours = others(nodes, own=int(job))
    except AssayError as error:
        return replace(plan, notes=(*plan.notes, f"nobody could say whether other jobs are on {nodes}: {error}"))
    return replace(plan, marks=admit(neighbours, share=plan.share))


def take_up(run: RunDir, plan: Plan, config: Mapping[str, Any]) -> None:
    """Begin to measure in a run that exists: its plan may have new marks, and its status is that of one that goes on.

    A run of which nothing is measured yet was made elsewhere, on a login node perhaps: the machine is the one that measures.
    """
    described = run.read_json("run.json") | {"status": "running", "ended": None}
    if not run.measurement_files():
        known = machine(plan, config, mpi=str(run.read_json("facts.json").get("mpi", "")))
        run.write_json("facts.json", known)
        described |= whereabouts(known)
    run.write_json("plan.json", to_dict(plan) | {"needs": run.read_json("plan.json").get("needs", {})})
    run.write_json("run.json", described)


def discard(run: RunDir) -> None:
    """Remove a run in which nothing was measured."""
    shutil.rmtree(run.path)


def refuse_if_refused(run: RunDir, ended: Ended, *, fresh: bool) -> None:
    """A launch that the ranks themselves refused before measuring leaves no run behind (exit code 3)."""
    if fresh and ended.code == RefusalError.exit_code:
        discard(run)
        raise RefusalError(ended.trouble.split("assay: ")[-1].split(" | ")[0].rstrip("."))


def finished(run: RunDir) -> set[str]:
    """List the cases on disk."""
    return {m.case.key for m in run.measurements().measurements}


def finish(
    run: RunDir, config: Mapping[str, Any], *, base: Sequence[RunDir], decide: bool, allow_inconclusive: bool, trouble: str = ""
) -> Judgement:
    """Judge what is on disk and close the run."""
    from assay.results.judge import judge

    troubles = (trouble,) if trouble else ()
    judgement = judge(run, config=config, base=base, decide=decide, allow_inconclusive=allow_inconclusive, troubles=troubles)
    described = run.read_json("run.json")
    described |= {"status": "finished", "ended": now(), "exit_code": judgement.exit_code, "summary": judgement.summary()}
    run.write_json("run.json", described | {"clocks": clocks(run)})
    return judgement


def clocks(run: RunDir) -> dict[str, str]:
    """Give the time on each host when the ranks of the last launch met; empty where they wrote none down."""
    ranks = reversed(run.ranks())  # the lowest rank of a host speaks for it
    return {str(rank["host"]): str(rank["clock"]) for rank in ranks if "host" in rank and "clock" in rank}


def mark_interrupted(run: RunDir) -> None:
    """Say in the run that somebody stopped it; what is on disk stays."""
    with contextlib.suppress(StoreError):
        run.write_json("run.json", run.read_json("run.json") | {"status": "interrupted", "ended": now(), "exit_code": INTERRUPTED})


def earlier(store: Store, run: RunDir) -> list[RunDir]:
    """Find the run to compare with when none is named: the last finished one of the same plan, ranks and kind of machine.

    Jobs of one sweep share plan and command but not a case; only a run that has a case in common tells anything.
    """
    mine, keys = run.read_json("run.json"), planned(run)
    for info in reversed(store.runs()):
        said, other = info.as_dict(), RunDir(store.root / info.id)
        alike = all(said[name] == mine[name] for name in ("plan", "nranks", "hw_class", "inject"))
        if info.id < run.id and info.status == "finished" and alike and (planned(other) & keys if mine["plan"] else planned(other) == keys):
            return [other]
    return []


def planned(run: RunDir) -> set[str]:
    """List the keys of a run's planned cases; none if its plan cannot be read."""
    try:
        return {str(case["key"]) for case in run.read_json("plan.json")["cases"]}
    except (StoreError, KeyError, TypeError):
        return set()
