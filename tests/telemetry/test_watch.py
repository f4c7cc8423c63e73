"""The rank's side: whatever becomes of the helper, the case goes on after a deadline."""

from __future__ import annotations

import contextlib
import itertools
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from assay.harness.telemetry.helper import MOST_SAMPLES, Helper
from assay.harness.telemetry.none import NoWatch
from assay.harness.telemetry.watch import Helped, Watch, open_watch
from assay.results.telemetry import energy_of, marks
from tests.telemetry.acme import install

FACTS = {"kind": "cpu"}


@pytest.fixture
def acme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Watch]]:
    """Give a callable that opens the package's telemetry with a trouble."""
    for name, value in install(tmp_path).items():
        monkeypatch.setenv(name, value)
    with contextlib.ExitStack() as keep:

        def open_it(trouble: str) -> Watch:
            monkeypatch.setenv("ACME_TROUBLE", trouble)
            return keep.enter_context(contextlib.closing(open_watch("acme", FACTS, call_seconds=0.2, period=0.02)))

        yield open_it


def case(watch: Watch, seconds: float = 0.3) -> Any:
    """Watch a case that sleeps."""
    watch.begin()
    start = time.monotonic()
    time.sleep(seconds)
    return watch.end((start, time.monotonic()))


def test_a_package_brings_telemetry(acme: Callable[[str], Watch]) -> None:
    row = case(acme(""))
    assert (row["source"], row["device"]["uuid"]) == ("acme 1.0", "ACME-0")
    assert row["samples"]["power_watts"] == [250.0] * len(row["samples"]["seconds"])
    assert len(row["samples"]["seconds"]) >= 5
    assert row["samples"]["seconds"][0] < 0.1
    assert "energy takes 2 s" in str(energy_of(row))
    assert marks(row) == ()


def test_samples_are_spaced_by_the_period(acme: Callable[[str], Watch]) -> None:
    found = case(acme(""))["samples"]["seconds"]
    gaps = sorted(later - earlier for earlier, later in itertools.pairwise(found))
    assert gaps[len(gaps) // 2] > 0.015  # never faster than asked; slower on a busy machine


@pytest.mark.parametrize(("trouble", "words"), [("frozen", "timed out"), ("dies", "ended by itself")])
def test_a_helper_that_freezes_or_dies_costs_a_deadline_and_is_told(acme: Callable[[str], Watch], trouble: str, words: str) -> None:
    watch = acme(trouble)
    start = time.monotonic()
    watch.begin()
    took = time.monotonic() - start
    assert took < 10
    row = watch.end(None)
    assert row["lost"]
    assert words in row["lost"] or "did not answer begin" in row["lost"]
    assert marks(row)[0].startswith("telemetry lost in mid-case [the telemetry helper")
    start = time.monotonic()
    watch.begin()
    assert watch.end(None)["lost"] == row["lost"]
    assert watch.processes() == []
    assert time.monotonic() - start < 0.5  # it is not asked again


def test_a_package_that_raises_is_a_reason(acme: Callable[[str], Watch]) -> None:
    none = acme("raises")
    assert isinstance(none, NoWatch)
    assert "RuntimeError: no driver of acme" in none.reason


def test_the_helper_ends_with_its_rank_even_by_sigkill(tmp_path: Path) -> None:
    script = (
        "import os, signal, sys; from assay.harness.telemetry.watch import open_watch; w = open_watch('acme', {}); "
        "print(w.process.pid, flush=True); w.begin(); os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, **install(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == -9, done.stderr
    pid = int(done.stdout.split()[0])
    deadline = time.monotonic() + 10
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline, "the helper outlives its rank"
        time.sleep(0.02)


def test_the_helper_gives_way_to_the_rank(acme: Callable[[str], Watch]) -> None:
    watch = acme("")
    assert isinstance(watch, Helped)
    assert psutil.Process(watch.process.pid).nice() > psutil.Process().nice()


def test_a_long_case_keeps_samples_from_all_of_it() -> None:
    class Steady:
        """A device of constant power."""

        source = "steady"

        def readings(self) -> dict[str, Callable[[], float]]:
            """Give its only reading."""
            return {"power_watts": lambda: 5.0}

    helper = Helper(seconds=5, period=1e-6)
    helper.telemetry = Steady()  # type: ignore[assignment]
    helper.begin({})
    for _ in range(2 * MOST_SAMPLES):
        helper.sample()
    told = helper.end({})
    times = told["samples"]["seconds"]
    assert MOST_SAMPLES / 2 <= len(times) <= MOST_SAMPLES
    assert times == sorted(times)
    assert told["period_seconds"] > 1e-6
    assert set(told["samples"]["power_watts"]) == {5.0}
