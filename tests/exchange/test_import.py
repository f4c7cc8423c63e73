"""Files of other tools become runs: figures by hand, wrong answers kept wrong, and nothing half-written."""

from __future__ import annotations

import json
import re
import shutil
import struct
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from assay.harness.door.main import main
from assay.harness.errors import RefusalError
from assay.results.compare import compare
from assay.results.exchange.importing import bring_in, guess, read_file
from assay.results.record import Record, read_records
from assay.results.store import Store

FILES = Path(__file__).parent / "files"
TOOLS = {
    "nccl_tests_gb200.txt": ("nccl-tests", 10),
    "nccl_tests_v2.json": ("nccl-tests", 4),
    "osu_two_hosts.txt": ("osu", 19),
    "google_benchmark_1.9.5.json": ("google-benchmark", 3),
    "superbench_a100.jsonl": ("superbench", 14),
    "nvbench_1.json": ("nvbench", 2),
}


def records(store: Path, file: str | Path, **more: Any) -> list[Record]:
    run = bring_in(FILES / file if isinstance(file, str) else file, Store(store), **more)
    found, problems = read_records(run)
    assert problems == []
    return found


def value(found: list[Record], metric: str, *parts: str) -> float:
    (one,) = [record.value for record in found if record.metric == metric and all(part in record.key for part in parts)]
    return one


@pytest.mark.parametrize("file", TOOLS)
def test_every_file_is_told_by_its_content(file: str) -> None:
    tool, cases = TOOLS[file]
    found = read_file(FILES / file)
    assert (found.tool, len(found.cases)) == (tool, cases)


def test_nccl_tests_table(tmp_path: Path) -> None:
    found = records(tmp_path, "nccl_tests_gb200.txt")
    where = ("bytes=536870912", "place=out_of_place")
    assert value(found, "time", *where) == pytest.approx(1806.7e-6)
    # What the table printed, to its own two decimals: 297.16 and 586.06 GB/s.
    assert value(found, "algbw", *where) == pytest.approx(297.16e9, rel=1e-4)
    assert value(found, "busbw", *where) == pytest.approx(586.06e9, rel=1e-4)
    assert "1x72" in found[0].key
    assert any("aggregate only" in flag for record in found for flag in record.flags)


def test_nccl_tests_json_keeps_repetitions_and_wrong_elements(tmp_path: Path) -> None:
    run = bring_in(FILES / "nccl_tests_v2.json", Store(tmp_path))
    found = {m.case.key: m for m in run.measurements().measurements}
    first = next(m for key, m in found.items() if "bytes=1048576" in key and "out_of_place" in key)
    assert first.samples.rows[0] == pytest.approx((24e-6, 24.5e-6, 25e-6, 24.5e-6))
    assert first.checked.by == "test"
    wrong = next(m for key, m in found.items() if "bytes=2097152" in key and "out_of_place" in key)
    assert (wrong.status, wrong.reason) == ("wrong", "3 wrong elements")
    assert next(m for key, m in found.items() if "bytes=2097152" in key and "in_place" in key).checked.by == "nobody"
    assert run.read_json("run.json")["exit_code"] == 1


def test_osu(tmp_path: Path) -> None:
    found = records(tmp_path, "osu_two_hosts.txt")
    assert value(found, "time", "osu.allreduce_latency/", "bytes=1048576") == pytest.approx(230.90e-6)
    assert value(found, "time", "osu.latency/", "bytes=0") == pytest.approx(0.80e-6)
    assert value(found, "algbw", "osu.bandwidth/", "bytes=1048576") == pytest.approx(18476.89e6)


def test_google_benchmark(tmp_path: Path) -> None:
    run = bring_in(FILES / "google_benchmark_1.9.5.json", Store(tmp_path))
    data = json.loads((FILES / "google_benchmark_1.9.5.json").read_text(encoding="utf-8"))
    wanted = [row["real_time"] * 1e-6 for row in data["benchmarks"] if row["name"] == "sum_to/8"]
    found = {m.case.key: m for m in run.measurements().measurements}
    case = next(m for key, m in found.items() if 'arg0="8"' in key)
    assert case.samples.rows[0] == pytest.approx(wanted)
    assert next(m for m in found.values() if "failing" in m.case.key).reason == "no such device"
    described = run.read_json("run.json")
    assert described["host"] == "vm"
    assert run.id.startswith("20261126-232032")


