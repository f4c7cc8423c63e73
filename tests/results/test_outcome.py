"""Exit codes, exhaustively: every set of verdict statuses with every set of case statuses, against the words of the manual."""

from __future__ import annotations

from itertools import combinations, product

import pytest

from assay.harness.measurement import STATUSES
from assay.results.coverage import Coverage, Row
from assay.results.outcome import combine, exit_code, summary

VERDICTS = ("pass", "fail", "no-verdict", "skip", "error")


def subsets(names: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Give every subset."""
    return [chosen for n in range(len(names) + 1) for chosen in combinations(names, n)]


def manual(verdicts: set[str], cases: set[str], also: set[int], *, allowed: bool) -> int:
    """Say the exit code as the manual words it: the first sentence that holds."""
    if 3 in also:
        return 3
    if "fail" in verdicts or "wrong" in cases or 1 in also:
        return 1
    if "error" in verdicts or cases & {"error", "crashed", "timeout", "missing"} or 2 in also:
        return 2
    if "no-verdict" in verdicts or "measured" not in cases or 4 in also:
        return 0 if allowed else 4
    return 0


@pytest.mark.parametrize("allowed", [False, True])
def test_every_combination(allowed: bool) -> None:  # noqa: FBT001 - the option itself
    few = [chosen for chosen in subsets(STATUSES) if len(chosen) < 2]
    every = [*product(subsets(VERDICTS), subsets(STATUSES), [None]), *product(subsets(VERDICTS), few, (0, 1, 2, 3, 4))]
    for verdicts, cases, code in every:
        also = set() if code is None else {code}
        coverage = Coverage(tuple(Row(f"k{i}", "suite", status, "r") for i, status in enumerate(cases)))
        found = exit_code(verdicts, coverage, also=also, allow_inconclusive=allowed)
        assert found == manual(set(verdicts), set(cases), also, allowed=allowed), (verdicts, cases, code)


def test_one_barren_suite_beside_a_good_one_is_no_verdict() -> None:
    good, barren = Row("a", "gemm", "measured"), Row("b", "fp8_gemm", "not_applicable", "no fp8")
    assert exit_code(["pass"], Coverage((good, barren))) == 4
    assert exit_code(["pass"], Coverage((good, barren)), allow_inconclusive=True) == 0
    assert exit_code(["pass"], Coverage((good, Row("b", "gemm", "not_applicable", "no fp8")))) == 0


def test_left_out_cases_have_no_effect_but_a_plan_of_nothing_does() -> None:
    assert exit_code(["pass"], Coverage((Row("a", "gemm", "measured"),), (Row("b", "gemm", "left_out", "--budget"),))) == 0
    assert exit_code([], Coverage((), (Row("b", "gemm", "left_out", "--budget"),))) == 4


@pytest.mark.parametrize(("codes", "expected"), [([0], 0), ([4, 0], 4), ([2, 4], 2), ([2, 1], 1), ([3, 1, 2, 4, 0], 3), ([], 4)])
def test_precedence(codes: list[int], expected: int) -> None:
    assert combine(codes) == expected


def test_unknown_codes_and_statuses_never_pass() -> None:
    with pytest.raises(ValueError, match="130"):
        combine([130, 0])
    with pytest.raises(KeyError):
        exit_code(["passed"], Coverage((Row("a", "s", "measured"),)))


def test_the_summary_counts_missing_as_failed() -> None:
    rows = [Row(status, "s", status) for status in STATUSES]
    assert summary(Coverage(tuple(rows)), 2) == {
        "planned": 8,
        "measured": 1,
        "failed": 5,
        "skipped": 1,
        "not_applicable": 1,
        "verdict": "error",
    }
