"""A back end of eight devices that exist nowhere: tensors lie in this host's memory, clocks and faults are the back end's own.

Put ``path(folder)`` of ``tests/fake_accelerator/installed.py`` on PYTHONPATH and say ``device=fake8``: it is then found by its
``assay.devices`` entry point, in ranks as in the door. Devices have UUIDs and PCI addresses (``UUIDS``, ``PCIS``).

``FAKE8_VISIBLE_DEVICES`` masks as CUDA does: indices or (abbreviated) UUIDs, what follows an unknown name is not seen. ``FAKE8_CGROUP``
hides all others as a scheduler's control group would, before any mask: the mask's indices then count what is left.

``FAKE8_FAULTS`` is JSON, device index -> fault, each a mapping with ``kind`` and:
  throttle: ``factor``, how much longer everything takes by the device's clock.
  leak: ``nbytes`` that each repetition keeps.
  error: the device fails for good in this process after ``after`` repetitions; with ``once`` (a file) only the first time.
  hang: the device never finishes repetition ``after``.
  dead: every use of the device raises; wrong: it computes, but not rightly.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from assay.harness.device.accelerator import AcceleratorDevice

KIND, COUNT, MEMORY_NBYTES = "fake8", 8, 16 << 30
UUIDS = [f"FAKE-{0xA0 + index:02x}000000-0000-4000-8000-{index:012d}" for index in range(COUNT)]
PCIS = [f"0000:{0x10 + index:02x}:00.0" for index in range(COUNT)]


class AcceleratorError(RuntimeError):
    """What torch raises when a device fails (torch 2.8 and later)."""


class Chip:
    """One device as this process holds it."""

    def __init__(self, index: int, fault: dict[str, Any]) -> None:
        """Be device ``index`` of the host, with a fault or none."""
        self.index, self.fault, self.kind = index, fault, fault.get("kind", "")
        self.free, self.repetitions, self.failed = MEMORY_NBYTES, 0, False
        self._seen, self._now = time.perf_counter(), 0.0

    def now(self) -> float:
        """Read the device's own clock in seconds: it starts at zero and runs slower work for longer when throttled."""
        seen = time.perf_counter()
        self._now += (seen - self._seen) * (float(self.fault["factor"]) if self.kind == "throttle" else 1.0)
        self._seen = seen
        return self._now

    def use(self) -> None:
        """Raise if the device cannot be used: it failed before in this process, or it is dead."""
        if self.failed or self.kind == "dead":
            message = f"CUDA error: an illegal memory access was encountered on fake device {self.index}"
            raise AcceleratorError(message)

    def repetition(self) -> None:
        """Count a repetition, and let the fault happen if its time has come."""
        self.use()
        self.repetitions += 1
        if self.kind == "leak":
            self.free -= int(self.fault["nbytes"])
        if self.repetitions != self.fault.get("after"):
            return
        while self.kind == "hang":
            time.sleep(1)
        if self.kind == "error" and self.strikes():
            self.failed = True
            self.use()

    def strikes(self) -> bool:
        """Tell whether the error happens this time."""
        flag = self.fault.get("once")
        if flag is None:
            return True
        try:
            Path(flag).touch(exist_ok=False)
        except FileExistsError:
            return False
        return True


def faults() -> dict[str, Any]:
    """Read the planted faults."""
    found: dict[str, Any] = json.loads(os.environ.get("FAKE8_FAULTS") or "{}")
    return found


def visible() -> list[int]:
    """List the devices of the host that this process sees, in its own order."""
    group = os.environ.get("FAKE8_CGROUP")
    there = list(range(COUNT)) if group is None else [int(part) for part in group.split(",")]
    mask = os.environ.get("FAKE8_VISIBLE_DEVICES")
    if mask is None:
        return there
    seen = []
    for name in mask.split(","):
        alike = [index for index in there if name and UUIDS[index].startswith(name)]
        if name.isdecimal() and int(name) < len(there):
            alike = [there[int(name)]]
        if len(alike) != 1:
            break
        seen.extend(alike)
    return seen


