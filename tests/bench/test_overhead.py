"""What the harness itself costs, as benchmarks (``nox -s bench`` prints them); as plain tests they hold counts and truths only."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

from pytest_benchmark.fixture import BenchmarkFixture

from assay.harness.device.cpu import CpuDevice
from assay.harness.plan import expand

TEN_THOUSAND: dict[str, Any] = {
    "suite": {
        "all_reduce": {
            "target": "assay.suites.all_reduce:all_reduce",
            "axes": {"bytes": [4 * i for i in range(1, 101)], "seed": list(range(100))},
        },
    },
    "site": {"device": "cpu", "memory_nbytes": 2**34},
}


def test_planning_ten_thousand_cases(benchmark: BenchmarkFixture) -> None:
    plan = benchmark(expand, TEN_THOUSAND, name="bench", layout="1x2")
    assert len(plan.cases) == 100 * 100
    assert len({case.key for case in plan.cases}) == 100 * 100


def test_empty_step(benchmark: BenchmarkFixture) -> None:
    device = CpuDevice()
    seconds = benchmark(device.time, lambda: None, range(10_000))
    assert len(seconds) == 10_000
    assert min(seconds) >= 0


def cpu_seconds(*words: str, folder: Path) -> float:
    """Run a verb and give the processor time of its process, in seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([str(Path(sys.executable).with_name("assay")), *words], cwd=folder, check=True, capture_output=True, timeout=60)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_door_plan(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    benchmark.extra_info["cpu_seconds"] = cpu_seconds("plan", "plan=smoke", folder=tmp_path)
    benchmark.pedantic(cpu_seconds, args=("plan", "plan=smoke"), kwargs={"folder": tmp_path}, rounds=3)


def test_door_runs(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    benchmark.extra_info["cpu_seconds"] = cpu_seconds("runs", folder=tmp_path)
    benchmark.pedantic(cpu_seconds, args=("runs",), kwargs={"folder": tmp_path}, rounds=3)


def test_planning_and_listing_load_nothing_heavy() -> None:
    script = "import sys; import assay.harness.door.plan, assay.harness.door.execute, assay.harness.door.runs, assay.results.store\n"
    script += "from assay.harness.door.run import prepare, arguments\nprepare(arguments().parse_args([]), ['plan=smoke'])\n"
    script += "print(sorted({'torch', 'numpy', 'pandas', 'scipy', 'duckdb', 'mpi4py'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
