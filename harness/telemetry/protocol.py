"""Telemetry of one device: named readings, each with a status of its own; only getters, nothing on a device is ever changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, Protocol

Status = Literal["ok", "not supported", "denied", "gone", "timed out", "failed"]

# Names that every adapter uses, with unit and meaning. A package's adapter may give others too; they are stored as they come.
READINGS: Mapping[str, str] = MappingProxyType(
    {
        "sm_clock_mhz": "MHz, of the compute units now",
        "sm_clock_max_mhz": "MHz, the highest that the device may reach",
        "memory_clock_mhz": "MHz, of the memory now",
        "memory_clock_max_mhz": "MHz, the highest that the memory may reach",
        "power_watts": "W, of the whole board now",
        "power_limit_watts": "W, the limit that is enforced now",
        "energy_joules": "J, counter since the driver was loaded",
        "temperature_celsius": "degrees C, of the chip",
        "memory_temperature_celsius": "degrees C, of the memory",
        "throttle": "names of the reasons why clocks are held down",
        "ecc_volatile_corrected": "errors since the last reset",
        "ecc_volatile_uncorrected": "errors since the last reset",
        "ecc_aggregate_corrected": "errors in the device's life",
        "ecc_aggregate_uncorrected": "errors in the device's life",
        "remapped_rows_corrected": "memory rows replaced after corrected errors",
        "remapped_rows_uncorrected": "memory rows replaced after uncorrected errors",
        "remap_pending": "1 if rows wait for a reset to be replaced",
        "remap_failed": "1 if a row could not be replaced",
        "pcie_width": "lanes now",
        "pcie_width_max": "lanes that device and slot can have",
        "pcie_generation": "generation now (lower while the device idles)",
        "pcie_generation_max": "generation that device and slot can have",
        "nvlink_links": "links that the device has",
        "nvlink_active": "links that are up",
        "nvlink_errors": "replays, recoveries and CRC errors of all links",
        "processes": "compute processes on the device: pid, name, memory_nbytes",
    }
)
# Read again and again while a case runs; all others before and after only.
SAMPLED = ("power_watts", "energy_joules", "sm_clock_mhz", "temperature_celsius", "throttle", "pcie_generation")

Getter = Callable[[], Any]


class AbsentError(Exception):
    """A reading that cannot be had, with its status and why. Never a zero in its place."""

    def __init__(self, status: Status, detail: str = "") -> None:
        """Keep both parts."""
        super().__init__(detail or status)
        self.status, self.detail = status, detail


class NoTelemetryError(Exception):
    """There is no telemetry for this device here: the run goes on with ``telemetry: none (reason)``."""


@dataclass(frozen=True)
class Reading:
    """One reading: ``value`` if the status is ``ok`` (a number, names, or processes), else None and why."""

    status: Status
    value: Any = None
    detail: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Give the reading as plain JSON, without what it does not have."""
        return {"status": self.status, "value": self.value} if self.status == "ok" else {"status": self.status, "detail": self.detail}


class Telemetry(Protocol):
    """What one adapter knows about one device.

    Attributes:
        source: library and version, such as ``nvml 12.575.57 (driver 575.57)``.

    """

    source: str

    def device(self) -> Mapping[str, str]:
        """Say which device this is: ``uuid``, ``pci``, ``name``, and what is not available on it (``note``)."""

    def readings(self) -> Mapping[str, Getter]:
        """Give a getter for each reading, in the order in which they are read; a getter raises ``AbsentError``."""

    def close(self) -> None:
        """Let the library go."""
