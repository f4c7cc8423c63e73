"""``launch=slurm``: hand a run to the scheduler, follow it from outside, collect what it left.

The job runs ``assay run --resume RUN`` on its first node: that door starts the ranks as steps, judges and closes the run, and after a
requeue it measures only what is missing. This process writes ``job.json`` and then only reads.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.harness.door import closing, execute, opening
from assay.harness.door.console import Progress, tell
from assay.harness.errors import InterruptedRunError, RefusalError, StoreError
from assay.harness.interrupt import heed
from assay.harness.launch.choose import choose
from assay.harness.launch.scheduler import JobState, cancel, state_of, submit
from assay.harness.launch.slurm import script
from assay.harness.plan import Plan
from assay.harness.planfile import read_plan
from assay.harness.rundir import RunDir, write_atomic
from assay.harness.suitepath import option_words
from assay.results.store import Store

if TYPE_CHECKING:
    from assay.results.judge import Judgement

POLL_SECONDS, SLOWEST_POLL_SECONDS = 0.5, 10.0
REMIND_SECONDS = 300.0
SURE_SECONDS = 5.0  # a job that is being requeued looks ended for a moment
# What the job's own door must find as the user's shell had it; the scheduler may not export the login's environment.
CARRIED = ("PATH", "LD_LIBRARY_PATH", "PYTHONPATH", "VIRTUAL_ENV", "SLURM_CONF", "ASSAY_STORE")


def is_job(config: Any) -> bool:
    """Tell whether a run with this configuration is a job to submit."""
    return bool(config["launch"].get("kind") == "slurm")


def submitted(store: Store, job: opening.Job, ns: Namespace) -> RunDir:
    """Make the run directory and submit its job; RefusalError with the scheduler's reason, and then no run is left."""
    mpi = choose(job.plan, job.config, folder="RUN", environ=os.environ).mpi
    with contextlib.ExitStack() as keep:
        run = opening.make_run(store, job, keep, attached=False, mpi=mpi, status="queued")
        path = run.path / "job.sh"
        write_atomic(path, text(run, job, ns))
        try:
            number = submit(path)
        except BaseException:
            opening.discard(run)
            raise
        run.write_json("job.json", {"scheduler": "slurm", "job": number})
    tell(f"run {run.id}: job {number} submitted, {len(job.plan.cases)} cases on {job.plan.nranks} ranks, in {run.path}")
    return run


def again(run: RunDir) -> RunDir:
    """Submit a run's job once more; what it has measured is not measured again. RefusalError while the scheduler still has the last one."""
    state = state_of(job_of(run))
    if state is not None and not state.over:
        raise RefusalError(str(state), value=run.id, where="--resume", fix=f"Follow it with assay attach {run.id}, or cancel it first.")
    number = submit(run.path / "job.sh")
    run.write_json("job.json", {"scheduler": "slurm", "job": number})
    run.write_json("run.json", run.read_json("run.json") | {"status": "queued", "ended": None})
    tell(f"run {run.id}: job {number} submitted to finish it")
    return run


def text(run: RunDir, job: opening.Job, ns: Namespace) -> str:
    """Write the batch script of one run."""
    root = run.path.parent.resolve()
    command = [sys.executable, "-m", "assay.harness.door.main", "run", "--resume", run.id, "--store", str(root), *option_words()]
    command += [*(["--base", ns.base] if ns.base else []), *(["--allow-inconclusive"] if ns.allow_inconclusive else [])]
    return script(
        job.config["launch"],
        command=command,
        name=f"assay-{run.id}",
        log=str(run.path.resolve() / "job.txt"),
        nranks=job.plan.nranks,
        nodes=int(job.plan.cases[0].layout.split("x")[0]),
        seconds=sum(map(job.plan.seconds, job.plan.cases)),
        environ={name: os.environ[name] for name in CARRIED if name in os.environ},
    )


def job_of(run: RunDir) -> int:
    """Give the number of a run's job; RefusalError if it was never submitted."""
    try:
        return int(run.read_json("job.json")["job"])
    except (StoreError, KeyError, TypeError, ValueError) as error:
        message = "was not submitted to a scheduler"
        raise RefusalError(message, value=run.id, where="RUN", fix="assay show tells of it; assay run --resume finishes it.") from error


def follow(run: RunDir) -> str:
    """Wait for a run's job and tell how it goes; returns what a reader must know where its end was not a good one.

    RefusalError if the job can never start, or if the door inside it refused; InterruptedRunError leaves the job as it is.
    """
    job, plan = job_of(run), read_plan(run.path / "plan.json")
    progress = Progress(run, plan)
    last, told, poll, over = "", 0.0, POLL_SECONDS, 0.0
    try:
        while True:
            heed()
            state = state_of(job)
            progress()
            over = (over or time.monotonic()) if state is None or state.over else 0.0
            if over and (judged_by_itself(run) or time.monotonic() - over > SURE_SECONDS):
                progress.end()
                return "" if judged_by_itself(run) else ending(run, plan, state, job)
            if over:
                time.sleep(POLL_SECONDS)
                continue
            assert state is not None  # noqa: S101 - or it would be over
            if state.hopeless:
                cancel(job)
                opening.discard(run)
                message = f"job {job} can never start: {state.meaning} ({state.reason}); it was cancelled"
                raise RefusalError(message, where="launch=slurm", fix="Ask for what the partition has (sinfo shows it).")
            if str(state) != last or (state.state == "PENDING" and time.monotonic() - told > REMIND_SECONDS):
                tell(str(state))
                last, told, poll = str(state), time.monotonic(), POLL_SECONDS
            time.sleep(poll)
            poll = min(1.2 * poll, SLOWEST_POLL_SECONDS)
    except InterruptedRunError:
        tell(f"\nassay: job {job} goes on; follow it again with: assay attach {run.id}")
        raise


def judged_by_itself(run: RunDir) -> bool:
    """Tell whether the door inside the job has measured, judged and closed the run."""
    return bool(run.read_json("run.json").get("status") == "finished")


def ending(run: RunDir, plan: Plan, state: JobState | None, job: int) -> str:
    """Say what went wrong with a job that has ended without closing its run; RefusalError with its words if it refused to measure."""
    told = str(state) if state else f"job {job} is no longer known to the scheduler"
    refused = state is not None and state.code == RefusalError.exit_code and not execute.finished(run)
    if refused:
        words = last_words(run)
        opening.discard(run)
        raise RefusalError(words.rstrip(".") or told)
    missing = len({case.key for case in plan.cases} - execute.finished(run))
    go_on = f"; go on with: assay run --resume {run.id}" if missing else ""
    return f"{told}; {missing} of {len(plan.cases)} cases are missing{go_on}"


def last_words(run: RunDir) -> str:
    """Give the last complaint of the door inside the job."""
    path = Path(run.path / "job.txt")
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else []
    return next((line.removeprefix("assay: ") for line in reversed(lines) if line.startswith("assay: ")), "")


def collected(run: RunDir, *, allow_inconclusive: bool) -> Judgement:
    """Follow a run's job to its end and give what came of it; judges what is on disk where the job could not."""
    from assay.results.document import judged

    trouble = "" if judged_by_itself(run) else follow(run)
    if trouble:
        return closing.finish(run, run.config(), base=[], decide=False, allow_inconclusive=allow_inconclusive, trouble=trouble)
    return judged(run)
