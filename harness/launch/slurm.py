"""From a plan and a site to what Slurm is told: the step that starts ranks, the batch script that holds it. Pure functions."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from assay.harness.errors import RefusalError
from assay.harness.launch.mpi import Flavour

# What each family of MPI can be started by, the best first (Slurm's MPI guide; MPICH from its wheel speaks PMI-2, Open MPI 5 only PMIx).
SPOKEN: Mapping[str, tuple[str, ...]] = {
    "mpich": ("pmi2", "cray_shasta", "pmix"),
    "openmpi": ("pmix",),
    "unknown": ("pmix", "pmi2"),
}
# Options of launch=slurm that go to sbatch under their own names.
BATCH_OPTIONS = ("partition", "account", "qos", "gres", "constraint", "reservation")
# And those that go to the step: the door stays outside the container, so that srun is there, and only the ranks are inside.
STEP_OPTIONS = ("container", "container_image", "container_mounts")
# Before the time is over the job is told, so that it ends as interrupted and says so; a preempted one is told by Slurm itself.
WARNING_SECONDS = 30
SLACK, LEAST_MINUTES = 3.0, 5  # an estimate is an estimate, and a world takes time to come up


def srun(command: Sequence[str], options: Mapping[str, Any], *, nranks: int, nodes: int, mpi: str) -> list[str]:
    """Command that starts the ranks as one step of the allocation; when one dies, Slurm ends the others."""
    extra = [*named(options, STEP_OPTIONS), *map(str, options.get("srun_flags") or [])]
    size = ["--ntasks", str(nranks), "--nodes", str(nodes), "--ntasks-per-node", str(nranks // nodes)]
    return ["srun", "--job-name", "assay", *size, f"--mpi={mpi}", "--kill-on-bad-exit=1", "--quit-on-interrupt", *extra, *command]


def named(options: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    """Spell options as Slurm does, those that are set."""
    return [f"--{name.replace('_', '-')}={options[name]}" for name in names if options.get(name)]


def mpi_types(text: str) -> list[str]:
    """Read the answer of ``srun --mpi=list``: one plug-in a line after the heading, on older Slurms behind ``srun: ``."""
    words = [line.removeprefix("srun:").strip() for line in text.splitlines()]
    return [word for word in words if re.fullmatch(r"[a-z][a-z0-9_]*", word) and word != "none"]


def mpi_type(listed: Sequence[str], flavour: Flavour) -> str:
    """Choose how Slurm speaks to this MPI; RefusalError with the list where nothing fits."""
    for spoken in SPOKEN[flavour]:
        if spoken in listed:
            return spoken
    message = f"this Slurm offers {', '.join(listed) or 'no MPI plug-in'}, and {flavour} speaks {' or '.join(SPOKEN[flavour])}"
    raise RefusalError(message, where="launch.mpi", fix="Set launch.mpi=TYPE, or use salloc and launch=mpiexec.")


def time_limit(seconds: float) -> int:
    """Give the minutes to ask for, from the plan's estimate of its seconds."""
    return max(LEAST_MINUTES, math.ceil(SLACK * seconds / 60))


def script(
    options: Mapping[str, Any],
    *,
    command: Sequence[str],
    name: str,
    log: str,
    nranks: int,
    nodes: int,
    seconds: float,
    environ: Mapping[str, str],
) -> str:
    """Write the batch script of one run.

    Args:
        options: the ``launch`` part of the configuration.
        command: what measures and judges, started once on the first node.
        name: of the job.
        log: file for what the job prints.
        nranks: of the plan.
        nodes: of the plan.
        seconds: the plan's own estimate.
        environ: variables that the job must have, whatever the cluster's policy on exporting the login's.

    """
    limit = options.get("time") or time_limit(seconds)
    wanted = [
        f"--job-name={name}",
        f"--output={log}",
        "--open-mode=append",  # a requeued job goes on in it
        f"--nodes={nodes}",
        f"--ntasks={nranks}",
        f"--ntasks-per-node={nranks // nodes}",
        f"--time={limit}",
        f"--signal=B:TERM@{WARNING_SECONDS}",
        "--requeue" if options.get("requeue", True) else "--no-requeue",
        *(["--exclusive"] if options.get("exclusive") else []),
        *named(options, BATCH_OPTIONS),
        *map(str, options.get("flags") or []),
    ]
    lines = [f"#SBATCH {flag}" for flag in wanted]
    exported = [f"export {name}={shlex.quote(value)}" for name, value in sorted(environ.items())]
    return "\n".join(["#!/bin/bash", *lines, *exported, f"exec {shlex.join(command)}", ""])
