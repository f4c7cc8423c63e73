"""``assay doctor``: what this machine can and cannot run, and how to get the rest."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from assay.harness.door.console import color, emit_json, out, parser
from assay.harness.errors import RefusalError, StoreError

SUMMARY = "say what this machine can and cannot run, and how to get the rest"
TORCH = (2, 6)


@dataclass(frozen=True)
class Finding:
    """One thing looked at: there or not, what was seen, how to get it."""

    what: str
    ok: bool
    seen: str
    way: str = ""


def main(argv: Sequence[str]) -> int:
    """Run the verb; 0 when the main job (plan=smoke) can run here, else 2."""
    p = parser("doctor", SUMMARY)
    p.add_argument("--json", action="store_true", help="print one JSON document")
    ns = p.parse_args(list(argv))
    found = [look() for look in LOOKS]
    there = {row.what for row in found if row.ok}
    needed = there >= NEEDED and any(there >= way for way in RANKS)
    if ns.json:
        emit_json({"schema": "assay.doctor/1", "ready": needed, "findings": [asdict(row) for row in found]})
        return 0 if needed else 2
    width = max(len(row.what) for row in found)
    for row in found:
        mark = "ok" if row.ok else "--"
        shown = f"\x1b[{32 if row.ok else 33}m{mark}\x1b[0m" if color() else mark
        out(f"{shown} {row.what:{width}}  {row.seen}" + (f"  -> {row.way}" if not row.ok and row.way else ""))
    out("this machine can run plan=smoke" if needed else "this machine cannot run plan=smoke yet: see the arrows above")
    return 0 if needed else 2


def python() -> Finding:
    """Look at the interpreter."""
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding("python", sys.version_info >= (3, 11), f"{version} at {sys.executable}", "install Python 3.11 or newer")


def cores() -> Finding:
    """Look at cores, memory and so at how many ranks may be compared for speed."""
    usable, memory = len(os.sched_getaffinity(0)), psutil.virtual_memory()
    return Finding(
        "cores and memory",
        usable >= 1,
        f"{usable} cores (at most so many ranks when speeds are compared), {memory.available / 2**30:.1f} GiB free",
    )


def mpi_library() -> Finding:
    """Ask mpi4py, in a process of its own, which MPI library comes up."""
    import subprocess

    script = "from mpi4py import MPI; print(MPI.Get_library_version().splitlines()[0].strip('\\0 '), MPI.COMM_WORLD.Get_size())"
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PMI_", "PMIX_", "OMPI_"))}
    try:
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False, env=clean)  # noqa: S603 - ours
    except subprocess.TimeoutExpired:
        return Finding("MPI library", ok=False, seen="did not come up within 60 s", way="check the network settings of your MPI")
    said = (done.stdout or done.stderr).strip().splitlines()
    return Finding(
        "MPI library", done.returncode == 0, said[-1] if said else "no answer", "pip install 'assay-harness[mpich]' or load your site's MPI"
    )


def mpi_launcher() -> Finding:
    """Look for mpiexec."""
    from assay.harness.launch.mpi import find_mpiexec

    try:
        launcher = find_mpiexec()
    except RefusalError as error:
        return Finding("mpiexec", ok=False, seen=error.message, way=error.fix)
    return Finding(
        "mpiexec", launcher.flavour != "unknown", f"{launcher.path} ({launcher.flavour}, {launcher.version})", "use MPICH or Open MPI"
    )


def torch() -> Finding:
    """Look at torch."""
    try:
        import torch as module
    except ImportError as error:
        return Finding("torch", ok=False, seen=str(error), way="pip install 'torch>=2.6'")
    version = tuple(int(part) for part in module.__version__.split("+")[0].split(".")[:2])
    scaled = hasattr(module.nn.functional, "scaled_mm") or hasattr(module, "_scaled_mm")
    return Finding(
        "torch",
        version >= TORCH,
        f"{module.__version__}, FP8 types {hasattr(module, 'float8_e4m3fn')}, scaled_mm {scaled}",
        "pip install 'torch>=2.6'",
    )


def devices() -> Finding:
    """Look for accelerators."""
    try:
        import torch as module

        names = [module.cuda.get_device_name(i) for i in range(module.cuda.device_count())] if module.cuda.is_available() else []
    except (ImportError, RuntimeError) as error:
        return Finding("accelerators", ok=False, seen=str(error))
    seen = f"{len(names)}: {', '.join(sorted(set(names)))}" if names else "none that torch sees; suites run on the CPU (device=cpu)"
    return Finding("accelerators", bool(names), seen, "on a GPU machine install torch's build for it")


def telemetry() -> Finding:
    """Look for the libraries that read power, clocks and errors of devices, without starting them here."""
    import importlib.util
    import subprocess

    from assay.harness.plugins import TELEMETRY, plugins

    script = "import pynvml as n; n.nvmlInit(); print(f'nvml {n.nvmlSystemGetNVMLVersion()}, {n.nvmlDeviceGetCount()} devices')"
    try:
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=20, check=False)  # noqa: S603 - ours
    except subprocess.TimeoutExpired:
        return Finding("telemetry", ok=False, seen="NVML did not answer within 20 s", way="dmesg may tell what the driver waits for")
    said = (done.stdout if done.returncode == 0 else done.stderr).strip().splitlines() or ["no answer"]
    others = ["amdsmi"] if importlib.util.find_spec("amdsmi") else []
    others += [f"{plugin.name} ({plugin.package})" for plugin in plugins(TELEMETRY)]
    there = [said[-1]] if done.returncode == 0 else others
    seen = ", ".join([*there, *(others if there is not others else [])]) or f"none: {said[-1].removeprefix('pynvml.')}"
    return Finding("telemetry", bool(there), seen, "NVML comes with the driver, amdsmi with ROCm; runs go on without")


def transports() -> Finding:
    """Look at the transports that torch brings."""
    try:
        import torch.distributed as dist
    except ImportError as error:
        return Finding("torch transports", ok=False, seen=str(error))
    have = {"gloo": dist.is_gloo_available(), "nccl": dist.is_nccl_available()} if dist.is_available() else {}
    seen = ", ".join(f"{name} {'yes' if there else 'no'}" for name, there in have.items())
    return Finding("torch transports", bool(have.get("gloo")), seen or "torch has no distributed", "a torch build with gloo")


def store_world() -> Finding:
    """Look for what ranks without MPI meet in."""
    import importlib.util

    try:
        import torch.distributed as dist
    except ImportError as error:
        return Finding("ranks without MPI", ok=False, seen=str(error), way="a torch build with torch.distributed")
    there = dist.is_available() and importlib.util.find_spec("torch.distributed.run") is not None
    seen = "torchrun starts them, they meet in torch's TCP store" if there else "this torch has no torch.distributed"
    return Finding("ranks without MPI", there, seen, "a torch build with torch.distributed")


def rights() -> Finding:
    """Look at who we are."""
    root = os.geteuid() == 0
    return Finding(
        "rights", ok=True, seen="root (Open MPI gets --allow-run-as-root)" if root else f"user {os.geteuid()}; nothing here needs more"
    )


def slurm() -> Finding:
    """Look for Slurm."""
    path = shutil.which("srun")
    return Finding("slurm", path is not None, path or "no srun on PATH", "run on a cluster's node, or go on without")


def store() -> Finding:
    """Try to write where runs would go."""
    from assay.results.store import locate

    try:
        root = locate(None, os.environ)
        folder = next(parent for parent in (root, *root.resolve().parents) if parent.exists())
        with tempfile.TemporaryFile(dir=folder):
            pass
    except (OSError, StoreError, RefusalError) as error:
        return Finding("store", ok=False, seen=str(error), way="set ASSAY_STORE or store.url to a folder that you may write")
    free = shutil.disk_usage(folder).free
    return Finding("store", ok=True, seen=f"{Path(root)} ({free / 2**30:.1f} GiB free)")


LOOKS: tuple[Callable[[], Finding], ...] = (
    python,
    cores,
    mpi_library,
    mpi_launcher,
    torch,
    devices,
    telemetry,
    transports,
    store_world,
    slurm,
    rights,
    store,
)
NEEDED = {"python", "cores and memory", "torch", "torch transports", "store"}
RANKS = ({"MPI library", "mpiexec"}, {"ranks without MPI"})  # one of these ways to start ranks is enough
