"""``assay doctor --permissions``: what each thing that Assay does needs, what a plain user in a container has of it, and what is here."""

from __future__ import annotations

import grp
import os
import resource
import shutil
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from assay.harness.door.console import color, out

SCHEMA = "assay.permissions/1"
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - where MPI libraries and NCCL put their segments
# Below this MPI's and NCCL's own segments fail on eight ranks; a container engine gives 64 MiB unless told otherwise.
ENOUGH_SHARED_NBYTES = 1 << 30
Have = Literal["yes", "no", "unknown", "not here"]


@dataclass(frozen=True)
class Permission:
    """One thing that Assay does.

    Attributes:
        check: what is done.
        needs: the least that it takes: a user, a group, a device node, a limit, root, or a namespace of the host.
        container: what a plain user in a container has of it, and what to say to the engine.
        have: whether this process has it; ``not here`` where this machine has no such thing, ``unknown`` where it cannot be told.
        seen: what was looked at.

    """

    check: str
    needs: str
    container: str
    have: Have
    seen: str


def permissions() -> list[Permission]:
    """Look at everything, now, as the user who asks."""
    return [look() for look in LOOKS]


def as_dict(found: Iterable[Permission]) -> dict[str, object]:
    """Give the table as one JSON object."""
    return {"schema": SCHEMA, "user": os.geteuid(), "permissions": [asdict(row) for row in found]}


def tell(found: Iterable[Permission]) -> None:
    """Print the table, a line a check and its needs under it."""
    colors = {"yes": 32, "no": 31, "unknown": 33, "not here": 33}
    for row in found:
        mark = f"{row.have:8}"
        shown = f"\x1b[{colors[row.have]}m{mark}\x1b[0m" if color() else mark
        out(f"{shown}  {row.check}: {row.seen}")
        out(f"{'':8}  needs {row.needs}; in a container: {row.container}")


def ranks() -> Permission:
    """Start ranks and watch them."""
    try:
        os.close(os.pidfd_open(os.getpid()))
        have: Have = "yes"
        seen = f"user {os.geteuid()} may watch its own processes (pidfd_open)"
    except (OSError, AttributeError) as error:
        have, seen = "no", f"pidfd_open is denied here: {error}; who died first is then told by the ranks' guards alone"
    return Permission(
        "start ranks, watch and end them", "any user; Linux 5.3 or newer", "the same, unless seccomp forbids pidfd_open", have, seen
    )


def shared_memory() -> Permission:
    """Shared memory between ranks of a node."""
    check, container = "ranks of one node share memory", "64 MiB: say --shm-size or --ipc=host"
    needs = f"{ENOUGH_SHARED_NBYTES >> 30} GiB of /dev/shm that the user may write"
    try:
        nbytes = shutil.disk_usage(SHARED_MEMORY).total
    except OSError as error:
        return Permission(check, needs, container, "no", f"{SHARED_MEMORY}: {error.strerror}")
    writable = os.access(SHARED_MEMORY, os.W_OK)
    seen = f"{nbytes / 2**30:.2f} GiB" + ("" if writable else ", not writable")
    return Permission(
        "ranks of one node share memory", needs, container, "yes" if writable and nbytes >= ENOUGH_SHARED_NBYTES else "no", seen
    )


def locked_memory() -> Permission:
    """Memory that a network card reads by itself."""
    soft, _ = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    unlimited = soft == resource.RLIM_INFINITY
    seen = "unlimited" if unlimited else f"limited to {soft >> 10} KiB (ulimit -l)"
    container = "8 MiB: say --ulimit memlock=-1"
    return Permission("transports over RDMA register memory", "no limit on locked memory", container, "yes" if unlimited else "no", seen)


def rdma() -> Permission:
    """Network cards of RDMA."""
    return nodes("transports over RDMA open a card", "/dev/infiniband/uverbs*", "nothing: say --device=/dev/infiniband")


