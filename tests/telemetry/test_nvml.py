"""The real nvidia-ml-py against a library of our own: eight devices, each with a trouble of its own, each with its own status."""

from __future__ import annotations

import contextlib
import ctypes
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from assay.harness.door import doctor
from assay.harness.telemetry.none import NoWatch
from assay.harness.telemetry.protocol import READINGS
from assay.harness.telemetry.watch import Watch, open_watch
from assay.results.energy import Energy
from assay.results.telemetry import energy_of, marks

CALL_SECONDS = 0.5
SECONDS = 2.4  # of the case: energy takes two


@dataclass(frozen=True)
class Seen:
    """What the eight watches told of one case, and how long the last answer took on each."""

    told: Mapping[int, Mapping[str, Any]]
    seconds: Mapping[int, float]
    again: Mapping[str, Any]  # what device 4 told of a second case
    again_seconds: float
    called: list[str]


def watch(number: int) -> Watch:
    """Open the watch of one device, named as torch names it."""
    return open_watch("auto", {"kind": "cuda", "uuid": f"fake-{number}"}, call_seconds=CALL_SECONDS)


@pytest.fixture(scope="module")
def seen(compiled: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """Run one case on all eight at once; in its middle one device is lost, one call hangs, one device's counters start anew."""
    folder = tmp_path_factory.mktemp("files")
    log = folder / "log"
    environ = {f"FAKE_NVML_{name}": str(folder / name) for name in ("LOST", "HANG", "RESET")}
    with pytest.MonkeyPatch.context() as patch, contextlib.ExitStack() as keep:
        for name, value in {**environ, "FAKE_NVML_LOG": str(log), "FAKE_NVML_PID": "1", "LD_LIBRARY_PATH": str(compiled())}.items():
            patch.setenv(name, value)
        watches = {number: keep.enter_context(contextlib.closing(watch(number))) for number in range(8)}
        for one in watches.values():
            one.ours = frozenset([os.getpid()])
            one.begin()
        start = time.monotonic()
        time.sleep(SECONDS / 2)
        for name in ("LOST", "HANG", "RESET"):
            (folder / name).touch()
        time.sleep(SECONDS / 2)
        window = (start, time.monotonic())
        told, seconds = {}, {}
        for number, one in watches.items():
            asked = time.monotonic()
            told[number] = one.end(window)
            seconds[number] = time.monotonic() - asked
        asked = time.monotonic()
        watches[4].begin()
        again = watches[4].end(window)
        took = time.monotonic() - asked
    return Seen(told, seconds, again, took, log.read_text(encoding="utf-8").split())


def statuses(row: Mapping[str, Any], when: str) -> dict[str, str]:
    """Give the status of every reading."""
    return {name: reading["status"] for name, reading in row[when].items()}


def bare(found: tuple[str, ...]) -> list[str]:
    """Give marks without their details."""
    return [mark.split(" [")[0] for mark in found]


def test_a_sound_device_has_every_reading_and_no_mark(seen: Seen) -> None:
    row = seen.told[0]
    assert row["device"] == {"uuid": "GPU-fake-0", "name": "Fake GPU", "pci": "0000:10:00.0"}
    assert "12.999.1" in row["source"]
    assert set(row["before"]) == set(READINGS)
    assert set(statuses(row, "before").values()) == set(statuses(row, "after").values()) == {"ok"}
    values = {name: reading["value"] for name, reading in row["after"].items()}
    assert (values["power_watts"], values["temperature_celsius"], values["memory_temperature_celsius"]) == (300.0, 61, 77)
    assert (values["nvlink_links"], values["nvlink_active"], values["nvlink_errors"], values["pcie_width"]) == (18, 18, 5, 16)
    assert marks(row) == ()


def test_its_joules_are_power_times_time(seen: Seen) -> None:
    found = energy_of(seen.told[0])
    assert isinstance(found, Energy), found
    assert found.joules == pytest.approx(300 * found.seconds, rel=0.02)
    assert found.seconds >= 2
    assert found.n > 10


def test_a_throttled_device_is_told_by_name_with_the_share_of_samples(seen: Seen) -> None:
    found = marks(seen.told[1])
    assert [mark for mark in found if mark.startswith("throttled: hardware thermal slowdown [100% of ")]
    assert "throttled: software power cap" in bare(found)
    assert "clock state: below its maximum [1200 of 1980 MHz, 61%]" in found
    assert "NVLink: not every link is up [17 of 18]" in found


def test_a_device_without_ecc_says_not_supported_and_never_zero(seen: Seen) -> None:
    row = seen.told[2]
    absent = {name for name, status in statuses(row, "after").items() if status == "not supported"}
    assert absent == {name for name in READINGS if name.startswith(("ecc_", "remap", "nvlink", "memory_temperature"))}
    assert all("value" not in row["after"][name] for name in absent)
    assert row["after"]["power_watts"] == {"status": "ok", "value": 300.0}  # by the older call
    assert marks(row) == ()


def test_a_device_that_vanishes_is_gone_from_then_on(seen: Seen) -> None:
    row = seen.told[3]
    assert set(statuses(row, "before").values()) == {"ok"}
    assert set(statuses(row, "after").values()) == {"gone"}
    assert bare(marks(row)) == ["telemetry lost in mid-case: gone"]
    power = row["samples"]["power_watts"]
    assert power[0] == 300.0
    assert power[-1] is None


def test_a_call_that_hangs_ends_at_its_deadline_and_nothing_is_called_again(seen: Seen) -> None:
    row = seen.told[4]
    assert "did not return within 0.5 s" in row["hung"]
    assert set(statuses(row, "after").values()) == {"timed out"}
    assert row["samples"]["lost"]["temperature_celsius"]["status"] == "timed out"
    assert seen.seconds[4] < 2 * CALL_SECONDS  # the sampling ran into it already
    assert "telemetry lost in mid-case: timed out" in bare(marks(row))
    assert set(statuses(seen.again, "before").values()) == {"timed out"}
    assert "not asked" in seen.again["before"]["power_watts"]["detail"]
    assert seen.again_seconds < CALL_SECONDS


def test_counters_that_go_backwards_are_told_and_give_no_figure(seen: Seen) -> None:
    found = bare(marks(seen.told[5]))
    assert "energy counter went backwards" in found
    assert "counter of uncorrected ECC errors went backwards" in found
    assert energy_of(seen.told[5]) == "the energy counter went backwards"


def test_what_is_denied_is_denied_and_the_rest_is_there(seen: Seen) -> None:
    row = seen.told[6]
    assert row["after"]["power_watts"]["status"] == row["after"]["processes"]["status"] == "denied"
    assert row["after"]["sm_clock_mhz"] == {"status": "ok", "value": 1980}
    assert marks(row) == ("PCIe narrower than its maximum [x8 of 16]",)
    assert energy_of(row) == "energy_joules: denied"


def test_counter_and_power_that_disagree_give_no_joules(seen: Seen) -> None:
    found = energy_of(seen.told[7])
    assert isinstance(found, str)
    assert found.startswith("counter and sampled power disagree by 100%")  # 150 W counted, 300 W told


def test_somebody_elses_process_is_named(seen: Seen) -> None:
    assert seen.told[7]["foreign"] == [{"pid": 1, "name": "train.py", "memory_nbytes": 4 << 30}]
    assert marks(seen.told[7]) == ("shared with train.py (pid 1)",)


def getters_only(called: list[str]) -> list[str]:
    """List the calls that are no getters."""
    return sorted(
        {name for name in called if not name.startswith(("nvmlDeviceGet", "nvmlSystemGet", "nvmlErrorString", "nvmlInit", "nvmlShutdown"))}
    )


def test_only_getters_are_called_and_no_device_by_index(seen: Seen) -> None:
    assert "nvmlDeviceGetTotalEnergyConsumption" in seen.called
    assert getters_only(seen.called) == []
    assert "nvmlDeviceGetHandleByIndex_v2" not in seen.called


def test_a_setter_would_be_seen(compiled: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_NVML_LOG", str(tmp_path / "log"))
    ctypes.CDLL(str(compiled() / "libnvidia-ml.so.1")).nvmlDeviceSetPersistenceMode(None, 1)
    assert getters_only((tmp_path / "log").read_text(encoding="utf-8").split()) == ["nvmlDeviceSetPersistenceMode"]


@pytest.fixture
def opened(with_library: Callable[[Path], None]) -> Iterator[Callable[..., Watch]]:
    """Give a callable that opens a watch with a library and closes it at the end."""
    with contextlib.ExitStack() as keep:

        def open_it(folder: Path, **facts: str) -> Watch:
            with_library(folder)
            return keep.enter_context(contextlib.closing(open_watch("auto", {"kind": "cuda", **facts}, call_seconds=CALL_SECONDS)))

        yield open_it


def test_a_device_is_found_by_its_pci_id(compiled: Callable[..., Path], opened: Callable[..., Watch]) -> None:
    one = opened(compiled(), pci="0000:15:00.0")
    one.begin()
    assert one.end(None)["device"]["uuid"] == "GPU-fake-5"


def test_a_mig_instance_says_what_it_has_not(compiled: Callable[..., Path], opened: Callable[..., Watch]) -> None:
    one = opened(compiled(), uuid="MIG-fake-0")
    one.begin()
    row = one.end(None)
    found = {name for name, status in statuses(row, "after").items() if status == "ok"}
    assert found == {"processes"}
    assert "MIG instance" in row["device"]["note"]
    assert marks(row) == ()


def test_an_older_driver_has_its_throttle_reasons_under_the_older_name(compiled: Callable[..., Path], opened: Callable[..., Watch]) -> None:
    one = opened(compiled("OLDER"), uuid="fake-1")
    one.begin()
    assert one.end(None)["after"]["throttle"]["value"] == ["software power cap", "hardware thermal slowdown"]


@pytest.mark.parametrize(
    ("definitions", "code", "facts", "words"),
    [
        ((), None, {"uuid": "fake-9"}, "does not find the device fake-9"),
        ((), None, {}, "neither uuid nor pci"),
        (("OLD",), None, {"uuid": "fake-0"}, "NVML is too old"),
        ((), "4", {"uuid": "fake-0"}, "NVML is denied"),
        ((), "9", {"uuid": "fake-0"}, "NVML finds no driver"),
        ((), "18", {"uuid": "fake-0"}, "does not fit the driver"),
        ((), "999", {"uuid": "fake-0"}, "NVML did not start"),
    ],
)
def test_an_nvml_that_cannot_be_used_is_one_sentence(
    compiled: Callable[..., Path],
    opened: Callable[..., Watch],
    monkeypatch: pytest.MonkeyPatch,
    definitions: tuple[str, ...],
    code: str | None,
    facts: dict[str, str],
    words: str,
) -> None:
    if code is not None:
        monkeypatch.setenv("FAKE_NVML_INIT", code)
    none = opened(compiled(*definitions), **facts)
    assert isinstance(none, NoWatch)
    assert words in none.reason
    assert none.end(None) == {"source": "none", "reason": none.reason}


def test_doctor_tells_the_library_and_what_is_missing(
    compiled: Callable[..., Path], with_library: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    with_library(compiled())
    found = doctor.telemetry()
    assert (found.ok, found.seen) == (True, "nvml 12.999.1, 8 devices")
    monkeypatch.setenv("FAKE_NVML_INIT", "4")
    refused = doctor.telemetry()
    assert not refused.ok
    assert "Insufficient Permissions" in refused.seen


def test_an_nvml_that_is_missing_is_one_sentence(tmp_path: Path, opened: Callable[..., Watch]) -> None:
    try:
        ctypes.CDLL("libnvidia-ml.so.1")
    except OSError:
        none = opened(tmp_path, uuid="fake-0")
        assert isinstance(none, NoWatch)
        assert "NVML is missing" in none.reason
        return
    pytest.skip("this machine has a libnvidia-ml.so.1 of its own")
