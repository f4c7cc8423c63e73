"""Which launcher starts the ranks of a plan here, and with which command."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assay.harness.errors import RefusalError
from assay.harness.lab.keep import standing
from assay.harness.launch.command import lab_mpiexec, mpiexec, rank_command, solo, torchrun
from assay.harness.launch.mpi import Mpiexec, find_mpiexec
from assay.harness.launch.scheduler import listed_mpi
from assay.harness.launch.slurm import mpi_type, srun
from assay.harness.plan import Plan
from assay.harness.plancheck import one_of
from assay.harness.suitepath import option_words
from assay.harness.world.store import LIBRARY

KINDS = ("auto", "solo", "mpiexec", "torchrun", "srun", "slurm", "lab")


@dataclass(frozen=True)
class Launch:
    """How ranks are started.

    Attributes:
        command: what starts them.
        mpi: the MPI that they meet in, or what stands for it.
        asked_to_end: whether the launcher ends ranks on other nodes only when it is asked to (SIGTERM), not when it is killed.

    """

    command: list[str]
    mpi: str
    asked_to_end: bool = False


def choose(plan: Plan, config: Mapping[str, Any], *, folder: str, environ: Mapping[str, str]) -> Launch:
    """Choose the launcher for a run in ``folder``; RefusalError where the wanted one cannot start this plan here."""
    kind = one_of(config["launch"].get("kind"), KINDS, where="launch.kind")
    files = (f"{folder}/plan.json", folder, *option_words())
    if kind == "solo" or (kind == "auto" and plan.nranks == 1 and not (needs_mpi(plan) and has_mpi())):
        if plan.nranks != 1:
            message = "launch=solo starts one rank"
            raise RefusalError(message, value=plan.nranks, where="site.nranks", fix="Set site.nranks=1 or launch=mpiexec.")
        return Launch(solo(sys.executable, *files), "none")
    if kind == "torchrun" or (kind == "auto" and not has_mpi()):
        one_node(plan, kind=kind)
        return Launch(torchrun(sys.executable, solo(sys.executable, *files), nranks=plan.nranks), LIBRARY)
    if kind in ("srun", "slurm"):
        return step(plan, config, files, environ)
    launcher = find_mpiexec(config["site"].get("mpiexec") or "")
    if kind == "lab":
        return in_lab(plan, launcher, rank_command(sys.executable, *files), environ)
    ranks, root = rank_command(sys.executable, *files), os.geteuid() == 0
    return Launch(mpiexec(launcher, ranks, nranks=plan.nranks, root=root, extra=flags_of(config)), launcher.version)


def step(plan: Plan, config: Mapping[str, Any], files: Sequence[str], environ: Mapping[str, str]) -> Launch:
    """Start the ranks as a step of the Slurm allocation that this process is in (launch=slurm: of the job that it submits)."""
    options = config["launch"]
    if options["kind"] == "srun" and not environ.get("SLURM_JOB_ID"):
        message = "starts a step in an allocation, and this is none (SLURM_JOB_ID is not set)"
        raise RefusalError(message, where="launch=srun", fix="Run it under salloc or in a batch script, or take launch=slurm.")
    if not has_mpi():
        message = "mpi4py cannot be imported, and srun's ranks meet in MPI"
        raise RefusalError(message, where="launch.kind", fix="Install mpi4py and an MPI, or start srun torchrun --no-python assay run ...")
    launcher = find_mpiexec(config["site"].get("mpiexec") or "")
    mpi = options.get("mpi") or mpi_type(listed_mpi(), launcher.flavour)
    ranks = rank_command(options.get("python") or sys.executable, *files)
    nodes = int(plan.cases[0].layout.split("x")[0])
    return Launch(srun(ranks, options, nranks=plan.nranks, nodes=nodes, mpi=mpi), launcher.version, asked_to_end=True)


def in_lab(plan: Plan, launcher: Mpiexec, ranks: Sequence[str], environ: Mapping[str, str]) -> Launch:
    """Start the ranks on the nodes of the lab that stands; RefusalError where none does, it has fewer nodes, or the MPI is not MPICH."""
    kept = standing(environ)
    nodes, each = map(int, plan.cases[0].layout.split("x"))
    if nodes > kept.lab.nodes:
        message = f"the lab has {kept.lab.nodes} nodes"
        raise RefusalError(message, value=nodes, where="site.nodes", fix=f"Set site.nodes={kept.lab.nodes}, or raise a larger one.")
    if launcher.flavour != "mpich":
        message = "only MPICH's launcher crosses network namespaces: Open MPI's ranks call home on 127.0.0.1"
        raise RefusalError(message, value=launcher.path, where="site.mpiexec", fix="pip install 'assay-harness[mpich]'.")
    return Launch(lab_mpiexec(launcher, ranks, kept, nodes=nodes, each=each), launcher.version)


def one_node(plan: Plan, *, kind: str) -> None:
    """Refuse more than one node: torchrun has to be started on each of them by somebody who is there."""
    nodes = plan.cases[0].layout.split("x")[0]
    if nodes != "1":
        message = f"{'launch=torchrun' if kind == 'torchrun' else 'without mpi4py, Assay'} starts ranks on this node only"
        fix = "Start torchrun --no-python assay run ... on every node, or install mpi4py and an MPI."
        raise RefusalError(message, value=int(nodes), where="site.nodes", fix=fix)


def has_mpi() -> bool:
    """Tell whether ranks could speak MPI; looks, imports nothing."""
    try:
        return importlib.util.find_spec("mpi4py") is not None
    except (ImportError, ValueError):  # what a module of that name that was blocked or half removed raises
        return False


def needs_mpi(plan: Plan) -> bool:
    """Tell whether a case of the plan uses MPI as its transport, so that even one rank needs a launcher."""
    return any(case.params.get("transport") == "mpi" for case in plan.cases)


def flags_of(config: Mapping[str, Any]) -> list[str]:
    """Give what the site adds to the launcher's command; RefusalError if that is no list."""
    flags = config["site"].get("mpiexec_flags") or []
    if not isinstance(flags, (list, tuple)):
        message = "is a list of arguments"
        raise RefusalError(message, value=flags, where="site.mpiexec_flags", fix="Write site.mpiexec_flags=[-bind-to,core].")
    return [str(flag) for flag in flags]