def nvidia() -> Permission:
    """NVIDIA's devices."""
    return nodes("measure on NVIDIA devices", "/dev/nvidia[0-9]*", "nothing: say --gpus=all or --device nvidia.com/gpu=all")


def amd() -> Permission:
    """AMD's devices."""
    return nodes(
        "measure on AMD devices (groups video and render)", "/dev/kfd", "nothing: say --device=/dev/kfd --device=/dev/dri --group-add=video"
    )


def nodes(check: str, pattern: str, container: str) -> Permission:
    """Look at device nodes: all of them must be readable and writable."""
    found = sorted(Path("/").glob(pattern.lstrip("/")))
    denied = [path for path in found if not os.access(path, os.R_OK | os.W_OK)]
    needs = f"read and write on {pattern}"
    if not found:
        return Permission(check, needs, container, "not here", f"no {pattern}")
    if denied:
        return Permission(check, needs, container, "no", f"denied: {', '.join(map(str, denied))} (group {owner(denied[0])})")
    return Permission(check, needs, container, "yes", f"{len(found)} found")


def owner(path: Path) -> str:
    """Name the group of a file; its number where it has no name here."""
    number = path.stat().st_gid
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


def telemetry() -> Permission:
    """Clocks, power, errors of a device."""
    from assay.harness.door.doctor import telemetry as look

    found = look()
    needs, container = "any user who may open the device; NVML or amdsmi beside it", "the same: the engine's GPU option brings the library"
    return Permission("read clocks, power, errors of devices", needs, container, "yes" if found.ok else "not here", found.seen)


def neighbours() -> Permission:
    """Processes of others on a device."""
    check, needs = "name foreign processes on a device", "the host's process numbers, to tell who it is"
    container = "numbers only, no names: say --pid=host; what is unknown counts as foreign"
    try:
        first = Path("/proc/1/comm").read_text(encoding="utf-8").strip()
        second = Path("/proc/2/comm")
        whole = second.exists() and second.read_text(encoding="utf-8").strip() == "kthreadd"
    except OSError as error:
        return Permission(check, needs, container, "unknown", f"/proc: {error.strerror}")
    seen = f"process 1 is {first}, kernel threads are {'seen' if whole else 'not seen: a namespace of its own'}"
    return Permission(check, needs, container, "yes" if whole else "no", seen)


def kernel_timers() -> Permission:
    """CUPTI's activity records."""
    needs = "NVIDIA's driver to let users profile (NVreg_RestrictProfilingToAdminUsers=0), or root"
    path = Path("/proc/driver/nvidia/params")
    try:
        text = path.read_text(encoding="utf-8")
    except OSError:
        return Permission("time kernels with CUPTI", needs, "as on the host", "not here", f"no {path}")
    restricted = "RmProfilingAdminOnly: 1" in text
    have: Have = "no" if restricted and os.geteuid() else "yes"
    return Permission(
        "time kernels with CUPTI", needs, "as on the host", have, "for administrators only" if restricted else "for every user"
    )


def scheduler() -> Permission:
    """Jobs of a scheduler."""
    path = shutil.which("sbatch")
    needs, container = (
        "any user with an account; sbatch, srun and squeue on PATH",
        "nothing: start from the host, ranks in the container (launch.container_image)",
    )
    return Permission(
        "submit jobs, see who else is on a node", needs, container, "yes" if path else "not here", path or "no sbatch on PATH"
    )


def store() -> Permission:
    """Where runs go."""
    from assay.harness.door.doctor import store as look

    found = look()
    return Permission(
        "write runs",
        "a folder that the user may write",
        "a mount: say --volume and set ASSAY_STORE",
        "yes" if found.ok else "no",
        found.seen,
    )


LOOKS: tuple[Callable[[], Permission], ...] = (
    *(ranks, store, shared_memory, locked_memory, rdma, nvidia, amd),
    *(telemetry, neighbours, kernel_timers, scheduler),
)
