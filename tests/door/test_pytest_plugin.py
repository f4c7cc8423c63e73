"""``pytest --assay`` on a suite that knows nothing of Assay: it stays what it was, and its session becomes a stored run."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.door.conftest import checked
from tests.door.place import Place

SUITE = """
import pytest

@pytest.mark.parametrize("n", [10, 1000])
def test_sum(benchmark, n):
    benchmark.extra_info["n"] = n
    assert benchmark(sum, range(n)) == n * (n - 1) // 2

@pytest.mark.benchmark(group="sorting", min_rounds=3, max_time=0.01)
def test_sorted(benchmark):
    assert benchmark(sorted, [3, 1, 2]) == [1, 2, 3]

def test_pedantic(benchmark):
    made = []
    benchmark.pedantic(made.append, setup=lambda: ((1,), {}), rounds=7, warmup_rounds=2)
    assert len(made) == 9

class TestClass:
    def test_method(self, benchmark):
        benchmark.pedantic(lambda: 1, rounds=5, iterations=4)
        assert benchmark.stats.stats.rounds == 5

def test_plain():
    assert True
"""
FAILING = """
import pytest

def test_wrong(benchmark):
    assert benchmark(sum, [1]) == 2

def test_raises(benchmark):
    benchmark(lambda: 1 // 0)

@pytest.mark.skip(reason="not today")
def test_skipped(benchmark):
    benchmark(sum, [1])

def test_unused(benchmark):
    pass

def test_right(benchmark):
    assert benchmark(sum, [1]) == 1
"""
OPTIONS = ("-q", "-p", "no:cacheprovider", "-W", "ignore", "--benchmark-max-time=0.02", "--benchmark-min-rounds=3")


@dataclass(frozen=True)
class Suite(Place):
    """A folder with somebody's benchmarks."""

    def pytest(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run its tests."""
        return self.command(sys.executable, "-m", "pytest", *(OPTIONS if "no:benchmark" not in words else ()), *words)

    def benchmarks(self, *words: str) -> dict[str, Any]:
        """Run its tests and give pytest-benchmark's own JSON."""
        self.pytest(*words, "--benchmark-json=out.json")
        found: dict[str, Any] = json.loads((self.folder / "out.json").read_text())
        return found


def suite(folder: Path, text: str) -> Iterator[Suite]:
    """Give a folder with one test file."""
    (folder / "test_it.py").write_text(text)
    yield from checked(Suite(folder))  # type: ignore[misc]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Suite]:
    """Give a suite in which everything passes, run twice with --assay."""
    for place in suite(tmp_path_factory.mktemp("sound"), SUITE):
        for _ in range(2):
            done = place.pytest("--assay")
            assert done.returncode == 0, done.stdout + done.stderr
        yield place


@pytest.fixture(scope="module")
def failing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Suite]:
    """Give a suite in which most goes wrong, run once with --assay."""
    for place in suite(tmp_path_factory.mktemp("failing"), FAILING):
        assert place.pytest("--assay").returncode == 1
        yield place


def test_every_benchmark_is_a_case_and_every_round_a_sample(sound: Suite) -> None:
    document = sound.show()
    found = {case["params"]["test"].removeprefix("test_it.py::"): case for case in document["cases"]}
    assert set(found) == {"test_sum[10]", "test_sum[1000]", "test_sorted", "test_pedantic", "TestClass::test_method"}
    assert {case["status"] for case in document["cases"]} == {"measured"}
    assert {case["checked"]["by"] for case in document["cases"]} == {"test"}
    rounds = {record["key"]: record["n"] for record in document["records"] if record["metric"] == "time"}
    assert rounds[found["test_pedantic"]["key"]] == 7
    assert rounds[found["TestClass::test_method"]["key"]] == 5
    assert found["test_sum[1000]"]["notes"]["extra_info.n"] == "1000"
    assert found["test_sorted"]["notes"]["group"] == "sorting"
    assert document["exit_code"] == 0


def test_two_sessions_are_compared(sound: Suite) -> None:
    assert len(sound.runs) == 2
    first, second = sound.runs
    done = sound.assay("compare", first.name, second.name)
    assert done.returncode == 0
    assert done.stdout.count("test_it.py::") == 5


def test_the_summary_names_run_coverage_and_gate(sound: Suite) -> None:
    said = sound.pytest("--assay").stdout
    assert f"run {sound.runs[-1].name}" in said
    assert "coverage: 5 of 5 cases measured" in said
    assert "comparison with" in said
    assert "--gate" in said


def test_pytest_benchmarks_own_json_is_what_it_was(sound: Suite) -> None:
    with_, without = sound.benchmarks("--assay"), sound.benchmarks()
    assert with_.keys() == without.keys()
    assert [row["fullname"] for row in with_["benchmarks"]] == [row["fullname"] for row in without["benchmarks"]]
    for one, other in zip(with_["benchmarks"], without["benchmarks"], strict=True):
        assert one.keys() == other.keys()
        assert one["stats"].keys() == other["stats"].keys()
        assert (one["params"], one["extra_info"], one["group"]) == (other["params"], other["extra_info"], other["group"])


def test_the_samples_are_pytest_benchmarks_own(sound: Suite) -> None:
    rows = {row["fullname"]: row["stats"] for row in sound.benchmarks("--assay")["benchmarks"]}
    for record in sound.show()["records"]:
        if record["metric"] == "time":
            test = record["key"].split('"')[1]
            assert record["value"] == pytest.approx(rows[test]["median"])
            assert record["n"] == rows[test]["rounds"]


def test_what_failed_has_no_figure(failing: Suite) -> None:
    document = failing.show()
    found = {case["params"]["test"].removeprefix("test_it.py::"): case for case in document["cases"]}
    assert {name: case["status"] for name, case in found.items()} == {
        "test_wrong": "wrong",
        "test_raises": "error",
        "test_skipped": "skipped",
        "test_unused": "error",
        "test_right": "measured",
    }
    assert found["test_skipped"]["reason"] == "not today"
    assert "ZeroDivisionError" in found["test_raises"]["reason"]
    assert "never called its benchmark fixture" in found["test_unused"]["reason"]
    assert {record["key"] for record in document["records"]} == {found["test_right"]["key"]}
    assert document["exit_code"] == 1


def test_switched_off_benchmarks_are_said_not_to_be_measured(failing: Suite) -> None:
    failing.pytest("--assay", "--benchmark-disable", "-k", "right")
    (case,) = failing.show()["cases"]
    assert case["status"] == "skipped"
    assert "--benchmark-disable" in case["reason"]
    assert failing.show()["exit_code"] == 4


def test_a_benchmark_that_never_came_is_missing(failing: Suite) -> None:
    failing.pytest("--assay", "-x")  # stops at the first failure
    statuses = [case["status"] for case in failing.show()["cases"]]
    assert statuses == ["wrong", "missing", "missing", "missing", "missing"]


def test_without_our_options_nothing_is_done(failing: Suite) -> None:
    before = len(failing.runs)
    done = failing.pytest("-k", "right")
    assert done.returncode == 0
    assert "assay" not in done.stdout
    assert len(failing.runs) == before
    script = "import sys, assay.harness.door.pytest_plugin; print([m for m in sys.modules if m.startswith(('torch', 'hydra', 'numpy', 'assay.harness.door.pytest_run'))])"
    assert failing.command(sys.executable, "-c", script).stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--assay", "--assay-store", "test_it.py"), "test_it.py"),
        (("--assay", "--assay-device", "nope"), "unknown kind of device"),
        (("--assay", "-p", "no:benchmark"), "pytest-benchmark"),
        (("--assay-store", "x"), "give --assay too"),
        (("--assay-plan", "smoky"), "there is no plan 'smoky'. Did you mean smoke?"),
    ],
    ids=["store", "device", "no benchmark", "store alone", "plan"],
)
def test_what_cannot_be_is_a_usage_error(failing: Suite, words: tuple[str, ...], said: str) -> None:
    before = len(failing.runs)
    done = failing.pytest(*words)
    assert done.returncode == 4, done.stdout + done.stderr
    assert said in " ".join((done.stdout + done.stderr).split())
    assert "Traceback" not in done.stderr
    assert len(failing.runs) == before


