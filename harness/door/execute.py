"""Launches until every case of a plan has a line on disk."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from assay.harness.attempts import waiting
from assay.harness.door.console import Progress, tell
from assay.harness.door.opening import discard, rank_environment
from assay.harness.errors import AssayError, RefusalError
from assay.harness.interrupt import heed
from assay.harness.launch.choose import choose
from assay.harness.launch.scheduler import others
from assay.harness.manners import admit
from assay.harness.plan import Plan
from assay.harness.rundir import RunDir
from assay.harness.supervise import Ended, launch


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


def refuse_if_refused(run: RunDir, ended: Ended, *, fresh: bool) -> None:
    """A launch that the ranks themselves refused before measuring leaves no run behind (exit code 3)."""
    if fresh and ended.code == RefusalError.exit_code:
        discard(run)
        raise RefusalError(ended.trouble.split("assay: ")[-1].split(" | ")[0].rstrip("."))


def finished(run: RunDir) -> set[str]:
    """List the cases on disk."""
    return {m.case.key for m in run.measurements().measurements}
