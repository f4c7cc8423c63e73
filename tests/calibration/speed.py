"""How long ``assay history`` takes over a store of many runs, imports apart."""

from __future__ import annotations

import json
import platform
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from assay.results.history import tell_history
from assay.results.history_text import render_history
from assay.results.store import Store
from assay.results.strip import ASCII
from tests.results.stories import around, cases, tell

RUNS, SERIES, TIMES = 1000, 100, 5


def store_of(root: Path, *, runs: int, series: int) -> Store:
    """Write a store of so many runs, a tenth of whose series have a step of 3 % after two thirds of them."""
    shapes = {name: around(1e-3 * (1 + k), step=0.03, at=2 * runs // 3 if k % 10 == 0 else runs) for k, name in enumerate(cases(series))}
    return tell(root, shapes, runs=range(runs))


def tell_all(store: Store) -> str:
    """Do what the verb does: read, cut, explain, write."""
    return render_history(tell_history(store), color=False, heights=ASCII)


def parse_only(store: Store) -> int:
    """Read the same lines with the standard library's parser and nothing else; gives how many there are."""
    return sum(1 for run in store.ids() for line in (store.root / run / "records.jsonl").read_bytes().splitlines() if json.loads(line))


def seconds(do: Callable[[], object], times: int = TIMES) -> list[float]:
    """Time some repetitions after one that is not counted; sorted, in seconds."""
    do()
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        do()
        taken.append(time.perf_counter() - started)
    return sorted(taken)


def cell(taken: Sequence[float]) -> str:
    """Write the median and the range."""
    return f"{taken[len(taken) // 2]:.2f} ({taken[0]:.2f} to {taken[-1]:.2f})"


def speed_rows(*, runs: int = RUNS, series: int = SERIES) -> list[list[object]]:
    """Measure half as many runs and as many as asked for."""
    rows: list[list[object]] = []
    for count in (runs // 2, runs):
        with tempfile.TemporaryDirectory() as folder:
            store = store_of(Path(folder), runs=count, series=series)
            rows.append([count, series, cell(seconds(lambda s=store: tell_all(s))), cell(seconds(lambda s=store: parse_only(s)))])
    return rows


def machine() -> str:
    """Name the machine that was timed."""
    return f"{platform.machine()}, Python {platform.python_version()}"
