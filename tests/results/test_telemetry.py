"""Marks and records from telemetry: each trouble planted is found, and a sound device has no mark."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from assay.harness.measurement import Measurement
from assay.results.document import document
from assay.results.judge import judge
from assay.results.metrics import derive
from assay.results.record import Record
from assay.results.report import render
from assay.results.telemetry import marks, rows
from tests.results.builders import MEASURED, ROOT, bare_rules, case, measured, write_run

READ = {
    "sm_clock_mhz": 1980,
    "sm_clock_max_mhz": 1980,
    "power_watts": 300.0,
    "energy_joules": 1e6,
    "ecc_volatile_uncorrected": 0,
    "pcie_width": 16,
    "pcie_width_max": 16,
    "pcie_generation": 1,
    "pcie_generation_max": 5,
    "nvlink_links": 18,
    "nvlink_active": 18,
    "nvlink_errors": 7,
    "remap_pending": 0,
}
TIMES = [0.1] * 30
NONE = {"source": "none", "reason": "NVML is missing"}


def sound(seconds: float = 3.0) -> dict[str, Any]:
    """Make what a sound device tells of a case: 300 W, warm-up before the timed part, which begins at 0."""
    at = [round(-0.5 + i / 10, 3) for i in range(round((seconds + 0.6) * 10))]
    columns = {
        "seconds": at,
        "power_watts": [300.0] * len(at),
        "energy_joules": [1e6 + 300 * t for t in at],
        "sm_clock_mhz": [1980] * len(at),
        "temperature_celsius": [60] * len(at),
        "throttle": [["gpu idle"] if t < 0 else [] for t in at],
        "pcie_generation": [5] * len(at),
        "lost": {},
    }
    return {
        "source": "fake 1",
        "device": {"uuid": "GPU-0", "name": "Fake"},
        "before": {name: {"status": "ok", "value": value} for name, value in READ.items()},
        "after": {name: {"status": "ok", "value": value} for name, value in READ.items()},
        "samples": columns,
        "period_seconds": 0.1,
        "window_seconds": seconds,
        "foreign": [],
        "hung": "",
        "lost": "",
    }


def setting(*path: str, to: Any) -> Callable[[dict[str, Any]], None]:
    """Give a change that sets one value."""

    def change(row: dict[str, Any]) -> None:
        for step in path[:-1]:
            row = row[step]
        row[path[-1]] = to

    return change


def half(name: str, early: Any, late: Any) -> Callable[[dict[str, Any]], None]:
    """Give a change that fills a column with two values, one for each half of the timed part."""

    def change(row: dict[str, Any]) -> None:
        row["samples"][name] = [early if t < 1.5 else late for t in row["samples"]["seconds"]]

    return change


def test_a_sound_device_has_no_mark() -> None:
    assert marks(sound()) == ()
    assert marks(NONE) == ()


@pytest.mark.parametrize(
    ("change", "mark"),
    [
        (half("throttle", [], ["software power cap"]), "throttled: software power cap [52% of 31 samples]"),
        (
            half("throttle", ["applications clocks setting"], ["applications clocks setting"]),
            "clock state: held by applications clocks [100% of 31 samples]",
        ),
        (half("sm_clock_mhz", 1410, 1410), "clock state: below its maximum [1410 of 1980 MHz, 71%]"),
        (half("sm_clock_mhz", 1700, 1980), "clock state: not steady, so not locked [1700..1980 MHz]"),
        (setting("foreign", to=[{"pid": 7, "name": "train", "memory_nbytes": 1}]), "shared with train (pid 7)"),
        (setting("after", "ecc_volatile_uncorrected", "value", to=2), "uncorrected ECC errors grew [by 2]"),
        (setting("after", "nvlink_errors", "value", to=0), "counter of NVLink errors went backwards [7 to 0]"),
        (setting("after", "remap_pending", "value", to=1), "remapped rows wait for a reset"),
        (setting("after", "nvlink_active", "value", to=17), "NVLink: not every link is up [17 of 18]"),
        (half("pcie_generation", 3, 3), "PCIe slower than its maximum [generation 3 of 5]"),
        (half("energy_joules", 1e6, 10.0), "energy counter went backwards"),
        (setting("after", "power_watts", to={"status": "gone", "detail": "x"}), "telemetry lost in mid-case: gone [power_watts]"),
        (setting("lost", to="the helper ended"), "telemetry lost in mid-case [the helper ended]"),
    ],
)
def test_each_trouble_is_marked(change: Callable[[dict[str, Any]], None], mark: str) -> None:
    row = sound()
    change(row)
    assert mark in marks(row)


def test_a_narrower_link_is_marked_and_a_generation_that_idles_is_not() -> None:
    row = sound()
    for when in ("before", "after"):
        row[when]["pcie_width"]["value"] = 8
    assert marks(row) == ("PCIe narrower than its maximum [x8 of 16]",)  # generation 1 was read idle, 5 in the samples


def records(measurement: Measurement) -> dict[tuple[str, str], Record]:
    """Derive, by subject and metric."""
    found = derive([measurement], run="r", hardware=MEASURED, hw_class="hw", sw_class="sw")
    return {(record.subject, record.metric): record for record in found}


def test_an_idle_device_before_a_short_timed_part_is_no_slow_clock() -> None:
    row = sound()
    row["window_seconds"] = 0.05
    row["samples"]["seconds"] = [at - 0.02 for at in row["samples"]["seconds"]]
    row["samples"]["seconds"] = [at if at < 0 else at + 1 for at in row["samples"]["seconds"]]  # none in 0..0.05
    row["samples"]["sm_clock_mhz"] = [345] * len(row["samples"]["seconds"])
    assert marks(row) == ()
    found = records(measured(case(m=64), TIMES, telemetry=[row]))
    assert not {metric for _, metric in found} & {"power", "sm_clock", "energy"}
    row["samples"]["throttle"] = [["hardware slowdown"]] * 36
    assert marks(row) == ("throttled: hardware slowdown [100% of 36 samples of the whole case]",)


def test_figures_of_a_device_carry_its_marks_and_no_other_device_s() -> None:
    hot = sound()
    half("throttle", ["hardware slowdown"], ["hardware slowdown"])(hot)
    found = records(measured(case(nranks=2, m=64), TIMES, TIMES, telemetry=[sound(), hot]))
    assert found["device0", "time"].flags == ()
    assert found["device1", "time"].flags == found["device1", "flop_rate"].flags == ("throttled: hardware slowdown [100% of 31 samples]",)
    world = records(measured(case(nranks=2, m=64), TIMES, TIMES, telemetry=[sound(), hot], scope="world"))
    assert "device1: throttled: hardware slowdown [100% of 31 samples]" in world["cluster", "time"].flags


def test_energy_power_and_clock_become_records_with_units() -> None:
    found = records(measured(case(m=64), TIMES, telemetry=[sound()]))
    power, clock, joules = (found["device0", name] for name in ("power", "sm_clock", "energy"))
    assert (power.value, power.unit, power.n, power.min, power.max) == (300.0, "W", 31, 300.0, 300.0)
    assert (clock.value, clock.unit, clock.limit, clock.share) == (1980, "MHz", 1980, 1.0)
    assert (joules.value, joules.unit) == (pytest.approx(900), "J")
    # 300 W over 3 s for 30 steps of 0.1 s: 30 J each; the volume says 2e9 operations a step.
    assert found["device0", "energy_per_step"].value == pytest.approx(30)
    assert found["device0", "energy_per_flop"].value == pytest.approx(30 / 2e9)
    assert found["device0", "energy_per_flop"].unit == "J/FLOP"
    assert found["device0", "energy_per_step"].flags == ()


def test_energy_of_a_step_says_when_most_of_the_time_lies_between_steps() -> None:
    found = records(measured(case(m=64), [0.05] * 30, telemetry=[sound()]))
    assert found["device0", "energy_per_step"].flags == ("energy of a step holds what lies between steps [50% of the time]",)


def test_no_joules_where_the_two_ways_disagree() -> None:
    row = sound()
    row["samples"]["power_watts"] = [200.0] * len(row["samples"]["seconds"])
    found = records(measured(case(m=64), TIMES, telemetry=[row]))
    assert {metric for _, metric in found if metric.startswith("energy")} == set()
    assert ("device0", "power") in found


@pytest.mark.parametrize(
    "change",
    [
        setting("before", to="junk"),
        setting("before", "power_watts", to=3),
        setting("samples", to=[1]),
        setting("samples", "seconds", to=["soon"]),
        setting("samples", "throttle", to=[1]),
        setting("foreign", to=[7]),
        setting("window_seconds", to="long"),
    ],
)
def test_damaged_telemetry_is_none_and_the_figures_stand(change: Callable[[dict[str, Any]], None]) -> None:
    row = sound()
    change(row)
    found = records(measured(case(m=64), TIMES, telemetry=[row]))
    assert {metric for _, metric in found} >= {"time", "flop_rate"}
    assert not {metric for _, metric in found} & {"power", "energy"}
    assert found["device0", "time"].flags == ()
    assert "cannot be read" in rows(measured(case(m=64), TIMES, telemetry=[row]))[0]["reason"]


def test_report_and_document_tell_each_device(tmp_path: Path) -> None:
    hot = sound()
    half("throttle", [], ["hardware slowdown"])(hot)
    run = write_run(tmp_path / "r", [measured(case(nranks=2, m=64), TIMES, TIMES, telemetry=[hot, copy.deepcopy(NONE)])])
    text = render(judge(run, config={"rules": bare_rules(), "hardware": MEASURED}), color=False, width=200)
    assert "mark: throttled: hardware slowdown (1 case: 52% of 31 samples)" in text
    assert "telemetry: none (NVML is missing)" in text
    assert (
        "device0: 300 W (300..300, n=31), 60 C (60..60, n=31), 1980 MHz (1980..1980, n=31) = 100 % of its maximum, 900 J in 3.0 s of 1 of 1 cases"
        in text
    )
    shown = document(run)
    schema = json.loads((ROOT / "results" / "schema" / "show.v1.json").read_text(encoding="utf-8"))
    assert list(Draft202012Validator(schema).iter_errors(json.loads(json.dumps(shown)))) == []
    first, second = shown["cases"][0]["telemetry"]
    assert (first["energy"]["joules"], first["no_energy"]) == (pytest.approx(900), "")
    assert second == {"rank": 1, "source": "none", "reason": "NVML is missing"}
    del first["before"]
    assert list(Draft202012Validator(schema).iter_errors(json.loads(json.dumps(shown)))) != []


def test_a_measurement_with_telemetry_comes_back_and_an_older_one_has_none() -> None:
    before = measured(case(m=64), TIMES, telemetry=[sound()])
    plain = json.loads(json.dumps(before.as_dict()))
    assert rows(Measurement.from_dict(plain)) == [json.loads(json.dumps(sound()))]
    del plain["telemetry"]
    assert rows(Measurement.from_dict(plain)) == []