def test_superbench_reads_what_has_a_unit(tmp_path: Path) -> None:
    found = records(tmp_path, "superbench_a100.jsonl")
    assert value(found, "flop_rate", "metric=BF16_TC", "rank=0") == pytest.approx(264965.0e9)
    assert value(found, "memory_rate", "metric=D2D_Mem_BW") == pytest.approx(1118.0e9)
    assert value(found, "time", "metric=allreduce_8_time") == pytest.approx(37.84e-6)
    assert value(found, "time", "steptime_train_float32") == pytest.approx(0.11459167010616511)
    (note,) = read_file(FILES / "superbench_a100.jsonl").notes
    assert "throughput_train_float32" in note


def test_nvbench_with_and_without_its_samples(tmp_path: Path) -> None:
    alone = records(tmp_path / "a", "nvbench_1.json")
    assert value(alone, "time") == pytest.approx(2e-5)
    shutil.copy(FILES / "nvbench_1.json", tmp_path)
    (tmp_path / "result.json-bin").mkdir()
    (tmp_path / "result.json-bin" / "0.bin").write_bytes(struct.pack("<3f", 1.9e-5, 2.0e-5, 2.2e-5))
    run = bring_in(tmp_path / "nvbench_1.json", Store(tmp_path / "b"))
    case = next(m for m in run.measurements().measurements if m.status == "measured")
    assert case.samples.rows[0] == pytest.approx((1.9e-5, 2.0e-5, 2.2e-5), rel=1e-6)
    (tmp_path / "result.json-bin" / "0.bin").write_bytes(b"1234")
    with pytest.raises(RefusalError, match="samples need 12"):
        read_file(tmp_path / "nvbench_1.json")


def test_nvbench_reads_no_file_outside_its_folder(tmp_path: Path) -> None:
    (tmp_path / "secret.bin").write_bytes(struct.pack("<3f", 1.0, 1.0, 1.0))
    inside = tmp_path / "inside"
    inside.mkdir()
    for name in ("../secret.bin", str(tmp_path / "secret.bin")):
        text = (FILES / "nvbench_1.json").read_text(encoding="utf-8").replace("result.json-bin/0.bin", name)
        (inside / "n.json").write_text(text, encoding="utf-8")
        assert read_file(inside / "n.json").cases[0].seconds == (2e-5,)


