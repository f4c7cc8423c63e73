"""The door dies without a word: no rank stays, the run says incomplete, and resuming measures each case exactly once."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.door.place import LEAN, Place, assert_refused, keys_on_disk, until

pytestmark = pytest.mark.mpi
SIZES = (8, 16, 32, 64, 128, 256)
SLOW = (f"suite.all_reduce.axes.bytes=[{','.join(map(str, SIZES))}]", "budget.seconds=0.5", "budget.precision=1e-9")


@dataclass(frozen=True)
class Killed:
    """A run whose door was killed in the middle, and what was on disk then."""

    place: Place
    run: Path
    before: list[str]
    refusal: object
    left: list[int]


@pytest.fixture(scope="module")
def killed(place: Place) -> Killed:
    """Kill the door with SIGKILL once a case is on disk."""
    with place.running("run", *LEAN, *SLOW) as door:
        until(lambda: bool(place.runs) and len(keys_on_disk(place.runs[0])) > 0, door)
        refusal = place.assay("run", "--resume", "latest")
        door.kill()
        door.wait()
        left = [process.pid for process in place.left(seconds=10)]
    return Killed(place, place.runs[0], keys_on_disk(place.runs[0]), refusal, left)


def test_a_run_that_is_still_running_cannot_be_resumed(killed: Killed) -> None:
    assert_refused(killed.refusal, killed.run.name, "still running")  # type: ignore[arg-type]


def test_no_rank_outlives_the_door(killed: Killed) -> None:
    assert not killed.left


def test_the_run_says_incomplete_and_names_the_last_heartbeat(killed: Killed) -> None:
    plan = json.loads((killed.run / "plan.json").read_text(encoding="utf-8"))
    assert 0 < len(killed.before) < len(plan["cases"])
    listed = killed.place.assay("runs").stdout
    assert killed.run.name in listed
    assert "incomplete" in listed
    shown = killed.place.assay("show", "latest")
    assert shown.returncode == 0, shown.stderr
    first = shown.stdout.splitlines()[0]
    assert "incomplete" in first
    assert "last heartbeat: rank " in first
    assert f"assay run --resume {killed.run.name}" in first
    missing = [case for case in killed.place.show()["cases"] if case["status"] == "missing"]
    assert len(missing) == len(plan["cases"]) - len(killed.before)


def test_resuming_measures_every_case_exactly_once(killed: Killed) -> None:
    plan = json.loads((killed.run / "plan.json").read_text(encoding="utf-8"))
    done = killed.place.assay("run", "--resume", killed.run.name)
    assert done.returncode == 0, done.stdout + done.stderr
    after = keys_on_disk(killed.run)
    assert after[: len(killed.before)] == killed.before
    assert sorted(after) == sorted(case["key"] for case in plan["cases"])
    assert "finished" in killed.place.assay("runs").stdout
    assert len(killed.place.runs) == 1
    again = killed.place.assay("run", "--resume", killed.run.name)
    assert again.returncode == 0, again.stderr
    assert keys_on_disk(killed.run) == after
