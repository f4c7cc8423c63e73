"""How long listing 1,000 runs of 100 records and comparing two of them takes; measured, never judged."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from assay.results.compare import Comparison, compare
from assay.results.report import render_comparison
from assay.results.runinfo import RunInfo
from assay.results.store import Store, new_id
from tests.results.builders import time_record

RUNS, RECORDS = 1000, 100


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Store:
    """Make the store; a small one where nothing is timed."""
    root = tmp_path_factory.mktemp("store")
    timed = request.config.getoption("benchmark_enable") or request.config.getoption("benchmark_only")
    for i in range(RUNS if timed else 5):
        path = root / new_id(datetime(2026, 11, 1, tzinfo=UTC) + timedelta(minutes=i), f"{i:06x}")
        path.mkdir()
        (path / "run.json").write_text(
            json.dumps({"id": path.name, "status": "finished", "hw_class": "hw", "sw_class": "sw"}), encoding="utf-8"
        )
        records = [time_record(1.0 + k / 100, run=path.name, key=f"gemm/1/cpu/barrier/m={k}/1x1") for k in range(RECORDS)]
        (path / "records.jsonl").write_text("".join(json.dumps(record.as_dict()) + "\n" for record in records), encoding="utf-8")
    return Store(root)


def test_list_and_compare(benchmark: BenchmarkFixture, store: Store) -> None:
    def listed_and_compared() -> tuple[list[RunInfo], Comparison]:
        return store.runs(), compare(store.resolve("latest~1"), store.resolve("latest"), min_effect=0.03, min_seconds=1e-6)

    runs, comparison = benchmark(listed_and_compared)
    assert len(runs) == len(store.ids())
    assert comparison.counts == {"inconclusive": RECORDS}
    assert "no interval is possible" in render_comparison(comparison, color=False, width=100)
