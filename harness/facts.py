"""The machine a run was made on, as far as it matters for comparing: host, processor, memory, versions, MPI, git, settings."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import socket
import subprocess
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = ("assay-harness", "torch", "numpy", "mpi4py", "mpich", "openmpi", "ml_dtypes", "nvidia-ml-py", "hydra-core")
# Settings that change what is measured; nothing else of the environment is stored.
ALLOWED = re.compile(r"^(NCCL|RCCL|UCX|FI|MPICH|MPIR|OMPI_MCA|OMP|MKL|OPENBLAS|GLOO|TORCH|CUDA|HIP|ROCR|NVIDIA|SLURM_JOB_ID|KMP)(_|$)")
SECRET = re.compile(r"KEY|TOKEN|SECRET|PASS|CREDENTIAL", re.IGNORECASE)
ROOMS = ("harness", "suites", "collectives", "conf")
HARDWARE = ("cpu_model", "cores", "memory_gib", "devices")
SOFTWARE = ("kernel", "python", "packages", "mpi", "threads", "launch_flags")


def gather(environ: Mapping[str, str], *, mpi: str, folder: Path, launch_flags: Sequence[str] = ()) -> dict[str, Any]:
    """Collect the facts of this host; what cannot be read is the empty string, never a guess.

    Args:
        environ: environment of the ranks.
        mpi: version line of the launcher.
        folder: whose git revision is told.
        launch_flags: what the user adds to the launcher's command (binding, interfaces).

    """
    return {
        "host": socket.gethostname(),
        "cpu_model": cpu_model(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "devices": devices(),
        "kernel": platform.release(),
        "os": os_name(),
        "python": platform.python_version(),
        "packages": versions(),
        "mpi": mpi,
        "threads": environ.get("OMP_NUM_THREADS", ""),
        "launch_flags": list(launch_flags),
        "driver": read("/proc/driver/nvidia/version").split("\n")[0],
        "boot_id": read("/proc/sys/kernel/random/boot_id"),
        "container": container(),
        "clock_policy": clock_policy(),
        "environment": {name: environ[name] for name in sorted(environ) if ALLOWED.match(name) and not SECRET.search(name)},
        "git": git(folder),
        "code": measuring_code(),
    }


def measuring_code() -> str:
    """Hash the code that measures, and its configuration, file by file (SHA-256): whoever has the same files gets the same."""
    root = Path(__file__).parents[1]
    paths = sorted(path for room in ROOMS for path in (root / room).rglob("*") if path.suffix in {".py", ".yaml"})
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(root).as_posix()}\n" for path in paths]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def class_of(facts: Mapping[str, Any], names: tuple[str, ...]) -> str:
    """Hash the named facts into a short class: series of different classes are never continued."""
    text = json.dumps({name: facts.get(name) for name in names}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def read(path: str) -> str:
    """Read a small file of the system; empty if it is not there or not readable."""
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def cpu_model() -> str:
    """Name the processor as Linux names it."""
    found = re.search(r"^model name\s*:\s*(.+)$", read("/proc/cpuinfo"), re.MULTILINE)
    return found.group(1) if found else platform.processor() or platform.machine()


def os_name() -> str:
    """Name the distribution."""
    found = re.search(r'^PRETTY_NAME="?([^"\n]+)', read("/etc/os-release"), re.MULTILINE)
    return found.group(1) if found else platform.system()


def devices() -> list[str]:
    """Name the NVIDIA devices that the driver shows in /proc, without touching them."""
    folder = Path("/proc/driver/nvidia/gpus")
    try:
        infos = [read(str(path / "information")) for path in sorted(folder.iterdir())]
    except OSError:
        return []
    return [found.group(1).strip() for info in infos if (found := re.search(r"Model:\s*(.+)", info))]


def versions() -> dict[str, str]:
    """Give the versions of the packages that matter, without importing them."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def container() -> str:
    """Tell the kind of container, if this is one that says so."""
    if Path("/.dockerenv").exists():
        return "docker"
    named = os.environ.get("container", "")  # noqa: SIM112 - systemd spells it so
    return named or ("kubernetes" if "KUBERNETES_SERVICE_HOST" in os.environ else "")


def clock_policy() -> str:
    """Tell the frequency governor and whether turbo is off, where the kernel shows them."""
    governor = read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
    no_turbo = read("/sys/devices/system/cpu/intel_pstate/no_turbo")
    return " ".join(part for part in (governor, f"no_turbo={no_turbo}" if no_turbo else "") if part) or "not shown by this kernel"


def git(folder: Path) -> dict[str, str]:
    """Give revision and cleanliness of the repository around ``folder``, if there is one."""
    try:
        asked = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=40"]
        done = subprocess.run(asked, capture_output=True, text=True, timeout=5, check=False)  # noqa: S603 - fixed arguments
    except (OSError, subprocess.TimeoutExpired):
        return {}
    text = done.stdout.strip()
    return {"revision": text.removesuffix("-dirty"), "dirty": str(text.endswith("-dirty")).lower()} if done.returncode == 0 else {}