def test_pytest_benchmark_of_this_environment(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text("def test_sum(benchmark):\n    assert benchmark(sum, range(100)) == 4950\n", encoding="utf-8")
    words = [
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:assay",
        "--benchmark-json=b.json",
        "--benchmark-save-data",
        "--benchmark-max-time=0.05",
    ]
    subprocess.run([sys.executable, "-m", "pytest", *words, "test_it.py"], cwd=tmp_path, check=True, capture_output=True)
    data = json.loads((tmp_path / "b.json").read_text(encoding="utf-8"))
    run = bring_in(tmp_path / "b.json", Store(tmp_path / "runs"))
    (case,) = run.measurements().measurements
    assert case.checked.by == "nobody"
    kept = data["benchmarks"][0]["stats"]["data"]
    assert case.samples.rows[0] == pytest.approx(tuple(kept))


def test_two_imports_are_compared(tmp_path: Path) -> None:
    store = Store(tmp_path / "runs")
    slower = tmp_path / "slower.txt"
    slower.write_text((FILES / "osu_two_hosts.txt").read_text(encoding="utf-8").replace("230.90", "280.90"), encoding="utf-8")
    runs = [
        bring_in(file, store, date=datetime(2026, 1, day, tzinfo=UTC))
        for day, file in enumerate([FILES / "osu_two_hosts.txt", slower], start=1)
    ]
    found = compare(runs[:1], runs[1:], min_effect=0.03, min_seconds=1e-6)
    row = next(row for row in found.rows if "allreduce" in row.key and "1048576" in row.key)
    assert row.change == pytest.approx(280.90 / 230.90 - 1)
    assert len(found.rows) == 19
    assert {row.status for row in found.rows} == {"inconclusive"}  # one run a side


def test_the_verb_lists_and_shows_what_it_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [str(FILES / "osu_two_hosts.txt"), "--store", str(tmp_path), "--host", "old-cluster", "--date", "2025-05-05"]
    assert main(["import", *words]) == 0
    assert "19 of 19 cases measured" in capsys.readouterr().out
    assert main(["runs", "--store", str(tmp_path)]) == 0
    text = capsys.readouterr().out
    assert "20250505-000000" in text
    assert "old-cluster" in text
    assert main(["show", "latest", "--store", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["run"]["imported"]["tool"] == "osu"
    assert main(["import", str(FILES / "SOURCES.md"), "--store", str(tmp_path)]) == 3
    assert "of no tool that is known" in capsys.readouterr().err
    assert main(["import", *words[:-1], "yesterday"]) == 3


@pytest.mark.parametrize("file", TOOLS)
@pytest.mark.parametrize("share", [0.05, 0.3, 0.6, 0.9])
def test_a_truncated_file_is_refused(tmp_path: Path, file: str, share: float) -> None:
    text = (FILES / file).read_text(encoding="utf-8")
    cut = tmp_path / file
    cut.write_text(text[: int(len(text) * share)], encoding="utf-8")
    store = Store(tmp_path / "runs")
    with pytest.raises(RefusalError, match=re.escape(file)):
        bring_in(cut, store, tool=TOOLS[file][0])
    assert store.ids() == []


def test_an_osu_table_that_ends_early_says_less(tmp_path: Path) -> None:
    lines = (FILES / "osu_two_hosts.txt").read_text(encoding="utf-8").splitlines(keepends=True)
    cut = tmp_path / "osu.txt"
    cut.write_text("".join(lines[:9]), encoding="utf-8")  # its tables have no end that could be missing
    assert len(read_file(cut).cases) == 7


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("nccl_tests_gb200.txt", "1806.7", "-1806.7", "must be positive"),
        ("nccl_tests_gb200.txt", "1806.7", "nan", "no finite number"),
        ("nccl_tests_gb200.txt", "  586.06      0", "  586.06", "columns"),
        ("nccl_tests_v2.json", '"version":2', '"version":9', "not known"),
        ("nccl_tests_v2.json", '"time":24.500000', '"time":"nan"', "no finite number"),
        ("osu_two_hosts.txt", "230.90", "0.00", "must be positive"),
        ("osu_two_hosts.txt", "Bandwidth (MB/s)", "Rate (Mops)", "neither Latency"),
        ("google_benchmark_1.9.5.json", '"time_unit": "us"', '"time_unit": "fortnights"', "no unit of time"),
        ("google_benchmark_1.9.5.json", '"json_schema_version": 1', '"json_schema_version": 7', "not known"),
        ("superbench_a100.jsonl", '"node": "sb-validation-01"', '"node": 7', "names no node"),
        ("superbench_a100.jsonl", "9031.23", "1e999", "no finite number"),
        ("nvbench_1.json", '"value": "2.0e-5"', '"value": "-2.0e-5"', "must be positive"),
        ("nvbench_1.json", "nv/cold/time/gpu/mean", "nv/cold/time/gpu/mode", "gives empty results"),
        ("nvbench_1.json", '"json": {"major": 1', '"json": {"major": 3', "not known"),
    ],
)
def test_bad_values_are_named_and_nothing_is_written(tmp_path: Path, file: str, old: str, new: str, said: str) -> None:
    text = (FILES / file).read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / file
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    store = Store(tmp_path / "runs")
    with pytest.raises(RefusalError, match=said):
        bring_in(path, store, tool=TOOLS[file][0])
    assert store.ids() == []


def test_a_return_code_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text('{"node": "n0", "mem-bw/return_code": 3, "gemm-flops/FP16_TC:0": 1000.0}\n', encoding="utf-8")
    statuses = {m.case.suite: m.status for m in bring_in(path, Store(tmp_path / "runs")).measurements().measurements}
    assert statuses == {"superbench.mem-bw": "error", "superbench.gemm-flops": "measured"}


def test_what_two_tools_could_have_written_is_refused() -> None:
    with pytest.raises(RefusalError, match="could be of"):
        guess("# OSU MPI Latency Test v5.8\n# Avg bus bandwidth : 1\n", Path("x"))
