"""A device: what it is called, which number formats it has, and how a step on it is timed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol


class Clock(Protocol):
    """What times steps: a device in its own way, or one of its others."""

    def timer(self) -> Mapping[str, Any]:
        """Name the clock, with its resolution and overhead in seconds."""

    def time(
        self,
        step: Callable[[], object],
        reps: range,
        *,
        before: Callable[[int], None] | None = None,
        after: Callable[[int], None] | None = None,
    ) -> list[float]:
        """Run ``before(i); step(); after(i)`` for each repetition and return the seconds of each step alone."""


class Device(Clock, Protocol):
    """One rank's device.

    A device may have more: ``timed_by(timing)`` (other ways of timing), ``probe()`` and ``free_nbytes()`` (whether it is well), all as in
    ``AcceleratorDevice``. What it lacks is said to be not applicable, or not looked at.

    Attributes:
        kind: ``cpu``, ``cuda``, ``xpu``, ...: part of the case key.
        torch_name: what ``torch.device`` takes (``cpu``, ``cuda:0``).
        formats: number formats with a matrix unit of their own (``fp32``, ``bf16``, ``fp8``).

    """

    kind: str
    torch_name: str
    formats: frozenset[str]

    def sync(self) -> None:
        """Wait until all work given to the device is done."""

    def facts(self) -> Mapping[str, Any]:
        """Describe the device; bytes in ``memory_nbytes``.

        Telemetry and binding know a device by ``uuid`` and ``pci`` (``dddd:bb:dd.f``, lower case), both empty where it has none.
        """
