"""``assay plan``: show what a run would do, and do nothing."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from assay.harness.door.console import Parser, emit_json, out, parser
from assay.harness.errors import RefusalError
from assay.harness.launch.choose import choose
from assay.harness.plan import Plan
from assay.harness.planfile import to_dict
from assay.harness.rundir import write_atomic
from assay.harness.suitepath import name_suite_paths
from assay.harness.work import Needs

SUMMARY = "show cases, ranks, launch command, estimated time and memory; run nothing"


def arguments() -> Parser:
    """Describe the command line."""
    from assay.harness.door.run import shared

    p = parser("plan", SUMMARY)
    shared(p)
    p.add_argument("--json", action="store_true", help="print the plan as one JSON document")
    p.add_argument("--out", metavar="FILE", help="write the plan file, to be replayed by hand")
    return p


def main(argv: Sequence[str]) -> int:
    """Run the verb; returns the exit code."""
    from assay.harness.door.run import prepare

    ns = arguments().parse_intermixed_args(list(argv))
    name_suite_paths(ns.suite_path)
    composed, plan = prepare(ns, ns.overrides)
    try:
        launch = choose(plan, composed.config, folder="RUN", environ=os.environ)
        command, mpi = launch.command, launch.mpi
    except RefusalError as error:
        command, mpi = [], f"cannot be launched here: {error}"
    if ns.out:
        import json

        write_atomic(Path(ns.out), json.dumps(to_dict(plan), indent=1) + "\n")
    if ns.json:
        emit_json(to_dict(plan) | {"launch": command, "mpi": mpi, "seconds": sum(map(plan.seconds, plan.cases))})
    else:
        out(text(plan, command, mpi))
    return 0


def text(plan: Plan, command: Sequence[str], mpi: str) -> str:
    """Tell the plan to a person."""
    rows = [
        f"{plan.seconds(case):7.1f} s {plan.needs.get(case.key, Needs()).memory_nbytes / 2**20:9.1f} MiB  {case.key}" for case in plan.cases
    ]
    largest = max((plan.needs.get(case.key, Needs()).memory_nbytes for case in plan.cases), default=0)
    head = ["   time  memory a rank  case", *rows, ""]
    left = [f"left out: {row.case.key} ({row.reason})" for row in plan.left_out]
    notes = [f"note: {note}" for note in plan.notes]
    shown = shlex.join(["python" if part == sys.executable else part for part in command]) if command else mpi
    foot = [
        f"{len(plan.cases)} cases on {plan.nranks} ranks, {len(plan.left_out)} left out",
        f"about {sum(map(plan.seconds, plan.cases)):.0f} s, at most {largest / 2**20:.0f} MiB a rank",
        f"launch: {shown}",
    ]
    return "\n".join([*head, *left, *notes, *foot])
