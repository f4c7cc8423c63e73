"""From a device's kind to the device of this rank."""

from __future__ import annotations

from assay.harness.device.protocol import Device
from assay.harness.errors import RefusalError

KINDS = ("cpu", "cuda")


def open_device(kind: str, *, local_rank: int) -> Device:
    """Open this rank's device; RefusalError for an unknown kind or a rank without a device of its own."""
    if kind == "cpu":
        from assay.harness.device.cpu import CpuDevice

        return CpuDevice()
    if kind == "cuda":
        import torch

        from assay.harness.device.cuda import CudaDevice

        return CudaDevice(local_rank, torch)
    message = "unknown kind of device"
    raise RefusalError(message, value=kind, where="device", fix=f"Choose one of {', '.join(KINDS)}.")
