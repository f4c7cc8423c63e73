"""NVIDIA devices through NVML (nvidia-ml-py). Getters only; not yet run on a GPU, but against a library that a test compiles.

The meaning of every call: NVML API reference, https://docs.nvidia.com/deploy/nvml-api/.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from assay.harness.telemetry.protocol import AbsentError, Getter, NoTelemetryError, Status

# NVML return code -> status of a reading (nvmlReturn_t); every other code is "failed", with NVML's own words.
CODES: Mapping[int, Status] = {
    1: "gone",  # UNINITIALIZED: the driver was unloaded under us
    3: "not supported",
    4: "denied",
    9: "gone",  # DRIVER_NOT_LOADED
    10: "timed out",
    13: "not supported",  # FUNCTION_NOT_FOUND: the driver is older than the call
    15: "gone",  # GPU_IS_LOST
    16: "gone",  # RESET_REQUIRED
    25: "not supported",  # ARGUMENT_VERSION_MISMATCH
    28: "gone",  # GPU_NOT_FOUND
}
FUNCTION_NOT_FOUND, NO_PERMISSION, LIBRARY_NOT_FOUND, DRIVER_NOT_LOADED, MISMATCH = 13, 4, 12, 9, 18
# Bits of nvmlClocksEventReasons; idle is no throttling, and is told apart by results.
REASONS = {
    0x1: "gpu idle",
    0x2: "applications clocks setting",
    0x4: "software power cap",
    0x8: "hardware slowdown",
    0x10: "sync boost",
    0x20: "software thermal slowdown",
    0x40: "hardware thermal slowdown",
    0x80: "hardware power brake",
    0x100: "display clock setting",
    0x200: "board limit",
    0x400: "reliability",
}
SM, MEMORY, CHIP, CORRECTED, UNCORRECTED, VOLATILE, AGGREGATE = 1, 2, 0, 0, 1, 0, 1
MEMORY_TEMPERATURE, INSTANT_POWER = 82, 186  # NVML_FI_DEV_MEMORY_TEMP, NVML_FI_DEV_POWER_INSTANT (mW)
MOST_LINKS, LINK_ERRORS = 36, range(4)  # replay, recovery, CRC of flits, CRC of data
OF_AN_INSTANCE = ("processes",)
MIG_NOTE = "a MIG instance: clocks, power, energy, temperature, throttling, ECC and links belong to the whole device and are not read"


def open_nvml(facts: Mapping[str, Any]) -> Nvml:
    """Open the device that ``facts`` names by ``uuid`` or ``pci``; NoTelemetryError says in one sentence why not."""
    try:
        import pynvml
    except ImportError as error:
        message = f"nvidia-ml-py cannot be imported: {error}"
        raise NoTelemetryError(message) from error
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        raise NoTelemetryError(no_start(error)) from error
    try:
        return Nvml(facts, pynvml)
    except pynvml.NVMLError as error:
        message = f"NVML does not find the device {named(facts)}: {error}"
        raise NoTelemetryError(message) from error


def no_start(error: Any) -> str:
    """Say in one sentence why NVML did not start."""
    return {
        LIBRARY_NOT_FOUND: "NVML is missing: no libnvidia-ml.so.1 (it comes with the driver; in a container by --gpus or nvidia-ctk)",
        FUNCTION_NOT_FOUND: "NVML is too old: it lacks nvmlInitWithFlags (drivers from 2017 on have it)",
        NO_PERMISSION: "NVML is denied: this user may not open /dev/nvidiactl (video group, or the container's device list)",
        DRIVER_NOT_LOADED: "NVML finds no driver: the kernel module nvidia is not loaded",
        MISMATCH: "NVML does not fit the driver: library and kernel module are of different versions (reboot after an update)",
    }.get(error.value, f"NVML did not start: {error}")


def named(facts: Mapping[str, Any]) -> str:
    """Name the device as the facts do."""
    return str(facts.get("uuid") or facts.get("pci") or "without uuid or pci")


class Nvml:
    """One device or MIG instance. The module is a parameter, so that a hand-written fake can stand in for it."""

    def __init__(self, facts: Mapping[str, Any], pynvml: Any) -> None:
        """Find the device by UUID, else by PCI id: an index would be another one under a mask."""
        self.nvml = pynvml
        uuid, pci = str(facts.get("uuid") or ""), str(facts.get("pci") or "")
        if uuid:
            whole = uuid if uuid.startswith(("GPU-", "MIG-")) else f"GPU-{uuid}"  # torch leaves the prefix out
            self.handle = pynvml.nvmlDeviceGetHandleByUUID(whole)
        elif pci:
            self.handle = pynvml.nvmlDeviceGetHandleByPciBusId(pci)
        else:
            message = "the device tells neither uuid nor pci, so NVML cannot know which it is"
            raise NoTelemetryError(message)
        self.instance = uuid.startswith("MIG-")
        version, driver = pynvml.nvmlSystemGetNVMLVersion(), pynvml.nvmlSystemGetDriverVersion()
        self.source = f"nvml {version} (driver {driver})"

    def device(self) -> Mapping[str, str]:
        """Say which device this is."""
        told = {}
        for name, ask in (("uuid", self.nvml.nvmlDeviceGetUUID), ("name", self.nvml.nvmlDeviceGetName), ("pci", self.pci)):
            try:
                told[name] = str(ask(self.handle))
            except self.nvml.NVMLError:
                continue
        return told | ({"note": MIG_NOTE} if self.instance else {})

    def pci(self, handle: Any) -> str:
        """Give the PCI id as Linux writes it: dddd:bb:dd.f."""
        whole = self.nvml.nvmlDeviceGetPciInfo(handle).busId
        domain, rest = str(whole.decode() if isinstance(whole, bytes) else whole).lower().split(":", 1)
        return f"{domain[-4:]}:{rest}"

    def readings(self) -> Mapping[str, Getter]:
        """Give every getter; on a MIG instance all but the processes say that they are the whole device's."""
        getters = {name: partial(self.told, getter) for name, getter in self.getters()}
        if self.instance:
            return {name: getter if name in OF_AN_INSTANCE else instance_has_none for name, getter in getters.items()}
        return getters

    def getters(self) -> Iterator[tuple[str, Callable[[Any], Any]]]:
        """Yield (name, call that takes the handle)."""
        n = self.nvml
        yield "sm_clock_mhz", lambda h: n.nvmlDeviceGetClockInfo(h, SM)
        yield "sm_clock_max_mhz", lambda h: n.nvmlDeviceGetMaxClockInfo(h, SM)
        yield "memory_clock_mhz", lambda h: n.nvmlDeviceGetClockInfo(h, MEMORY)
        yield "memory_clock_max_mhz", lambda h: n.nvmlDeviceGetMaxClockInfo(h, MEMORY)
        yield "power_watts", self.power
        yield "power_limit_watts", lambda h: n.nvmlDeviceGetEnforcedPowerLimit(h) / 1e3
        yield "energy_joules", lambda h: n.nvmlDeviceGetTotalEnergyConsumption(h) / 1e3
        yield "temperature_celsius", lambda h: n.nvmlDeviceGetTemperature(h, CHIP)
        yield "memory_temperature_celsius", lambda h: self.field(h, MEMORY_TEMPERATURE)
        yield "throttle", self.throttle
        for counter, length in ((VOLATILE, "volatile"), (AGGREGATE, "aggregate")):
            for kind, word in ((CORRECTED, "corrected"), (UNCORRECTED, "uncorrected")):
                yield f"ecc_{length}_{word}", partial(n.nvmlDeviceGetTotalEccErrors, errorType=kind, counterType=counter)
        for place, name in enumerate(("remapped_rows_corrected", "remapped_rows_uncorrected", "remap_pending", "remap_failed")):
            yield name, partial(self.remapped, place)
        yield "pcie_width", n.nvmlDeviceGetCurrPcieLinkWidth
        yield "pcie_width_max", n.nvmlDeviceGetMaxPcieLinkWidth
        yield "pcie_generation", n.nvmlDeviceGetCurrPcieLinkGeneration
        yield "pcie_generation_max", n.nvmlDeviceGetMaxPcieLinkGeneration
        yield "nvlink_links", lambda h: len(self.links(h))
        yield "nvlink_active", lambda h: sum(self.links(h).values())
        yield "nvlink_errors", self.link_errors
        yield "processes", self.processes

    def told(self, getter: Callable[[Any], Any]) -> Any:
        """Make one call; NVML's error becomes ours."""
        try:
            return getter(self.handle)
        except self.nvml.NVMLError as error:
            raise AbsentError(status=CODES.get(error.value, "failed"), detail=f"NVML: {error}") from error

    def field(self, handle: Any, number: int) -> float:
        """Read one field value; its own return code counts. All fields read here are unsigned ints."""
        (value,) = self.nvml.nvmlDeviceGetFieldValues(handle, [number])
        if value.nvmlReturn != 0:
            raise self.nvml.NVMLError(value.nvmlReturn)
        return int(value.value.uiVal)

    def power(self, handle: Any) -> float:
        """Read the power of this moment; older drivers have only the one that is averaged over a second from Ampere on."""
        try:
            return self.field(handle, INSTANT_POWER) / 1e3
        except self.nvml.NVMLError as error:
            if CODES.get(error.value) != "not supported" and error.value != 2:  # noqa: PLR2004 - INVALID_ARGUMENT: an unknown field
                raise
        return float(self.nvml.nvmlDeviceGetPowerUsage(handle)) / 1e3

    def throttle(self, handle: Any) -> list[str]:
        """Name every reason whose bit is set, unknown bits too; the call has another name before driver 535."""
        try:
            mask = self.nvml.nvmlDeviceGetCurrentClocksEventReasons(handle)
        except self.nvml.NVMLError as error:
            if error.value != FUNCTION_NOT_FOUND:
                raise
            mask = self.nvml.nvmlDeviceGetCurrentClocksThrottleReasons(handle)
        bits = [1 << place for place in range(64) if mask >> place & 1]
        return [REASONS.get(bit, f"unknown reason {bit:#x}") for bit in bits]

    def remapped(self, place: int, handle: Any) -> int:
        """Give one of the four parts that NVML tells together."""
        return int(self.nvml.nvmlDeviceGetRemappedRows(handle)[place])

    def links(self, handle: Any) -> dict[int, int]:
        """Give each link that exists with 1 if it is up; a device without any says not supported."""
        found = {}
        for link in range(MOST_LINKS):
            try:
                found[link] = int(self.nvml.nvmlDeviceGetNvLinkState(handle, link))
            except self.nvml.NVMLError as error:
                if error.value not in {2, 3}:  # INVALID_ARGUMENT: no such link; NOT_SUPPORTED: none at all
                    raise
                if not found and error.value == 3:  # noqa: PLR2004
                    raise
                break
        return found

    def link_errors(self, handle: Any) -> int:
        """Add all error counters of all links that are up."""
        up = [link for link, active in self.links(handle).items() if active]
        return sum(self.nvml.nvmlDeviceGetNvLinkErrorCounter(handle, link, kind) for link in up for kind in LINK_ERRORS)

    def processes(self, handle: Any) -> list[dict[str, Any]]:
        """List compute processes, those under MPS too; memory is None where the driver does not tell."""
        found = {p.pid: p for p in self.versioned("nvmlDeviceGetComputeRunningProcesses", handle)}
        try:
            found |= {p.pid: p for p in self.versioned("nvmlDeviceGetMPSComputeRunningProcesses", handle)}
        except self.nvml.NVMLError as error:
            if CODES.get(error.value) != "not supported":
                raise
        return [{"pid": pid, "name": self.name(pid), "memory_nbytes": found[pid].usedGpuMemory} for pid in sorted(found)]

    def versioned(self, name: str, handle: Any) -> Any:
        """Call the third version of a function, or the second where the driver is older; they give the same."""
        try:
            return getattr(self.nvml, f"{name}_v3")(handle)
        except self.nvml.NVMLError as error:
            if error.value != FUNCTION_NOT_FOUND:
                raise
        return getattr(self.nvml, f"{name}_v2")(handle)

    def name(self, pid: int) -> str:
        """Name a process; only the driver knows whose number this is, since in a container it may be another's here."""
        try:
            told = self.nvml.nvmlSystemGetProcessName(pid)
        except self.nvml.NVMLError:
            return "unknown"
        return str(told.decode(errors="replace") if isinstance(told, bytes) else told).rsplit("/", 1)[-1] or "unknown"

    def close(self) -> None:
        """Let NVML go."""
        self.nvml.nvmlShutdown()


def instance_has_none() -> None:
    """Say that a MIG instance has no reading of its own."""
    raise AbsentError(status="not supported", detail=MIG_NOTE)
