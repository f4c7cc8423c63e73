"""AMD devices through the amdsmi Python library (ROCm documentation, AMD SMI Python API). Getters only; not yet run on a GPU."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from assay.harness.telemetry.protocol import AbsentError, Getter, NoTelemetryError, Status

# amdsmi_status_t -> status of a reading; every other code is "failed", with the library's own words.
CODES: Mapping[int, Status] = {
    2: "not supported",
    3: "not supported",
    8: "timed out",
    10: "denied",
    31: "gone",
    32: "gone",
    34: "gone",
    40: "not supported",
}
VIOLATIONS = {
    "active_prochot_thrm": "processor hot",
    "active_ppt_pwr": "package power limit",
    "active_socket_thrm": "socket thermal",
    "active_vr_thrm": "voltage regulator thermal",
    "active_hbm_thrm": "memory thermal",
}
# Transfer rate of one lane in MT/s -> generation (PCI Express base specification).
RATES = {2500: 1, 5000: 2, 8000: 3, 16000: 4, 32000: 5, 64000: 6}


def open_amdsmi(facts: Mapping[str, Any]) -> AmdSmi:
    """Open the device that ``facts`` names by ``pci`` or ``uuid``; NoTelemetryError says in one sentence why not."""
    try:
        import amdsmi
    except (ImportError, OSError, KeyError) as error:  # its wrapper looks for the library by itself, and fails in many ways
        message = f"amdsmi cannot be imported (it comes with ROCm): {error}"
        raise NoTelemetryError(message) from error
    try:
        amdsmi.amdsmi_init()
    except amdsmi.AmdSmiException as error:
        message = f"amdsmi did not start: {error}"
        raise NoTelemetryError(message) from error
    return AmdSmi(facts, amdsmi)


class AmdSmi:
    """One device. The module is a parameter, so that a hand-written fake can stand in for it."""

    def __init__(self, facts: Mapping[str, Any], amdsmi: Any) -> None:
        """Find the device by PCI id, else by UUID."""
        self.smi = amdsmi
        wanted = {str(facts.get(name) or "").lower() for name in ("pci", "uuid")} - {""}
        if not wanted:
            message = "the device tells neither uuid nor pci, so amdsmi cannot know which it is"
            raise NoTelemetryError(message)
        try:
            handles = amdsmi.amdsmi_get_processor_handles()
            found = [handle for handle in handles if wanted & {self.told(ask, handle).lower() for ask in self.names()}]
        except amdsmi.AmdSmiException as error:
            message = f"amdsmi lists no devices: {error}"
            raise NoTelemetryError(message) from error
        if len(found) != 1:
            message = f"amdsmi knows {len(found)} devices called {' or '.join(sorted(wanted))}, of {len(handles)}"
            raise NoTelemetryError(message)
        self.handle = found[0]
        version = getattr(amdsmi, "__version__", "")
        self.source = f"amdsmi {version}".strip()

    def names(self) -> tuple[Callable[[Any], Any], ...]:
        """Give the calls that name a device."""
        return self.smi.amdsmi_get_gpu_device_bdf, self.smi.amdsmi_get_gpu_device_uuid

    def told(self, ask: Callable[[Any], Any], handle: Any) -> str:
        """Ask for a name; a device that has none of this kind is not the one."""
        try:
            return str(ask(handle))
        except self.smi.AmdSmiException:
            return ""

    def device(self) -> Mapping[str, str]:
        """Say which device this is."""
        bdf, uuid = (self.told(ask, self.handle) for ask in self.names())
        return {
            "uuid": uuid,
            "pci": bdf.lower(),
            "name": self.told(lambda h: self.smi.amdsmi_get_gpu_asic_info(h)["market_name"], self.handle),
        }

    def readings(self) -> Mapping[str, Getter]:
        """Give every getter."""
        return {name: partial(self.read, getter) for name, getter in self.getters()}

    def getters(self) -> Iterator[tuple[str, Callable[[Any], Any]]]:
        """Yield (name, call that takes the handle); what the library has no documented call for is not among them."""
        s = self.smi
        gfx, memory = s.AmdSmiClkType.GFX, s.AmdSmiClkType.MEM
        yield "sm_clock_mhz", lambda h: number(s.amdsmi_get_clock_info(h, gfx), "clk")
        yield "sm_clock_max_mhz", lambda h: number(s.amdsmi_get_clock_info(h, gfx), "max_clk")
        yield "memory_clock_mhz", lambda h: number(s.amdsmi_get_clock_info(h, memory), "clk")
        yield "memory_clock_max_mhz", lambda h: number(s.amdsmi_get_clock_info(h, memory), "max_clk")
        yield "power_watts", lambda h: number(s.amdsmi_get_power_info(h), "socket_power", "current_socket_power", "average_socket_power")
        yield "energy_joules", self.energy
        current = s.AmdSmiTemperatureMetric.CURRENT
        yield "temperature_celsius", lambda h: s.amdsmi_get_temp_metric(h, s.AmdSmiTemperatureType.HOTSPOT, current)
        yield "memory_temperature_celsius", lambda h: s.amdsmi_get_temp_metric(h, s.AmdSmiTemperatureType.VRAM, current)
        yield "throttle", self.throttle
        yield "ecc_volatile_corrected", lambda h: number(s.amdsmi_get_gpu_total_ecc_count(h), "correctable_count")
        yield "ecc_volatile_uncorrected", lambda h: number(s.amdsmi_get_gpu_total_ecc_count(h), "uncorrectable_count")
        yield "pcie_width", lambda h: number(s.amdsmi_get_pcie_info(h)["pcie_metric"], "pcie_width")
        yield "pcie_width_max", lambda h: number(s.amdsmi_get_pcie_info(h)["pcie_static"], "max_pcie_width")
        yield "pcie_generation", lambda h: generation(s.amdsmi_get_pcie_info(h)["pcie_metric"], "pcie_speed")
        yield "pcie_generation_max", lambda h: generation(s.amdsmi_get_pcie_info(h)["pcie_static"], "max_pcie_speed")
        yield "processes", self.processes

    def read(self, getter: Callable[[Any], Any]) -> Any:
        """Make one call; the library's error, and its N/A, become ours."""
        try:
            value = getter(self.handle)
        except self.smi.AmdSmiLibraryException as error:
            raise AbsentError(CODES.get(abs(error.get_error_code()), "failed"), f"amdsmi: {error}") from error
        except (AttributeError, KeyError) as error:
            message = f"this amdsmi has no {error}"
            raise AbsentError(status="not supported", detail=message) from error
        if value == "N/A":
            raise AbsentError(status="not supported", detail="amdsmi: N/A")
        return value

    def energy(self, handle: Any) -> float:
        """Give the counter: ticks x resolution in microjoules; the ticks were called ``power`` before ROCm 6.1."""
        count = self.smi.amdsmi_get_energy_count(handle)
        return float(number(count, "energy_accumulator", "power")) * float(number(count, "counter_resolution")) / 1e6

    def throttle(self, handle: Any) -> list[str]:
        """Name every violation that is active now; N/A of all of them is not supported."""
        status = self.smi.amdsmi_get_violation_status(handle)
        known = {name: status.get(name, "N/A") for name in VIOLATIONS}
        if all(value == "N/A" for value in known.values()):
            raise AbsentError(status="not supported", detail="amdsmi: N/A (before MI300 it has no violation status)")
        return [VIOLATIONS[name] for name, value in known.items() if value not in {"N/A", 0}]

    def processes(self, handle: Any) -> list[dict[str, Any]]:
        """List the processes on the device."""
        rows = self.smi.amdsmi_get_gpu_process_list(handle)
        return [{"pid": row["pid"], "name": known_name(row.get("name")), "memory_nbytes": memory(row)} for row in rows]

    def close(self) -> None:
        """Let the library go."""
        self.smi.amdsmi_shut_down()


def number(told: Mapping[str, Any], *names: str) -> Any:
    """Give the first of ``names`` that the device has; AbsentError if it has none."""
    for name in names:
        if told.get(name, "N/A") != "N/A":
            return told[name]
    raise AbsentError(status="not supported", detail=f"amdsmi: {' and '.join(names)} N/A")


def generation(told: Mapping[str, Any], name: str) -> int:
    """Turn a lane's transfer rate into the generation; a rate that no generation has is not guessed at."""
    rate = number(told, name)
    if rate not in RATES:
        raise AbsentError(status="failed", detail=f"amdsmi: {rate} MT/s is no PCIe generation's rate")
    return RATES[rate]


def known_name(name: object) -> str:
    """Name a process, or say that nobody does."""
    return str(name).rsplit("/", 1)[-1] if name not in {None, "", "N/A"} else "unknown"


def memory(row: Mapping[str, Any]) -> int | None:
    """Give the bytes of device memory of a process, or None."""
    held = (row.get("memory_usage") or {}).get("vram_mem", "N/A")
    return None if held == "N/A" else int(held)
