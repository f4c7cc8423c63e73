"""This rank's place: its seat among all ranks, its environment, its device, and what is stored of them (collective)."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Mapping
from typing import Any

from assay.harness.binding import Seat, check_masks, check_own, device_index, early_local_rank, local_rank, mask_of, rank_env
from assay.harness.device.nearness import nearest_nics
from assay.harness.device.open import open_device, visible_devices
from assay.harness.device.protocol import Device
from assay.harness.errors import AssayError, NotApplicableError, RefusalError
from assay.harness.facts import read
from assay.harness.world.protocol import World

BOOT_ID = "/proc/sys/kernel/random/boot_id"


def set_early(wanted: Mapping[str, Any]) -> None:
    """Set this rank's own variables before a world that needs torch comes up, where the launcher says the local rank already."""
    local = early_local_rank(os.environ)
    if local is not None and all(local < len(value) for value in wanted.values() if isinstance(value, list)):
        os.environ.update(rank_env(wanted, local))


def take_seat(world: World, kind: str, wanted: Mapping[str, Any]) -> tuple[Device, dict[str, Any]]:
    """Bind this rank to a device of its own and describe its place.

    RefusalError on every rank alike if there are fewer devices than ranks, two ranks on one device, or a mask that names what is not there.

    Returns:
        the device, and local rank, mask, CPUs, nearest network cards and variables set for this rank.

    """
    here = Seat(socket.gethostname(), read(BOOT_ID))
    homes = world.allgather(here)
    local = local_rank(homes, world.rank)
    mine = rank_env(wanted, local)
    late = "torch" in sys.modules and any(os.environ.get(name) != value for name, value in mine.items())
    os.environ.update(mine)
    mask = ("", "") if kind == "cpu" else mask_of(kind, os.environ)
    visible = together(world, lambda: visible_devices(kind))
    seats = world.allgather(Seat(here.host, here.boot, mask, visible))
    check_masks(seats)
    index = device_index(seats, world.rank)
    which = f"device {index} of {visible} that it sees on {here.host}" + (f" ({mask[0]}={mask[1]})" if mask[0] else "")
    device: Device = together(world, lambda: open_device(kind, local_rank=index), failed=f"{which} cannot be opened")
    facts = dict(device.facts())
    check_own(seats, world.allgather(facts))
    place: dict[str, Any] = {
        "boot_id": here.boot,
        "local_rank": local,
        "cpus": cpu_list(sorted(os.sched_getaffinity(0))),
        "mask": f"{mask[0]}={mask[1]}" if mask[0] else "",
        "nics": nearest_nics(str(facts.get("pci") or "")),
        "rank_env": mine,
    }
    if late:  # libraries that read their environment when they are loaded have read it already
        place["rank_env_late"] = "torch was loaded before these variables were set"
    return device, place


def together(world: World, action: Any, *, failed: str = "its devices cannot be counted") -> Any:
    """Do something on every rank; the first error of any rank is raised on all, so that none waits for one that is gone.

    ``failed`` is what is said of anything that a driver raises.
    """
    value, error = None, None
    try:
        value = action()
    except AssayError as raised:
        error = (isinstance(raised, RefusalError), isinstance(raised, NotApplicableError), str(raised))
    except Exception as raised:  # noqa: BLE001 - a driver may raise anything when a device is opened
        error = (False, False, f"{failed}: {type(raised).__name__}: {' '.join(str(raised).split())}")
    for rank, said in enumerate(world.allgather(error)):
        if said is not None:
            message = f"rank {rank}: {said[2]}".rstrip(".") if world.size > 1 else said[2].rstrip(".")
            raise RefusalError(message) if said[0] else NotApplicableError(message) if said[1] else AssayError(message)
    return value


def cpu_list(cpus: list[int]) -> str:
    """Write CPU numbers as Linux does: ``0-3,8``."""
    runs: list[list[int]] = []
    for cpu in cpus:
        if runs and cpu == runs[-1][1] + 1:
            runs[-1][1] = cpu
        else:
            runs.append([cpu, cpu])
    return ",".join(str(low) if low == high else f"{low}-{high}" for low, high in runs)
