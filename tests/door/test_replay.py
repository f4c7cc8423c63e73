"""A plan on disk is replayed by hand with nothing but an MPI launcher, and refused when it does not fit."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import program
from tests.door.place import LEAN, Place, keys_on_disk, lines_of

pytestmark = pytest.mark.mpi
RANK = (sys.executable, "-m", "mpi4py", "-m", "assay.harness.rank")


@pytest.fixture(scope="module")
def planned(place: Place) -> Path:
    """Write a plan file."""
    done = place.assay("plan", *LEAN, "--out", "plan.json")
    assert done.returncode == 0, done.stderr
    assert not place.runs
    return place.folder / "plan.json"


def test_the_right_number_of_ranks_measures_it(place: Place, planned: Path) -> None:
    done = place.command(str(program("mpiexec")), "-n", "2", *RANK, str(planned), "out")
    assert done.returncode == 0, done.stdout + done.stderr
    plan = json.loads(planned.read_text(encoding="utf-8"))
    assert keys_on_disk(place.folder / "out") == [case["key"] for case in plan["cases"]]
    assert {row["status"] for row in lines_of(place.folder / "out") if row["kind"] == "case"} == {"measured"}


def test_another_number_of_ranks_is_refused(place: Place, planned: Path) -> None:
    done = place.command(str(program("mpiexec")), "-n", "1", *RANK, str(planned), "other")
    assert done.returncode == 3, done.stdout + done.stderr
    assert "2 ranks" in done.stderr
    assert "has 1" in done.stderr
    assert not (place.folder / "other").exists()


EDITS: dict[str, Callable[[dict[str, Any]], object]] = {
    "target outside": lambda plan: plan["cases"][0].update(target="os:system"),
    "key that does not fit": lambda plan: plan["cases"][0].update(key="all_reduce/1"),
    "no cases": lambda plan: plan.update(cases=[]),
    "another schema": lambda plan: plan.update(schema=99),
    "negative time": lambda plan: plan["cases"][0]["budget"].update(seconds=-1),
    "ranks as a word": lambda plan: plan.update(nranks="two"),
    "cases of text": lambda plan: plan.update(cases=["all_reduce"]),
}


@pytest.mark.parametrize("edit", EDITS)
def test_a_plan_edited_into_nonsense_is_refused(place: Place, planned: Path, edit: str) -> None:
    plan = json.loads(planned.read_text(encoding="utf-8"))
    EDITS[edit](plan)
    (place.folder / "edited.json").write_text(json.dumps(plan), encoding="utf-8")
    done = place.command(sys.executable, "-m", "assay.harness.rank", "edited.json", "none")
    assert done.returncode == 3, done.stdout + done.stderr
    assert done.stderr.startswith("assay: edited.json")
    assert "Traceback" not in done.stderr
    assert not (place.folder / "none").exists()


def test_a_plan_that_is_no_json_is_refused(place: Place) -> None:
    (place.folder / "torn.json").write_text('{"schema": 1, "cases": [', encoding="utf-8")
    done = place.command(sys.executable, "-m", "assay.harness.rank", "torn.json", "none")
    assert done.returncode == 3
    assert "torn.json" in done.stderr
