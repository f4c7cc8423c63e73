"""From (plan, site) to the command that starts the ranks: pure functions, testable with no cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from assay.harness.lab.keep import Kept
from assay.harness.launch.mpi import Mpiexec

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "BLIS_NUM_THREADS", "NUMEXPR_NUM_THREADS")


def rank_command(python: str, plan: str, out: str, *options: str) -> list[str]:
    """Command of one rank; ``-m mpi4py`` ends all ranks when one raises outside our guard, ``-P`` keeps its folder off ``sys.path``."""
    return [python, "-P", "-m", "mpi4py", "-m", "assay.harness.rank", plan, out, *options]


def solo(python: str, plan: str, out: str, *options: str) -> list[str]:
    """Command of a launch with one rank and no MPI."""
    return [python, "-P", "-m", "assay.harness.rank", plan, out, *options]


def mpiexec(launcher: Mpiexec, command: Sequence[str], *, nranks: int, root: bool, extra: Sequence[str] = ()) -> list[str]:
    """Command that starts ``nranks`` ranks with an MPICH or Open MPI launcher.

    Open MPI refuses root and more ranks than cores unless told otherwise, and forwards no environment of its own accord
    only to other hosts; MPICH needs neither flag.
    """
    flags: list[str] = []
    if launcher.flavour == "openmpi":
        flags = ["--oversubscribe", *(["--allow-run-as-root"] if root else [])]
    return [launcher.path, *flags, *extra, "-n", str(nranks), *command]


def lab_mpiexec(launcher: Mpiexec, command: Sequence[str], kept: Kept, *, nodes: int, each: int) -> list[str]:
    """Command that starts ``each`` ranks on each of the lab's first nodes, from its head, over its management network."""
    hosts = ",".join(kept.lab.hosts()[:nodes])
    flags = ["-launcher", "ssh", "-launcher-exec", str(kept.agent), "-iface", "mgmt0", "-hosts", hosts, "-ppn", str(each)]
    # UCX refuses interfaces that it does not think real; libfabric takes the one that it is told.
    variables = ["MPIR_CVAR_CH4_NETMOD=ofi", "FI_PROVIDER=tcp", "FI_TCP_IFACE=mgmt0"]
    head = ["ip", "netns", "exec", kept.lab.head, "env", *variables]
    return [*head, launcher.path, *flags, "-n", str(nodes * each), *command]


def torchrun(python: str, command: Sequence[str], *, nranks: int) -> list[str]:
    """Command that starts ``nranks`` ranks on this node with torch's own launcher, on a port that is free (torch.distributed.run)."""
    return [python, "-P", "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(nranks), "--no-python", *command]


def environment(
    base: Mapping[str, str], *, ranks_per_node: int, cores: int, threads: int | None, dropped: Sequence[str] = ()
) -> dict[str, str]:
    """Environment of the ranks: BLAS and OpenMP threads pinned to a fair share of the cores, at least one.

    Unpinned, two ranks on two cores took 20 ms for a 40 us GEMM. A user's own setting of ``threads`` wins; variables in
    ``dropped`` are left out.
    """
    share = threads or max(1, cores // max(1, ranks_per_node))
    kept = {name: value for name, value in base.items() if name not in dropped}
    return kept | dict.fromkeys(THREAD_VARIABLES, str(share)) | {"MKL_DYNAMIC": "FALSE", "PYTHONUNBUFFERED": "1"}
