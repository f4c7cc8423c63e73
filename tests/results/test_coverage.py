"""Coverage: every planned case is a row, whatever became of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from assay.harness.measurement import STATUSES, Checked, Fault, Measurement
from assay.results.coverage import FAILED, cover
from tests.results.builders import case, measured, plan_of, wrong

TIMES = [1.0] * 7


def status(of: int, name: str, reason: str = "", **more: object) -> Measurement:
    """Make a measurement of case ``m = of`` with a status."""
    return replace(measured(case(m=of), TIMES), status=name, reason=reason, **more)


def test_a_planned_case_without_a_line_is_missing_and_named() -> None:
    coverage = cover(plan_of([case(m=1), case(m=2)]), [measured(case(m=1), TIMES)])
    assert [(row.key, row.status) for row in coverage.rows] == [(case(m=1).key, "measured"), (case(m=2).key, "missing")]
    assert (coverage.planned, coverage.measured, coverage.missing) == (2, 1, 1)


def test_nothing_measured_is_all_missing() -> None:
    assert cover(plan_of([case(m=m) for m in range(5)]), []).missing == 5


def test_every_status_is_counted_once_and_they_add_up() -> None:
    cases = [case(m=i) for i in range(len(STATUSES))]
    coverage = cover(plan_of(cases), [status(i, name, "why") for i, name in enumerate(STATUSES)])
    assert coverage.measured + coverage.failed + coverage.missing + coverage.count("skipped", "not_applicable") == coverage.planned
    assert coverage.failed == len(FAILED)
    assert coverage.answered == (2, len(STATUSES) - 2)


def test_the_line_says_how_many_of_how_many_and_why_not() -> None:
    plan = plan_of([case(m=i) for i in range(24)], [(case(m=i), "--budget 60s") for i in range(100, 103)])
    found = [status(i, "measured") for i in range(22)] + [
        status(22, "crashed", "killed by SIGKILL"),
        status(23, "not_applicable", "no fp8 here"),
    ]
    line = cover(plan, found).text()
    assert (
        line
        == "coverage: 22 of 24 cases measured, 1 crashed (killed by SIGKILL), 1 not applicable (no fp8 here); 3 left out (--budget 60s)"
    )


def test_many_reasons_are_cut_and_counted() -> None:
    found = [status(i, "error", f"reason {i % 5}") for i in range(9)]
    line = cover(plan_of([case(m=i) for i in range(9)]), found).text()
    assert line == "coverage: 0 of 9 cases measured, 9 with an error (2 x reason 0; 2 x reason 1; 2 x reason 2; and 2 other reasons)"


@pytest.mark.parametrize(
    "checked", [Checked(), Checked(ok=True), Checked(ok=True, checks=1), Checked(ok=True, tested=5), Checked(ok=False, checks=1, tested=5)]
)
def test_a_right_answer_of_which_nothing_was_compared_is_an_error(checked: Checked) -> None:
    (row,) = cover(plan_of([case(m=1)]), [measured(case(m=1), TIMES, checked=checked)]).rows
    assert row.status == "error"
    assert row.reason


def test_rank_place_and_phase_are_named() -> None:
    fault = Fault(rank=3, phase="time", repetition=7, detail="boom")
    rows = cover(plan_of([case(m=1), case(m=2)]), [status(1, "timeout", fault=fault), wrong(case(m=2))]).rows
    assert rows[0].reason == "rank 3, phase time, repetition 7: boom"
    assert rows[1].reason == "rank 1: row 17 is off: row 17, column 3"


def test_a_failure_without_a_reason_says_so() -> None:
    (row,) = cover(plan_of([case(m=1)]), [status(1, "error")]).rows
    assert row.reason == "no reason was given"


def test_a_suite_with_nothing_applicable_is_named_and_one_applicable_case_saves_it() -> None:
    plan = plan_of([case(m=1), case(m=2), case("fp8_gemm", m=1)])
    absent = replace(measured(case("fp8_gemm", m=1), TIMES), status="not_applicable", reason="no fp8")
    coverage = cover(plan, [status(1, "not_applicable", "no"), measured(case(m=2), TIMES), absent])
    assert coverage.barren == {"fp8_gemm": "no fp8"}


def test_a_missing_case_is_not_barren() -> None:
    assert cover(plan_of([case(m=1)]), []).barren == {}


def test_a_long_reason_is_cut_in_the_line_and_whole_in_its_row() -> None:
    reason = "word " * 100
    coverage = cover(plan_of([case(m=1)]), [status(1, "error", reason)])
    assert len(coverage.text()) < 200
    assert coverage.rows[0].reason == reason
