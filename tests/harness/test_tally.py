"""Checks are counted, the worst is kept, the rank is named, and a check that compared nothing proves nothing."""

from __future__ import annotations

import math

import pytest

from assay.harness.tally import Tally, merge, worst_of
from assay.harness.work import Answer


def tally(rank: int, *answers: Answer) -> Tally:
    """Tally ``answers`` in phases numbered from 0."""
    made = Tally(rank)
    for number, answer in enumerate(answers):
        made.add(answer, phase=f"phase {number}")
    return made


def test_right_answers_are_counted() -> None:
    checked = merge([tally(0, Answer(ok=True, tested=4), Answer(ok=True, tested=6)), tally(1, Answer(ok=True, tested=5))])
    assert (checked.ok, checked.checks, checked.tested, checked.rank, checked.reason) == (True, 3, 15, None, "")


@pytest.mark.parametrize("tested", [0, -1])
def test_a_check_that_compared_nothing_is_wrong(tested: int) -> None:
    checked = merge([tally(0, Answer(ok=True, tested=tested))])
    assert not checked.ok
    assert checked.reason == "rank 0: the check compared nothing (phase 0)"


def test_no_check_at_all_is_wrong() -> None:
    checked = merge([tally(0, Answer(ok=True, tested=1)), tally(1)])
    assert not checked.ok
    assert checked.rank == 1
    assert checked.reason == "rank 1: nothing was checked"


def test_the_first_wrong_answer_is_kept() -> None:
    made = tally(
        2,
        Answer(ok=True, tested=1, where="row 0"),
        Answer(ok=False, tested=1, reason="first", where="row 1"),
        Answer(ok=False, tested=1, reason="second", where="row 2"),
        Answer(ok=True, tested=1, where="row 3"),
    )
    assert not made.ok
    checked = merge([tally(0, Answer(ok=True, tested=1)), tally(1, Answer(ok=True, tested=1, where="row 9")), made])
    assert (checked.ok, checked.rank, checked.where) == (False, 2, "row 1")
    assert checked.reason == "rank 2: first (phase 1)"
    assert checked.checks == 6


def test_of_several_wrong_ranks_the_lowest_is_named() -> None:
    wrong = Answer(ok=False, tested=1, reason="no")
    assert merge([tally(0, Answer(ok=True, tested=1)), tally(1, wrong), tally(2, wrong)]).rank == 1


def test_scores_are_the_worst_of_all_and_nan_is_the_worst() -> None:
    first = tally(
        0, Answer(ok=True, tested=1, scores={"a": 1.0, "b": 5.0}, limits={"a": 9.0}), Answer(ok=True, tested=1, scores={"a": 3.0})
    )
    second = tally(1, Answer(ok=True, tested=1, scores={"a": 2.0, "b": 7.0}, limits={"b": 8.0}))
    checked = merge([first, second])
    assert checked.scores == {"a": 3.0, "b": 7.0}
    assert checked.limits == {"a": 9.0, "b": 8.0}


@pytest.mark.parametrize("order", [(math.nan, 1.0, 2.0), (1.0, math.nan, 2.0), (1.0, 2.0, math.nan)])
def test_a_nan_score_is_never_forgotten(order: tuple[float, ...]) -> None:
    one = tally(0, *(Answer(ok=True, tested=1, scores={"a": value}) for value in order))
    assert math.isnan(one.scores["a"])
    many = [tally(rank, Answer(ok=True, tested=1, scores={"a": value})) for rank, value in enumerate(order)]
    assert math.isnan(merge(many).scores["a"])
    assert math.isnan(worst_of(order))


def test_without_nan_the_largest_is_the_worst() -> None:
    assert worst_of([1.0, -math.inf, 2.0]) == 2.0
    assert worst_of([1.0, math.inf]) == math.inf
