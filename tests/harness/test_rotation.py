"""Several sets of operands in turn: each step uses the next, every set is checked, and one that is wrong cannot hide among the others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assay.harness.beat import Beat
from assay.harness.case import Budget, Case
from assay.harness.errors import RefusalError
from assay.harness.measure import measure
from assay.harness.measurement import Measurement
from assay.harness.rotation import rotated
from assay.harness.session import Session
from assay.harness.timer import asked_timer
from assay.harness.work import Answer, Context, Volume, Work
from tests.fakes import context

BUDGET = Budget(seconds=0.02, warmup_seconds=0.005, min_reps=30, max_reps=200, timeout=20)


class Sets:
    """A hand-written suite that notes which of its sets was used; set ``bad`` does what ``wrongly`` says."""

    def __init__(self, *, refreshed: bool = False, bad: int | None = None, wrongly: Callable[[Any], None] = lambda _: None) -> None:
        """Begin with no set."""
        self.refreshed, self.bad, self.wrongly = refreshed, bad, wrongly
        self.used: list[int] = []
        self.freshened: list[int] = []
        self.closed: list[int] = []
        self.made = 0

    def work(self, _ctx: Context) -> Work:
        """Prepare one more set."""
        number, given, out = self.made, np.arange(4.0) + self.made, np.zeros(4)
        self.made += 1

        def step() -> None:
            self.used.append(number)
            np.multiply(given, 2, out=out)
            if number == self.bad:
                self.wrongly(out)

        def check() -> Answer:
            right = bool(np.array_equal(out, given + given))
            return Answer(ok=right, tested=4, reason="" if right else f"set {number} is wrong")

        return Work(
            step=step,
            check=check,
            volume=Volume(memory_nbytes=64),
            refresh=(lambda _i: self.freshened.append(number)) if self.refreshed else None,
            result=lambda: out,
            close=lambda: self.closed.append(number),
        )


def measured(sets: Sets, folder: Path, *, buffers: int, **case: Any) -> Measurement:
    """Measure a case on one rank."""
    ctx = context()
    session = Session(ctx, Beat(folder / "beats", rank=0, launch=0), folder, 0, timer={})
    found = measure(session, Case("s", "t", {}, timer={"buffers": buffers}, budget=BUDGET, **case), sets.work)
    assert found is not None
    return found


@pytest.mark.parametrize("align", ["barrier", "block"])
@pytest.mark.parametrize("buffers", [2, 5])
def test_steps_use_the_sets_in_turn_and_all_are_given_back(tmp_path: Path, buffers: int, align: str) -> None:
    sets = Sets()
    found = measured(sets, tmp_path, buffers=buffers, align=align)
    assert found.status == "measured", found.reason
    assert sets.made == buffers
    assert sets.used == [step % buffers for step in range(len(sets.used))]
    assert len(sets.used) > 3 * buffers
    assert sorted(sets.closed) == list(range(buffers))
    assert found.notes["buffers"] == f"{buffers} sets of operands in turn"


def test_each_step_has_fresh_numbers_in_its_own_set(tmp_path: Path) -> None:
    sets = Sets(refreshed=True)
    assert measured(sets, tmp_path, buffers=3).status == "measured"
    assert sets.freshened == sets.used


def spoil(out: Any) -> None:
    """Make an answer wrong."""
    out[1] = 7


def test_one_wrong_set_among_many_is_found_where_every_repetition_is_checked(tmp_path: Path) -> None:
    found = measured(Sets(refreshed=True, bad=3, wrongly=spoil), tmp_path, buffers=5)
    assert found.status == "wrong"
    assert "set 3 is wrong" in found.reason
    assert not found.samples.rows or found.checked.rank == 0


@pytest.mark.parametrize("kind", ["flip_element", "stale", "nan_element"])
@pytest.mark.parametrize("refreshed", [True, False])
def test_a_planted_fault_is_found_with_several_sets(tmp_path: Path, kind: str, *, refreshed: bool) -> None:
    found = measured(Sets(refreshed=refreshed), tmp_path, buffers=3, inject={"kind": kind, "after": 3})
    assert found.status == "wrong"


def test_one_set_is_the_case_as_it_was(tmp_path: Path) -> None:
    sets = Sets()
    ctx = context()
    session = Session(ctx, Beat(tmp_path / "beats", rank=0, launch=0), tmp_path, 0, timer={})
    found = measure(session, Case("s", "t", {}, budget=BUDGET), sets.work)
    assert found is not None
    assert (found.status, set(sets.used), sets.made) == ("measured", {0}, 1)
    assert "buffers" not in found.notes
    assert "timer" not in found.case.key


def test_the_number_of_sets_is_part_of_the_key_unless_it_is_one() -> None:
    assert asked_timer({"buffers": 1}, align="barrier") == {}
    assert asked_timer({"buffers": 8}, align="barrier") == {"buffers": 8}
    assert 'timer={"buffers":8}' in Case("s", "t", {}, timer={"buffers": 8}).key


@pytest.mark.parametrize(
    "options", [{"buffers": 0}, {"buffers": 1.5}, {"buffers": True}, {"buffers": 10**6}, {"buffers": 2, "method": "graph"}]
)
def test_what_is_no_number_of_sets_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(RefusalError) as caught:
        asked_timer(options, align="barrier")
    assert caught.value.where == "timer.buffers"


def test_the_answer_is_that_of_the_last_step() -> None:
    sets = Sets()
    work = rotated([sets.work(context()) for _ in range(3)])
    for number in (0, 1, 2, 0):
        work.step()
        assert work.result is not None
        assert work.result()[0] == 2 * number
        assert work.check().ok
