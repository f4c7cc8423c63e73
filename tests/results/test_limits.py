"""Limits: measured in the run, or stated with a source; never a default."""

from __future__ import annotations

import statistics
from dataclasses import replace
from typing import Any

import pytest
import yaml

from assay.harness.errors import RefusalError
from assay.harness.measurement import Checked
from assay.harness.work import Volume
from assay.results.limits import find_limits, stated_limits
from assay.results.metrics import derive
from tests.results.builders import MEASURED, ROOT, calibration, case, measured, message, wrong

COPY = Volume(memory_nbytes=1000)
STATED: dict[str, Any] = {"name": "toy", "limits": {"memory": {"value": 2000.0, "unit": "B/s", "source": "a data sheet"}}}


def test_a_measured_limit_is_the_median_over_ranks_of_each_ranks_rate() -> None:
    rows = [[1.0, 1.0, 1.0], [2.0, 2.0, 9.0], [4.0, 5.0, 4.0]]
    limit = find_limits([calibration("memory", *rows, volume=COPY)], MEASURED)["memory"]
    assert limit.value == statistics.median([1000 / 1.0, 1000 / 2.0, 1000 / 4.0])
    assert (limit.unit, limit.name, limit.measured) == ("B/s", "measured memory", True)


def test_the_link_counts_message_bytes_and_a_matrix_flops() -> None:
    found = find_limits(
        [
            calibration("link", [2.0] * 3, volume=message(800, None)),
            calibration("matrix_bf16", [0.5] * 3, volume=Volume(flops=10.0, memory_nbytes=7, resource="matrix_bf16")),
        ],
        MEASURED,
    )
    assert {name: (limit.value, limit.unit) for name, limit in found.items()} == {"link": (400.0, "B/s"), "matrix_bf16": (20.0, "FLOP/s")}


def test_a_limit_is_never_made_up() -> None:
    assert find_limits([], MEASURED) == {}
    assert find_limits([], {}) == {}
    for record in derive([measured(case(m=1), [1.0] * 7)], run="r", hardware=MEASURED, hw_class="", sw_class=""):
        assert record.metric == "row" or (record.limit, record.share, record.limit_name) == (None, None, "")


def test_calibration_that_failed_is_no_limit() -> None:
    right = calibration("memory", [1.0] * 3, volume=COPY)
    unchecked = replace(right, checked=Checked())
    broken = calibration("memory", [1.0, float("nan"), 1.0], volume=COPY)
    failed = replace(right, status="error")
    false = replace(wrong(right.case), volume=COPY)
    empty = calibration("memory", [1.0] * 3, volume=Volume())
    unknown = calibration("luck", [1.0] * 3, volume=COPY)
    assert find_limits([unchecked, broken, failed, false, empty, unknown], MEASURED) == {}


def test_a_stated_limit_goes_before_a_measured_one() -> None:
    calibrated = calibration("memory", [1.0] * 3, volume=COPY), calibration("link", [1.0] * 3, volume=message(8, None))
    found = find_limits(calibrated, STATED)
    assert (found["memory"].value, found["memory"].name, found["memory"].measured) == (2000.0, "toy memory", False)
    assert found["link"].name == "measured link"


def test_shares_hold_each_metric_against_its_own_resource() -> None:
    gemm = Volume(flops=100.0, memory_nbytes=50, resource="matrix.bf16")
    limits = [calibration("matrix_bf16", [1.0] * 3, volume=Volume(flops=400.0)), calibration("memory", [1.0] * 3, volume=COPY)]
    found = derive([*limits, measured(case(m=1), [1.0] * 7, volume=gemm)], run="r", hardware=MEASURED, hw_class="", sw_class="")
    shares = {r.metric: (r.share, r.limit_name) for r in found if r.suite == "gemm" and r.limit_name.startswith("measured")}
    assert shares == {"flop_rate": (0.25, "measured matrix_bf16"), "memory_rate": (0.05, "measured memory")}


