"""Whether the devices of a launch are well: asked before the first case, and after each one what did not come back (collective)."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from assay.harness.case import Case
from assay.harness.device.protocol import Device
from assay.harness.measurement import Fault, Measurement
from assay.harness.world.protocol import World

# Libraries keep workspaces from their first use on (cuBLAS 32 MiB a stream on Hopper, NCCL's buffers), once.
TOLERATED_NBYTES = 256 << 20


@dataclass(frozen=True)
class Sick:
    """A device that failed its probe: its rank, and a sentence that names rank, host, device and what was wrong."""

    rank: int
    reason: str

    def ends(self, case: Case) -> Measurement:
        """End a case that cannot be measured on it: an error, never a pass."""
        return Measurement(case, "error", self.reason, fault=Fault(self.rank, "probe", None, self.reason))


def place_of(device: Device, facts: Mapping[str, Any]) -> str:
    """Name a device for whoever has to find it: what it is, its UUID or PCI address, its host."""
    known = [str(facts[name]) for name in ("uuid", "pci") if facts.get(name)]
    return f"device {' at '.join(known) or device.torch_name} of {socket.gethostname()}"


def probed(world: World, device: Device, place: str) -> Sick | None:
    """Probe every rank's device, those that can be; gives the first that failed, on every rank alike."""
    probe = getattr(device, "probe", None)
    said = world.allgather("" if probe is None else probe())
    places = world.allgather(place)
    for rank, wrong in enumerate(said):
        if wrong:
            return Sick(rank, f"rank {rank}: {places[rank]} failed its probe: {wrong}")
    return None


def shrunk(earlier: Sequence[Mapping[str, Any]], ranks: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Mark devices that have less memory in all than in the launch before, as after pages were retired."""
    had = {rank["device"].get("uuid"): rank["device"].get("memory_nbytes", 0) for rank in earlier if "device" in rank}
    return tuple(
        f"rank {rank['rank']}: device {uuid} has {(had[uuid] - now) / 2**20:.0f} MiB less memory than in the launch before"
        for rank in ranks
        if (uuid := rank["device"].get("uuid")) and (now := rank["device"].get("memory_nbytes", 0)) < had.get(uuid, 0)
    )


def free_nbytes(device: Device) -> int | None:
    """Tell the free memory of a device; None where it cannot say, or is too sick to."""
    ask = getattr(device, "free_nbytes", None)
    try:
        return None if ask is None else ask()
    except Exception:  # noqa: BLE001 - after a device error every call raises; the error is told elsewhere
        return None


def with_losses(world: World, measurement: Measurement | None, before: int | None, device: Device) -> Measurement | None:
    """Mark a case after which device memory is missing on a rank."""
    after = free_nbytes(device)
    lost = 0 if before is None or after is None else before - after
    everyone = world.gather(lost)
    if measurement is None or everyone is None:
        return None
    marks = [
        f"rank {rank}: {nbytes / 2**20:.0f} MiB of device memory did not come back after this case"
        for rank, nbytes in enumerate(everyone)
        if nbytes > TOLERATED_NBYTES
    ]
    return replace(measurement, flags=(*measurement.flags, *marks))