def test_an_accelerators_rounds_are_timed_by_its_own_timer() -> None:
    from assay.harness.door.pytest_run import runner
    from tests.fakes import FakeDevice

    class Clock(FakeDevice):
        """A device whose every step takes three seconds."""

        def time(self, step: Any, reps: Any, **_hooks: Any) -> list[float]:
            """Run the steps."""
            return [3.0 for _ in reps if step() or True]

    timed = runner(Clock(), lambda x: x + 1, (4,), {})
    assert timed(None) == (3.0, 5)
    assert timed(range(5)) == 15.0


PLAN = """
# @package _global_
defaults:
  - override /suite: [gemm, all_reduce]
budget: {seconds: 0.02, warmup_seconds: 0.02, min_reps: 3}
suite:
  gemm: {axes: {dtype: [fp32], m: [4], layer: [{layer: tiny, n: 8, k: 16}]}}
  all_reduce: {axes: {bytes: [8], transport: [loopback, mpi]}}
"""


def test_our_own_cases_are_benchmarks(fresh: Place) -> None:
    folder = fresh.folder / ".config" / "assay" / "plan"
    folder.mkdir(parents=True)
    (folder / "tiny.yaml").write_text(PLAN)
    done = fresh.command(sys.executable, "-m", "pytest", *OPTIONS, "--assay-plan", "tiny", "--assay", "--benchmark-json=out.json", "-rs")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed, 1 skipped" in done.stdout
    assert "no MPI" in done.stdout
    names = {row["name"] for row in json.loads((fresh.folder / "out.json").read_text())["benchmarks"]}
    assert {name.split("/")[0] for name in names} == {"gemm", "all_reduce"}
    document = fresh.show()
    assert {case["checked"]["by"] for case in document["cases"] if case["status"] == "measured"} == {"assay"}
    assert sum(case["status"] == "not_applicable" for case in document["cases"]) == 1