def test_calibration_is_not_held_against_itself_but_against_a_stated_figure() -> None:
    own = calibration("memory", [1.0] * 7, volume=COPY)
    for hardware, share in ((MEASURED, None), (STATED, 0.5)):
        found = derive([own], run="r", hardware=hardware, hw_class="", sw_class="")
        assert [r.share for r in found if r.metric == "memory_rate"] == [share]


def stated(**changes: Any) -> dict[str, Any]:
    """Change the stated memory."""
    return {"name": "toy", "limits": {"memory": {**STATED["limits"]["memory"], **changes}}}


@pytest.mark.parametrize(
    ("hardware", "where"),
    [
        (stated(value=0), "hardware.limits.memory.value"),
        (stated(value=-1.0), "hardware.limits.memory.value"),
        (stated(value=float("nan")), "hardware.limits.memory.value"),
        (stated(value=float("inf")), "hardware.limits.memory.value"),
        (stated(value="3e12"), "hardware.limits.memory.value"),
        (stated(value=True), "hardware.limits.memory.value"),
        (stated(unit="GB/s"), "hardware.limits.memory.unit"),
        (stated(unit="FLOP/s"), "hardware.limits.memory.unit"),
        (stated(source=" "), "hardware.limits.memory.source"),
        (stated(note="x"), "hardware.limits.memory"),
        ({"name": "toy", "limits": {"memory": 3e12}}, "hardware.limits.memory"),
        ({"name": "toy", "limits": {"memory": {"value": 1.0, "unit": "B/s"}}}, "hardware.limits.memory"),
        ({"name": "toy", "limits": {"cache": STATED["limits"]["memory"]}}, "hardware.limits.cache"),
        ({"name": "toy", "limits": [1]}, "hardware.limits"),
        ({"name": "measured", "limits": STATED["limits"]}, "hardware.name"),
        ({"limits": STATED["limits"]}, "hardware.name"),
    ],
)
def test_what_cannot_be_a_limit_is_refused_by_its_path(hardware: dict[str, Any], where: str) -> None:
    with pytest.raises(RefusalError) as refused:
        stated_limits(hardware)
    assert refused.value.where == where
    assert refused.value.fix


def shipped() -> dict[str, dict[str, Any]]:
    """Read the shipped hardware files."""
    return {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted((ROOT / "conf" / "hardware").glob("*.yaml"))}


def test_shipped_hardware_is_valid_named_after_its_file_and_in_its_group() -> None:
    for name, hardware in shipped().items():
        assert hardware["name"] == name
        assert (ROOT / "conf" / "hardware" / f"{name}.yaml").read_text(encoding="utf-8").startswith("# @package hardware\n")
        assert bool(stated_limits(hardware)) == (name != "measured")


def test_shipped_peaks_follow_from_units_and_clocks() -> None:
    # Dense peak = units x products a clock and unit x 2 x clock; figures of the architectures, not of the data sheets.
    found = {name: {k: v.value for k, v in stated_limits(hardware).items()} for name, hardware in shipped().items()}
    assert found["h100_sxm"]["matrix_bf16"] == pytest.approx(132 * 4 * 512 * 2 * 1.83e9, rel=0.01)
    assert found["a100_sxm"]["matrix_bf16"] == pytest.approx(108 * 4 * 256 * 2 * 1.41e9, rel=0.01)
    assert found["mi300x"]["matrix_bf16"] == pytest.approx(1216 * 256 * 2 * 2.1e9, rel=0.01)
    for name, limits in found.items():
        if name != "measured":
            assert limits["matrix_fp16"] == limits["matrix_bf16"] == pytest.approx(2 * limits["matrix_tf32"], rel=0.01)
            assert limits.get("matrix_fp8", 2 * limits["matrix_bf16"]) == pytest.approx(2 * limits["matrix_bf16"], rel=0.01)
    assert "matrix_fp8" not in found["a100_sxm"]
