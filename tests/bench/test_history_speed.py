"""How long the history of 1,000 runs of 100 series takes; measured, never judged."""

from __future__ import annotations

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from assay.results.history import History, tell_history
from assay.results.history_text import render_history
from assay.results.store import Store
from assay.results.strip import ASCII
from tests.results.stories import around, cases, tell

RUNS, SERIES = 1000, 100


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Store:
    """Make the store, a tenth of whose series have a step; a small one where nothing is timed."""
    timed = request.config.getoption("benchmark_enable") or request.config.getoption("benchmark_only")
    runs = RUNS if timed else 30
    series = {name: around(1e-3 * (1 + k), step=0.03, at=2 * runs // 3 if k % 10 == 0 else runs) for k, name in enumerate(cases(SERIES))}
    return tell(tmp_path_factory.mktemp("store"), series, runs=range(runs))


def test_read_cut_and_tell(benchmark: BenchmarkFixture, store: Store) -> None:
    def told() -> tuple[History, str]:
        history = tell_history(store)
        return history, render_history(history, color=False, heights=ASCII)

    history, text = benchmark(told)
    assert len(history.timeline.series) == SERIES
    assert text.startswith("history of time: 100 series")
