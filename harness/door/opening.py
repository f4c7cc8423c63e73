"""A run directory is opened: made with all that is known before measuring, locked, taken up again, or taken away."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.harness import facts
from assay.harness.door.brought import brought
from assay.harness.errors import RefusalError
from assay.harness.launch.announced import unannounced
from assay.harness.launch.choose import flags_of
from assay.harness.launch.command import environment
from assay.harness.plan import Plan
from assay.harness.plancheck import positive_int
from assay.harness.planfile import to_dict
from assay.harness.rundir import SCHEMA, RunDir, unwritable, write_atomic

if TYPE_CHECKING:
    from assay.results.store import Store

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


def rank_environment(plan: Plan, config: Mapping[str, Any]) -> dict[str, str]:
    """Make the environment of the ranks."""
    ranks_per_node = int(plan.cases[0].layout.split("x")[1])
    cores, threads = len(os.sched_getaffinity(0)), config["site"].get("threads")
    if threads is not None:
        positive_int(threads, where="site.threads")
    outside = unannounced(os.environ)
    return environment(os.environ, ranks_per_node=ranks_per_node, cores=cores, threads=threads, dropped=outside)


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
