"""From a device's kind to the device of this rank."""

from __future__ import annotations

from typing import Any

from assay.harness.device.protocol import Device
from assay.harness.errors import RefusalError
from assay.harness.plugins import DEVICES, find, load, plugins

KINDS = ("cpu", "cuda", "xpu", "npu")


def open_device(kind: str, *, local_rank: int) -> Device:
    """Open this rank's device; RefusalError for an unknown kind or a rank without a device of its own.

    A kind that is none of ours is the name of an installed ``assay.devices`` entry point: a callable that takes ``local_rank=`` (which of
    the devices that this process sees it shall be, from 0) and returns a ``Device`` whose ``kind`` is that name, since cases are known by
    it. Without such a package it is the name of a back end of torch's own (PrivateUse1), if torch knows it.
    """
    if kind == "cpu":
        from assay.harness.device.cpu import CpuDevice

        return CpuDevice()
    plugin = None if kind in KINDS else find(DEVICES, kind)
    if plugin is None:
        return open_accelerator(kind, local_rank)
    device: Device = load(plugin)(local_rank=local_rank)
    if device.kind != kind:
        message = f"the device of {plugin.package} gives its kind as {device.kind!r}"
        raise RefusalError(message, value=kind, where="device", fix="Its kind must be the name of its entry point.")
    return device


def open_accelerator(kind: str, index: int) -> Device:
    """Open a device of torch's; RefusalError for a kind that neither torch nor an installed package knows."""
    import torch

    from assay.harness.device.accelerator import AcceleratorDevice, module_of

    if kind not in KINDS and module_of(kind, torch) is None:
        message = "unknown kind of device"
        known = (*KINDS, *(other.name for other in plugins(DEVICES)))
        raise RefusalError(message, value=kind, where="device", fix=f"Choose one of {', '.join(known)}.")
    return AcceleratorDevice(kind, index, torch)


def visible_devices(kind: str) -> int | None:
    """Count the devices of a kind that this process sees; None where that cannot be known or has no meaning (the processor).

    An installed package tells it by a function ``visible_devices`` beside its entry point's callable, as an attribute of it.
    """
    if kind == "cpu":
        return None
    plugin = None if kind in KINDS else find(DEVICES, kind)
    if plugin is not None:
        count: Any = getattr(load(plugin), "visible_devices", None)
        return None if count is None else int(count())
    import torch

    from assay.harness.device.accelerator import module_of

    module = module_of(kind, torch)
    return int(module.device_count()) if module is not None and module.is_available() else None