class Event:
    """A point in a device's own time."""

    def __init__(self, module: Module, *, enable_timing: bool = False) -> None:
        """Belong to the device that is selected."""
        self.chip, self.at, self.timing = module.chip(), 0.0, enable_timing

    def record(self) -> None:
        """Note the time, and that something was done."""
        self.chip.repetition()
        self.at = self.chip.now()

    def synchronize(self) -> None:
        """Wait for it."""
        self.chip.use()

    def elapsed_time(self, end: Event) -> float:
        """Milliseconds."""
        return (end.at - self.at) * 1e3


class Module:
    """What ``torch.get_device_module("fake8")`` gives."""

    __name__ = "torch.fake8"

    def __init__(self) -> None:
        """Look at the mask once, as a driver does when it is loaded."""
        planted = faults()
        self.chips = [Chip(index, planted.get(str(index), {})) for index in visible()]
        self.selected = 0

    def is_available(self) -> bool:
        """Tell whether there is any."""
        return bool(self.chips)

    def device_count(self) -> int:
        """Count what is visible."""
        return len(self.chips)

    def set_device(self, index: int) -> None:
        """Select."""
        self.selected = index

    def chip(self, index: int | None = None) -> Chip:
        """Give a device by its visible index."""
        return self.chips[self.selected if index is None else index]

    def get_device_properties(self, index: int) -> SimpleNamespace:
        """Describe a device."""
        real = self.chips[index].index
        return SimpleNamespace(
            name="Fake 8", total_memory=MEMORY_NBYTES, uuid=UUIDS[real], pci_bus_id=PCIS[real], L2_cache_size=1 << 16, driver_version="8.0"
        )

    def synchronize(self, index: int | None = None) -> None:
        """Wait: everything is done when it returns."""
        self.chip(index).use()

    def mem_get_info(self, index: int) -> tuple[int, int]:
        """Free and total bytes."""
        self.chip(index).use()
        return self.chip(index).free, MEMORY_NBYTES

    def Event(self, *, enable_timing: bool = False) -> Event:  # noqa: N802 - as torch spells it
        """Make an event."""
        return Event(self, enable_timing=enable_timing)


class Torch:
    """Torch, with tensors of the fake kind laid into the host's memory."""

    version = SimpleNamespace(cuda=None, hip=None, fake8="8.0")

    def __init__(self) -> None:
        """Load the back end."""
        self.module = Module()

    def get_device_module(self, kind: str) -> Module:
        """Give the back end's module."""
        if kind != KIND:
            message = f"Invalid device string: {kind}"
            raise RuntimeError(message)
        return self.module

    def __getattr__(self, name: str) -> Any:
        """Give torch's own, made on the host where it makes a tensor."""
        import torch

        real = getattr(torch, name)
        if name not in ("ones", "empty", "arange"):
            return real

        def made(*args: Any, device: str = "", **options: Any) -> Any:
            assert device
            self.module.chip().use()
            tensor = real(*args, device="cpu", **options)
            if name == "arange" and self.module.chip().kind == "wrong":
                tensor[7] += 1
            return tensor

        return made


def open_device(*, local_rank: int) -> AcceleratorDevice:
    """Open one of the visible devices; suites lay their tensors into the host's memory."""
    device = AcceleratorDevice(KIND, local_rank, Torch())  # type: ignore[arg-type]
    device.torch_name = "cpu"
    return device


class Eye:
    """Telemetry of one device: its clock, and why it is held down."""

    source = "fake8 8.0"

    def __init__(self, index: int) -> None:
        """Look at device ``index`` of the host."""
        self.index = index
        fault = faults().get(str(index), {})
        self.factor = float(fault["factor"]) if fault.get("kind") == "throttle" else 1.0

    def device(self) -> dict[str, str]:
        """Say which device this is."""
        return {"uuid": UUIDS[self.index], "pci": PCIS[self.index], "name": KIND}

    def readings(self) -> dict[str, Any]:
        """Give a getter for each reading."""
        held = ["fake power cap"] if self.factor > 1 else []
        return {"sm_clock_mhz": lambda: 1000.0 / self.factor, "sm_clock_max_mhz": lambda: 1000.0, "throttle": lambda: held}

    def close(self) -> None:
        """Let nothing go."""


def open_telemetry(facts: dict[str, Any]) -> Eye:
    """Open the telemetry of the device that a rank sits on (``site.telemetry=fake8``)."""
    return Eye([uuid.lower() for uuid in UUIDS].index(str(facts["uuid"]).lower()))


open_device.visible_devices = lambda: len(visible())  # type: ignore[attr-defined]
