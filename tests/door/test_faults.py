"""A fault never takes the rest with it: the case ends with a status and a culprit, the others are measured, nothing is left running."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.door.place import BUDGET, LEAN, Place, case_of

pytestmark = pytest.mark.mpi
STATUS = {"kill": "crashed", "hang": "timeout", "stop": "timeout", "raise": "error"}
HERE = ("inject.suite=all_reduce", "inject.match='bytes=1024'")


@dataclass(frozen=True)
class Ending:
    """How a run with one planted fault ended."""

    place: Place
    code: int
    said: str
    document: dict[str, Any]

    @property
    def case(self) -> dict[str, Any]:
        """Give the case in which the fault was planted."""
        return case_of(self.document, "bytes=1024")


@pytest.fixture(scope="module", params=STATUS)
def ending(request: pytest.FixtureRequest, place: Place) -> Ending:
    """Run the tiny plan, one case of which ends badly on the last rank."""
    done = place.assay("run", *LEAN, "suite.all_reduce.axes.bytes=[1024,8,64]", "budget.timeout=3", f"inject.kind={request.param}", *HERE)
    return Ending(place, done.returncode, done.stdout + done.stderr, {**place.show(), "kind": request.param})


def test_it_is_a_2_and_no_traceback_of_the_door(ending: Ending) -> None:
    assert ending.code == 2, ending.said
    assert "defect of Assay" not in ending.said


def test_status_rank_and_phase_are_named(ending: Ending) -> None:
    case = ending.case
    assert case["status"] == STATUS[ending.document["kind"]]
    assert "rank 1" in case["reason"]
    assert case["fault"]["rank"] == 1
    assert case["fault"]["phase"] in case["reason"]
    assert case["fault"]["phase"] in {"warm-up", "check", "time", "check after timing"}
    assert case["reason"] in ending.said


def test_the_other_cases_are_measured(ending: Ending) -> None:
    others = [case for case in ending.document["cases"] if case["key"] != ending.case["key"]]
    assert len(others) == 2
    assert {case["status"] for case in others} == {"measured"}
    assert not [record for record in ending.document["records"] if record["key"] == ending.case["key"]]


def test_nothing_is_left_running(ending: Ending) -> None:
    assert not ending.place.left(seconds=3)


def test_stacks_of_ranks_that_can_still_give_one_are_kept(ending: Ending) -> None:
    found = ending.case["fault"]["stacks"]
    if ending.document["kind"] == "hang":
        assert set(found) == {"rank 0", "rank 1"}
        assert "inject.py" in found["rank 1"]  # where it sleeps
    if ending.document["kind"] == "stop":
        assert "rank 0" in found
    if ending.document["kind"] == "raise":
        assert "PlantedError" in found["rank 1"]


def test_raising_on_one_rank_only_names_that_one(place: Place) -> None:
    done = place.assay("run", *LEAN, "inject.kind=raise", "inject.rank=0", *HERE)
    case = case_of(place.show(), "bytes=1024")
    assert done.returncode == 2
    assert case["status"] == "error"
    assert case["fault"]["rank"] == 0
    assert "rank 0 raised" in case["reason"]
    assert "planted: this rank raises" in case["reason"]


@dataclass(frozen=True)
class Answers:
    """The same cases with wrong answers planted in one suite, and without."""

    code: int
    text: str
    wrong: dict[str, Any]
    healthy: dict[str, Any]
    healthy_code: int


PRODUCT = ("suite.gemm.axes.layer=[{layer: t, n: 128, k: 128}]", "suite.gemm.axes.m=[8]", "suite.gemm.axes.dtype=[fp32]")
BOTH = ("suite=[all_to_all,gemm]", "suite.all_to_all.axes.bytes=[8,1024]", *PRODUCT, "hardware.name=none", *BUDGET)
PLANTED = {
    "bytes=1024": ("inject.kind=flip_element", "inject.suite=all_to_all", "inject.match='bytes=1024'", "inject.column=5"),
    "layer=t": ("inject.kind=negate_row", "inject.suite=gemm", "inject.row=3"),
}


@pytest.fixture(scope="module")
def healthy(place: Place) -> tuple[int, dict[str, Any]]:
    """Run the cases without a fault."""
    done = place.assay("run", *BOTH)
    return done.returncode, {**place.show(), "said": done.stdout + done.stderr}


@pytest.fixture(scope="module", params=PLANTED)
def wrong(request: pytest.FixtureRequest, place: Place) -> tuple[int, str, str, dict[str, Any]]:
    """Run the cases with a wrong answer in one of them."""
    done = place.assay("run", *BOTH, *PLANTED[request.param])
    return done.returncode, done.stdout + done.stderr, request.param, place.show()


def test_a_wrong_answer_is_a_1_with_rank_and_position(wrong: tuple[int, str, str, dict[str, Any]]) -> None:
    code, said, part, document = wrong
    case = case_of(document, part)
    place = "element 5" if part == "bytes=1024" else "row 3"
    assert code == 1, said
    assert case["status"] == "wrong"
    assert case["checked"]["rank"] == 1
    assert "rank 1" in case["reason"]
    assert place in case["reason"] + case["checked"]["where"]
    assert place in said


def test_a_wrong_answer_has_no_performance_figure(wrong: tuple[int, str, str, dict[str, Any]]) -> None:
    _, _, part, document = wrong
    case = case_of(document, part)
    figures = {record["metric"] for record in document["records"] if record["key"] == case["key"]}
    assert not figures & {"time", "latency", "flop_rate", "algbw", "busbw", "memory_rate", "wire_rate"}
    others = [other for other in document["cases"] if other["key"] != case["key"]]
    assert {other["status"] for other in others} == {"measured"}
    assert all(any(record["key"] == other["key"] and record["metric"] == "time" for record in document["records"]) for other in others)


def test_the_same_cases_without_a_fault_are_right(healthy: tuple[int, dict[str, Any]]) -> None:
    code, document = healthy
    assert code == 0, document["said"]
    assert {case["status"] for case in document["cases"]} == {"measured"}
    answers = [verdict for verdict in document["verdicts"] if verdict["metric"] == "answer"]
    assert len(answers) == len(document["cases"])
    assert {verdict["status"] for verdict in answers} == {"pass"}


@pytest.mark.parametrize("kind", ["kill", "hang"])
def test_a_killed_launch_leaves_no_shared_memory(fresh: Place, kind: str) -> None:
    before = set(Path("/dev/shm").iterdir())  # noqa: S108 - where MPI libraries put theirs
    fault = (f"inject.kind={kind}", "inject.suite=all_reduce", "suite.all_reduce.axes.bytes=[8]", "budget.timeout=2")
    assert fresh.assay("run", *LEAN, *fault).returncode == 2
    assert set(Path("/dev/shm").iterdir()) <= before  # noqa: S108


RETRIED = ("run", *LEAN, "budget.retries=2", "budget.timeout=3", "inject.kind=kill", *HERE)


def test_a_case_that_broke_once_is_tried_again_and_never_passes_plainly(fresh: Place) -> None:
    done = fresh.assay(*RETRIED, "inject.attempts=1")
    shown = fresh.show()
    case = case_of(shown, "bytes=1024")
    (verdict,) = [verdict for verdict in shown["verdicts"] if verdict["key"] == case["key"] and verdict["metric"] == "answer"]
    assert (case["status"], verdict["status"]) == ("measured", "warn"), done.stdout + done.stderr
    assert "at attempt 2 (attempt 1 crashed: rank 1" in verdict["reason"]
    assert all(
        "attempt 2, earlier ones broke" in record["flags"]
        for record in shown["records"]
        if record["key"] == case["key"] and record["metric"] == "time"
    )
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1].startswith("WARN (exit code 0)")
    other = [verdict["status"] for verdict in shown["verdicts"] if verdict["metric"] == "answer" and verdict["key"] != case["key"]]
    assert other == ["pass"]


def test_a_case_that_breaks_every_time_is_tried_as_often_as_was_said_and_is_a_2(fresh: Place) -> None:
    done = fresh.assay(*RETRIED)
    case = case_of(fresh.show(), "bytes=1024")
    assert (done.returncode, case["status"]) == (2, "crashed")
    lines = [line for path in (fresh.runs[0] / "measurements").glob("*.jsonl") for line in path.read_text().splitlines()]
    assert sum('"kind":"case"' in line and '"bytes":1024' in line for line in lines) == 3


def test_a_wrong_answer_is_not_tried_again(fresh: Place) -> None:
    done = fresh.assay("run", *LEAN, "budget.retries=2", "inject.kind=flip_element", *HERE, "inject.attempts=1", "inject.after=1")
    assert (done.returncode, case_of(fresh.show(), "bytes=1024")["status"]) == (1, "wrong"), done.stdout + done.stderr
