"""Which device is whose: local ranks from the identity of hosts, devices through the mask that the scheduler set, nothing masked twice.

All functions are pure, and every rank decides from what all ranks said, so that all refuse together.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assay.harness.errors import RefusalError

# What makes devices visible to a process, by kind; the first that is set counts. A PrivateUse1's is <KIND>_VISIBLE_DEVICES.
MASKS: Mapping[str, tuple[str, ...]] = {
    "cuda": ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES"),
    "xpu": ("ZE_AFFINITY_MASK",),
    "npu": ("ASCEND_RT_VISIBLE_DEVICES",),
}
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# What says the local rank before any world is up (torchrun, Slurm, Open MPI, MPICH's Hydra, MVAPICH).
EARLY = ("LOCAL_RANK", "SLURM_LOCALID", "OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID", "MV2_COMM_WORLD_LOCAL_RANK")


@dataclass(frozen=True)
class Seat:
    """Where one rank sits and what it sees.

    Attributes:
        host: host name.
        boot: the kernel's boot id: two hosts of one name have two.
        mask: the variable that masks devices and its value, or empty.
        visible: devices that its process sees; None where that has no meaning.

    """

    host: str
    boot: str
    mask: tuple[str, str] = ("", "")
    visible: int | None = None

    @property
    def home(self) -> tuple[str, str]:
        """Tell the host apart from every other one."""
        return (self.host, self.boot)


def mask_of(kind: str, environ: Mapping[str, str]) -> tuple[str, str]:
    """Find the mask that is set for a kind of device: (variable, value), both empty if none is."""
    for name in MASKS.get(kind, (f"{kind.upper()}_VISIBLE_DEVICES",)):
        if name in environ:
            return name, environ[name]
    return "", ""


def entries(text: str) -> list[str]:
    """Split a mask into what it names: indices, UUIDs (abbreviated too), MIG instances; ``NoDevFiles`` and -1 end it, as for CUDA."""
    found = []
    for part in (part.strip() for part in text.split(",")):
        if part in ("-1", "NoDevFiles", ""):
            break
        found.append(part)
    return found


def local_rank(seats: Sequence[Seat], rank: int) -> int:
    """Number a rank among those on its host, by rank."""
    return sum(seat.home == seats[rank].home for seat in seats[:rank])


def check_masks(seats: Sequence[Seat]) -> None:
    """Refuse a mask that names a device which is not there, or the same device twice.

    CUDA, HIP and Level Zero make visible only what stands in front of the first name that they do not know, without a word.
    """
    for rank, seat in enumerate(seats):
        variable, text = seat.mask
        named = entries(text)
        twice = next((name for i, name in enumerate(named) if name in named[:i]), None)
        if twice is not None:
            message = f"rank {rank} on {seat.host}: the mask names a device twice ({twice})"
            raise RefusalError(message, value=text, where=variable, fix="Name each device once.")
        if seat.visible is not None and len(named) > seat.visible:
            message = f"rank {rank} on {seat.host}: the mask names {named[seat.visible]}, and this host has no such device"
            raise RefusalError(message, value=text, where=variable, fix="Name devices that are there, or unset it.")


def device_index(seats: Sequence[Seat], rank: int) -> int:
    """Choose which of the devices that a rank sees is its own.

    Where each rank of the host sees exactly one, it is that one: the scheduler has chosen already. Else ranks of one host that see the
    same ones share them out in their order. RefusalError where there are fewer devices than ranks.
    """
    seat = seats[rank]
    here = [(number, other) for number, other in enumerate(seats) if other.home == seat.home]
    if all(other.visible == 1 for _, other in here):
        if len(here) > 1 and same_names(here):
            refuse_few(here, seat)
        return 0
    alike = [number for number, other in here if other.mask == seat.mask]
    if seat.visible is not None and len(alike) > seat.visible:
        refuse_few([(number, seats[number]) for number in alike], seat)
    return alike.index(rank)


def same_names(here: Sequence[tuple[int, Seat]]) -> bool:
    """Tell whether ranks that see one device each can only see the same: no mask anywhere, or one UUID for all.

    An index is no proof: a scheduler that hides the other devices from each task calls every task's own 0.
    """
    names = {seat.mask[1].strip() for _, seat in here}
    return len(names) == 1 and not next(iter(names)).isdecimal() and next(iter(names)) != ""


def refuse_few(here: Sequence[tuple[int, Seat]], seat: Seat) -> None:
    """Refuse more ranks than devices, by name."""
    variable, text = seat.mask
    seen = f"{seat.visible} device{'' if seat.visible == 1 else 's'}"
    through = f" through {variable}={text}" if variable else ""
    message = f"{len(here)} ranks on {seat.host} share {seen}{through}, so rank {here[seat.visible or 0][0]} has no device of its own"
    fix = "Start at most one rank a device, or give each rank one of its own (srun --gpus-per-task=1)."
    raise RefusalError(message, value=seat.visible, where="site.ranks_per_node", fix=fix)


def check_own(seats: Sequence[Seat], facts: Sequence[Mapping[str, Any]]) -> None:
    """Refuse two ranks on one device: the same UUID, or the same PCI address on one host where there is no UUID."""
    taken: dict[tuple[str, ...], int] = {}
    for rank, (seat, said) in enumerate(zip(seats, facts, strict=True)):
        uuid, pci = str(said.get("uuid") or ""), str(said.get("pci") or "")
        if not (uuid or pci):
            continue
        # Without the host name: containers on one kernel have names of their own and share its devices.
        key = ("uuid", uuid.lower()) if uuid else ("pci", seat.boot, pci)
        if key in taken:
            message = f"ranks {taken[key]} and {rank} are on one device, {key[-1]} of {seat.host}"
            fix = "Start at most one rank a device; look at the masks that the scheduler sets for each rank."
            raise RefusalError(message, value=key[-1], where=seat.mask[0] or "site.ranks_per_node", fix=fix)
        taken[key] = rank


def check_rank_env(wanted: object, *, ranks_per_node: int, where: str = "site.rank_env") -> dict[str, Any]:
    """Check ``site.rank_env``: names of variables with one text for all ranks, or a list with one for each local rank."""
    if not isinstance(wanted or {}, Mapping):
        message = "holds names of variables and their values"
        raise RefusalError(message, value=wanted, where=where, fix="Write '+site.rank_env.NCCL_IB_HCA=[mlx5_0,mlx5_1]'.")
    checked: dict[str, Any] = {}
    for name, value in dict(wanted or {}).items():  # type: ignore[call-overload]
        path, values = f"{where}.{name}", value if isinstance(value, (list, tuple)) else [value]
        if not NAME.fullmatch(str(name)):
            message = "is no name of a variable"
            raise RefusalError(message, value=name, where=where, fix="Use letters, digits and underscores.")
        if any(isinstance(item, bool) or not isinstance(item, (str, int, float)) for item in values):
            message = "is text, or a list of one text for each local rank"
            raise RefusalError(message, value=value, where=path, fix="Quote what is no text.")
        if isinstance(value, (list, tuple)) and len(values) < ranks_per_node:
            message = f"has {len(values)} values for {ranks_per_node} ranks on a node"
            raise RefusalError(message, value=list(value), where=path, fix="Give one value for each local rank.")
        masks = {mask for group in MASKS.values() for mask in group}
        if name in masks:
            message = "masks devices, and devices are never masked twice"
            raise RefusalError(message, value=value, where=path, fix="Leave masks to the scheduler, or set it before assay is started.")
        checked[str(name)] = [str(item) for item in values] if isinstance(value, (list, tuple)) else str(value)
    return checked


def rank_env(wanted: Mapping[str, Any], local: int) -> dict[str, str]:
    """Give the variables of one local rank."""
    return {name: value[local] if isinstance(value, (list, tuple)) else value for name, value in wanted.items()}


def early_local_rank(environ: Mapping[str, str]) -> int | None:
    """Read the local rank that the launcher announces, known before any world is up; None if it says none."""
    return next((int(environ[name]) for name in EARLY if environ.get(name, "").isdecimal()), None)
