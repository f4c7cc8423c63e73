"""What a tool did not vouch for does not pass here, and a rate is read in the unit and by the clock that it was written in."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from assay.harness.errors import RefusalError
from assay.harness.measurement import Measurement
from assay.results.exchange.importing import bring_in, read_file
from assay.results.store import Store

FILES = Path(__file__).parent / "files"
OLD_NCCL = """\
# nThread 1 nGpus 2 minBytes 1024 maxBytes 1024 step: 2(factor) warmup iters: 5 iters: 20 validation: 1
#   Rank  0 Pid   100 on         n0 device  0 [0x07] Tesla V100
#   Rank  1 Pid   100 on         n0 device  1 [0x0a] Tesla V100
#                                                     out-of-place                       in-place
#       size         count    type   redop     time   algbw   busbw  error     time   algbw   busbw  error
#        (B)    (elements)                     (us)  (GB/s)  (GB/s)            (us)  (GB/s)  (GB/s)
        1024           256   float     sum    18.46    0.06    0.06  5e-07    18.56    0.06    0.06  5e-07
# Out of bounds values : {said}
# Avg bus bandwidth    : 0.06
"""


def imported(tmp_path: Path, text: str, *, name: str = "file", code: int | None = None, **more: Any) -> list[Measurement]:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    run = bring_in(path, Store(tmp_path / "runs"), **more)
    if code is not None:
        assert run.read_json("run.json")["exit_code"] == code
    return list(run.measurements().measurements)


def google(**row: Any) -> str:
    plain = {
        "name": "copy",
        "run_name": "copy",
        "run_type": "iteration",
        "iterations": 5,
        "real_time": 2000.0,
        "cpu_time": 10.0,
        "time_unit": "us",
    }
    return json.dumps({"context": {"json_schema_version": 1}, "benchmarks": [plain | row]})


def superbench(name: str, figure: float) -> str:
    return json.dumps({"node": "n0", name: figure}) + "\n"


def test_a_pytest_benchmark_whose_test_failed_does_not_pass(tmp_path: Path) -> None:
    text = "def test_bad(benchmark):\n    assert benchmark(sum, range(9)) == 0\n"
    (tmp_path / "test_it.py").write_text(text, encoding="utf-8")
    words = ["-q", "-p", "no:cacheprovider", "-p", "no:assay", "--benchmark-json=b.json", "--benchmark-max-time=0.05", "test_it.py"]
    done = subprocess.run([sys.executable, "-m", "pytest", *words], cwd=tmp_path, check=False, capture_output=True)
    assert done.returncode == 1
    (case,) = imported(
        tmp_path, (tmp_path / "b.json").read_text(encoding="utf-8"), code=4
    )  # the file has its times and no word of the failure
    assert (case.status, case.checked.by, case.checked.checks) == ("measured", "nobody", 0)


def test_an_old_nccl_table_that_failed_passes_nowhere(tmp_path: Path) -> None:
    sound = imported(tmp_path, OLD_NCCL.format(said="0 OK"), code=0)
    assert {case.status for case in sound} == {"measured"}
    failed = imported(tmp_path, OLD_NCCL.format(said="3 FAILED"), code=1)
    assert {case.status for case in failed} == {"wrong"}
    assert "3 FAILED" in failed[0].reason


def test_osu_validation_is_its_own_check(tmp_path: Path) -> None:
    text = (FILES / "osu_validation_7.txt").read_text(encoding="utf-8")
    cases = imported(tmp_path, text, code=1)
    assert [(case.status, case.checked.by) for case in cases] == [("measured", "test")] * 2 + [("wrong", "test")]
    assert {case.status for case in imported(tmp_path, text.replace("Fail", "Pass"), code=0)} == {"measured"}
    for said in ("", "Maybe"):
        with pytest.raises(RefusalError, match="line 6"):
            imported(tmp_path, text.replace("Fail", said))


def test_a_google_benchmark_tells_its_bytes_by_the_clock_of_its_name(tmp_path: Path) -> None:
    # Real figures of 1.9.5: 1,000 bytes a step of 2 ms of sleep; the rate is per second of CPU unless real time was asked for.
    by_cpu = google(name="s/iterations:5", run_name="s/iterations:5", cpu_time=13.0654, bytes_per_second=76538031.74797505)
    (case,) = imported(tmp_path, by_cpu)
    assert case.volume.memory_nbytes == 1000
    assert case.samples.rows == ((pytest.approx(2e-3),),)
    for clock in ("real_time", "manual_time"):
        name = f"s/iterations:5/{clock}"
        (case,) = imported(tmp_path, google(name=name, run_name=name, real_time=2069.997787, bytes_per_second=483092.3037939693))
        assert case.volume.memory_nbytes == 1000


def test_a_skipped_google_benchmark_is_skipped(tmp_path: Path) -> None:
    (case,) = imported(tmp_path, google(skipped=True, skip_message="no device", real_time=0.0, cpu_time=0.0))
    assert (case.status, case.reason) == ("skipped", "no device")


def test_an_old_google_benchmark_keeps_no_aggregate_as_a_time(tmp_path: Path) -> None:
    row = {"iterations": 5, "real_time": 2.0, "cpu_time": 2.0, "time_unit": "us"}
    names = ["copy/8", "copy/8", "copy/8_mean", "copy/8_median", "copy/8_stddev", "copy_BigO", "copy_RMS"]
    (case,) = imported(
        tmp_path, json.dumps({"context": {}, "benchmarks": [row | {"name": name} for name in names]}), tool="google-benchmark"
    )
    assert case.samples.rows == ((pytest.approx(2e-6), pytest.approx(2e-6)),)


@pytest.mark.parametrize(
    ("name", "figure", "rate"),
    [
        ("ib-loopback/ib_write_bw_8388608:0", 46.899, 46.899e9),  # GB/s, as SuperBench documents
        ("ib-loopback/IB_write_8388608_Avg_0:0", 23935.21, 23935.21e6),  # MB/s, the older name
        ("mem-bw/h2d_bw:0", 25.6, 25.6e9),
    ],
)
def test_superbench_rates_in_their_units(tmp_path: Path, name: str, figure: float, rate: float) -> None:
    (case,) = imported(tmp_path, superbench(name, figure))
    (seconds,) = case.samples.rows[0]
    assert case.volume.memory_nbytes / seconds == pytest.approx(rate)


@pytest.mark.parametrize("name", ["kernel-launch/event_time:0", "kernel-launch/wall_overhead:0"])
def test_superbench_launches_in_milliseconds(tmp_path: Path, name: str) -> None:
    (case,) = imported(tmp_path, superbench(name, 0.006))
    assert case.samples.rows == ((pytest.approx(6e-6),),)


def test_superbench_counts_no_operation_on_integers_as_flop(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text(
        json.dumps({"node": "n0", "gemm-flops/int8_tc_iops:0": 994593.0, "gemm-flops/fp64_flops:0": 9031.0}) + "\n", encoding="utf-8"
    )
    found = read_file(path)
    assert [case.params["metric"] for case in found.cases] == ["fp64_flops"]
    assert "int8_tc_iops" in found.notes[0]


def test_superbench_zero_is_an_error_and_less_is_refused(tmp_path: Path) -> None:
    (case,) = imported(tmp_path, superbench("nccl-bw/allreduce_8_time:0", 0.0), code=2)
    assert case.status == "error"
    with pytest.raises(RefusalError, match="allreduce_8_time"):
        imported(tmp_path, superbench("nccl-bw/allreduce_8_time:0", -1.0))


def test_nvbench_bytes_stand_under_the_name_of_their_buffer(tmp_path: Path) -> None:
    data = json.loads((FILES / "nvbench_1.json").read_text(encoding="utf-8"))
    rows = [("nv/gmem/reads/In", "4096"), ("nv/gmem/writes/Out", "1024")]
    more = [{"tag": tag, "data": [{"name": "value", "type": "int64", "value": value}]} for tag, value in rows]
    data["benchmarks"][0]["states"][0]["summaries"] += more
    found = {case.status: case for case in imported(tmp_path, json.dumps(data))}
    assert found["measured"].volume.memory_nbytes == 5120
    assert found["skipped"].reason == "Not enough memory"
