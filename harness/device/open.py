"""From a device's kind to the device of this rank."""

from __future__ import annotations

from assay.harness.device.protocol import Device
from assay.harness.errors import RefusalError
from assay.harness.plugins import DEVICES, find, load, plugins

KINDS = ("cpu", "cuda")


def open_device(kind: str, *, local_rank: int) -> Device:
    """Open this rank's device; RefusalError for an unknown kind or a rank without a device of its own.

    A kind that is none of ours is the name of an installed ``assay.devices`` entry point: a callable that takes ``local_rank=`` (this
    rank's number on its host, from 0) and returns a ``Device`` whose ``kind`` is that name, since cases are known by it.
    """
    if kind == "cpu":
        from assay.harness.device.cpu import CpuDevice

        return CpuDevice()
    if kind == "cuda":
        import torch

        from assay.harness.device.cuda import CudaDevice

        return CudaDevice(local_rank, torch)
    plugin = find(DEVICES, kind)
    if plugin is None:
        message = "unknown kind of device"
        known = (*KINDS, *(other.name for other in plugins(DEVICES)))
        raise RefusalError(message, value=kind, where="device", fix=f"Choose one of {', '.join(known)}.")
    device: Device = load(plugin)(local_rank=local_rank)
    if device.kind != kind:
        message = f"the device of {plugin.package} gives its kind as {device.kind!r}"
        raise RefusalError(message, value=kind, where="device", fix="Its kind must be the name of its entry point.")
    return device
