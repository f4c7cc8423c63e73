"""What large runs and large stores cost: comparing 10,000 cases, listing and telling a store of a million records, a report of 1,000 cases.

``nox -s bench`` times them and prints the figures (docs/measured/speed.md); as plain tests they are small and hold answers only. How long a
thing takes is never judged here, only how it grows.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from assay.harness.door.main import main
from assay.harness.door.report import new_levels, written
from assay.harness.rundir import RunDir
from assay.results import timeline
from assay.results.compact import compact
from assay.results.compacted import Compacted
from assay.results.compare import Comparison, compare
from assay.results.judge import judge
from assay.results.report import render_comparison
from assay.results.report_content import gather
from assay.results.series import Timeline
from assay.results.store import Store, new_id
from assay.results.timeline import read_timeline
from tests.results.builders import MEASURED, bare_rules, case, measured, time_record, write_run

SAMPLES = 100
METRICS = ("time", "flop_rate", "memory_rate", "row")
START = datetime(2026, 1, 1, tzinfo=UTC)


def timed(request: pytest.FixtureRequest) -> bool:
    """Tell whether this is a benchmark or a plain test."""
    return bool(request.config.getoption("benchmark_enable") or request.config.getoption("benchmark_only"))


def cpu_seconds(function: Callable[[], Any], rounds: int = 3) -> float:
    """Give the least processor time of some calls."""
    found = []
    for _ in range(rounds):
        before = time.process_time()
        function()
        found.append(time.process_time() - before)
    return min(found)


def judged_runs(root: Path, cases: int, *, runs: int = 2) -> list[RunDir]:
    """Write and judge runs of some cases with 100 samples each, without the sync of each line that a run that measures makes."""
    rng, made = np.random.default_rng(1), []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _number: None)
        for number in range(runs):
            rows = [measured(case(m=i), (1e-3 * (1 + 0.01 * rng.standard_normal(SAMPLES))).tolist()) for i in range(cases)]
            run = write_run(root / f"20261126-00000{number}-000-00000{number}", rows)
            judge(run, config={"rules": bare_rules(), "hardware": MEASURED})
            made.append(run)
    return made


def compared(runs: list[RunDir]) -> tuple[Comparison, str]:
    """Compare two runs and write that."""
    found = compare(runs[:1], runs[1:], min_effect=0.03, min_seconds=1e-6)
    return found, render_comparison(found, color=False, width=100)


def test_comparing_ten_thousand_cases(benchmark: BenchmarkFixture, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    large, small = (10_000, 1_000) if timed(request) else (40, 4)
    runs = {cases: judged_runs(tmp_path / str(cases), cases) for cases in (large, small)}
    compared(runs[small])  # loads what has to be loaded
    found, text = benchmark.pedantic(compared, args=(runs[large],), rounds=3)
    assert found.counts == {"inconclusive": large}
    assert "one run a side" in text
    ratio = cpu_seconds(lambda: compared(runs[large])) / cpu_seconds(lambda: compared(runs[small]))
    benchmark.extra_info["ratio_to_a_tenth"] = ratio
    if timed(request):
        assert ratio <= 15, "ten times the cases take at most fifteen times as long"


@pytest.fixture(scope="module")
def million(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Store:
    """Make a store of 10,000 runs of 100 records, four metrics of 25 cases; a small one where nothing is timed."""
    root = tmp_path_factory.mktemp("store")
    rng = np.random.default_rng(1)
    described = {"status": "finished", "plan": "ci", "nranks": 1, "exit_code": 0, "host": "toy", "hw_class": "hw", "sw_class": "sw"}
    summary = {"planned": 25, "measured": 25, "failed": 0, "skipped": 0, "not_applicable": 0, "verdict": "pass"}
    for i in range(10_000 if timed(request) else 25):
        at = START + timedelta(minutes=20 * i)
        path = root / new_id(at, f"{i:06x}")
        path.mkdir()
        (path / "run.json").write_text(json.dumps(described | {"id": path.name, "started": at.isoformat(), "summary": summary}))
        values = 1e-3 * (1 + 0.01 * rng.standard_normal(100))
        records = [time_record(float(value), run=path.name, key=f"gemm/1/cpu/barrier/m={k // 4}/1x1") for k, value in enumerate(values)]
        lines = [json.dumps(record.as_dict() | {"metric": METRICS[k % 4]}) + "\n" for k, record in enumerate(records)]
        (path / "records.jsonl").write_text("".join(lines), encoding="utf-8")
    return Store(root)


def test_listing_a_million_records(benchmark: BenchmarkFixture, million: Store, capsys: pytest.CaptureFixture[str]) -> None:
    def listed() -> str:
        assert main(["runs", "--store", str(million.root)]) == 0
        return capsys.readouterr().out

    assert len(benchmark.pedantic(listed, rounds=5).splitlines()) == len(million.ids())


def test_compacting_makes_a_metric_quicker_to_read(benchmark: BenchmarkFixture, million: Store, request: pytest.FixtureRequest) -> None:
    compact(million)

    def read() -> Timeline:
        return read_timeline(million, metric="time")

    found = benchmark.pedantic(read, rounds=3)
    assert len(found.series) == 25
    seconds = cpu_seconds(read)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(timeline, "compacted", lambda *_: Compacted())
        assert read() == found
        ratio = cpu_seconds(read) / seconds
    benchmark.extra_info["times_less_than_without"] = ratio
    if timed(request):
        assert ratio > 1


def test_a_report_of_a_thousand_cases(benchmark: BenchmarkFixture, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    cases = 1000 if timed(request) else 10
    runs = judged_runs(tmp_path, cases, runs=3)

    def reported() -> str:
        content = gather(runs[-1:], base=runs[:1], last=30, changes=new_levels)
        return written(content, "html", columns=120, colored=False)[0]

    nbytes = len(benchmark.pedantic(reported, rounds=2).encode())
    benchmark.extra_info["nbytes"] = nbytes
    assert nbytes < 6_000_000
    assert reported().count("gemm/1/cpu/barrier/m=") >= cases
