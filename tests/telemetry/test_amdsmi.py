"""The amdsmi adapter against a hand-written module with the documented calls."""

# ruff: noqa: D102, ARG002 - the fake has the calls of the library, with the names and shapes that are documented
from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from assay.harness.telemetry.amdsmi import AmdSmi
from assay.harness.telemetry.protocol import AbsentError, NoTelemetryError

CALLED: list[str] = []


class LibraryError(Exception):
    """What every call of the library may raise."""

    def __init__(self, code: int) -> None:
        """Keep the code."""
        super().__init__(f"code {code}")
        self.code = code

    def get_error_code(self) -> int:
        """Give the code."""
        return self.code


class FakeSmi:
    """Two devices; the second is older and says N/A to most, and refuses its ECC counters."""

    AmdSmiException = AmdSmiLibraryException = LibraryError
    AmdSmiClkType = SimpleNamespace(GFX="gfx", MEM="mem")
    AmdSmiTemperatureType = SimpleNamespace(HOTSPOT="hotspot", VRAM="vram")
    AmdSmiTemperatureMetric = SimpleNamespace(CURRENT="current")
    __version__ = "25.3"

    def amdsmi_get_processor_handles(self) -> list[int]:
        return [0, 1]

    def amdsmi_get_gpu_device_bdf(self, h: int) -> str:
        return f"0000:0{h + 1}:00.0"

    def amdsmi_get_gpu_device_uuid(self, h: int) -> str:
        return f"uuid-{h}"

    def amdsmi_get_gpu_asic_info(self, h: int) -> dict[str, Any]:
        return {"market_name": "AMD Instinct MI300X"}

    def amdsmi_get_clock_info(self, h: int, kind: str) -> dict[str, Any]:
        return {"clk": 2100 if kind == "gfx" else 1300, "max_clk": 2100 if kind == "gfx" else 1300}

    def amdsmi_get_power_info(self, h: int) -> dict[str, Any]:
        return {"current_socket_power": "N/A" if h else 640, "average_socket_power": 180 if h else "N/A"}

    def amdsmi_get_energy_count(self, h: int) -> dict[str, Any]:
        return {"power" if h else "energy_accumulator": 2_000_000, "counter_resolution": 15.3, "timestamp": 1}

    def amdsmi_get_temp_metric(self, h: int, kind: str, metric: str) -> int:
        if h:
            raise LibraryError(2)
        return {"hotspot": 66, "vram": 52}[kind]

    def amdsmi_get_violation_status(self, h: int) -> dict[str, Any]:
        names = ("active_prochot_thrm", "active_ppt_pwr", "active_socket_thrm", "active_vr_thrm", "active_hbm_thrm")
        return {name: "N/A" if h else int(name == "active_ppt_pwr") for name in names}

    def amdsmi_get_gpu_total_ecc_count(self, h: int) -> dict[str, Any]:
        if h:
            raise LibraryError(10)
        return {"correctable_count": 4, "uncorrectable_count": 0, "deferred_count": 0}

    def amdsmi_get_pcie_info(self, h: int) -> dict[str, Any]:
        return {
            "pcie_static": {"max_pcie_width": 16, "max_pcie_speed": 32000},
            "pcie_metric": {"pcie_width": 16, "pcie_speed": 1234 if h else 32000},
        }

    def amdsmi_get_gpu_process_list(self, h: int) -> list[dict[str, Any]]:
        return [
            {"pid": 77, "name": "/opt/bin/train", "memory_usage": {"vram_mem": 1 << 30}},
            {"pid": 78, "name": "N/A", "memory_usage": {}},
        ]

    def amdsmi_shut_down(self) -> None:
        CALLED.append("shut down")


def read(adapter: AmdSmi) -> dict[str, Any]:
    """Read everything: values, or the status where there is none."""
    found: dict[str, Any] = {}
    for name, getter in adapter.readings().items():
        try:
            found[name] = getter()
        except AbsentError as absent:
            found[name] = absent.status
    return found


def test_a_device_found_by_pci_tells_everything_in_our_units() -> None:
    adapter = AmdSmi({"pci": "0000:01:00.0"}, FakeSmi())
    assert adapter.source == "amdsmi 25.3"
    assert adapter.device() == {"uuid": "uuid-0", "pci": "0000:01:00.0", "name": "AMD Instinct MI300X"}
    found = read(adapter)
    assert found["energy_joules"] == pytest.approx(30.6)  # two million ticks of 15.3 microjoules
    assert (found["power_watts"], found["temperature_celsius"], found["memory_temperature_celsius"]) == (640, 66, 52)
    assert (found["sm_clock_mhz"], found["memory_clock_max_mhz"], found["throttle"]) == (2100, 1300, ["package power limit"])
    assert (found["ecc_volatile_corrected"], found["ecc_volatile_uncorrected"]) == (4, 0)
    assert (found["pcie_width"], found["pcie_generation"], found["pcie_generation_max"]) == (16, 5, 5)
    assert found["processes"] == [
        {"pid": 77, "name": "train", "memory_nbytes": 1 << 30},
        {"pid": 78, "name": "unknown", "memory_nbytes": None},
    ]


def test_an_older_device_says_of_each_reading_why_it_is_not_there() -> None:
    found = read(AmdSmi({"uuid": "uuid-1"}, FakeSmi()))
    assert (found["power_watts"], found["energy_joules"]) == (180, pytest.approx(30.6))  # under their older names
    assert (found["temperature_celsius"], found["throttle"], found["ecc_volatile_corrected"]) == (
        "not supported",
        "not supported",
        "denied",
    )
    assert found["pcie_generation"] == "failed"  # a rate that no generation has is no guess


@pytest.mark.parametrize("facts", [{}, {"pci": "0000:09:00.0"}])
def test_a_device_that_cannot_be_found_is_a_reason(facts: dict[str, str]) -> None:
    with pytest.raises(NoTelemetryError, match=r"neither uuid nor pci|knows 0 devices"):
        AmdSmi(facts, FakeSmi())
