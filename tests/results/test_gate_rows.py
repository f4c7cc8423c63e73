"""From runs to rows: figures that are missing, answers that are wrong, machines that differ, and what joins two keys."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.harness.case import Case
from assay.harness.errors import RefusalError, StoreError
from assay.harness.rundir import RunDir
from assay.results.gate_pairs import Pairs, own_names, read_pairs
from assay.results.gate_rows import confirm_rows, judge_pass, suspects
from assay.results.thresholds import Thresholds
from tests.results.builders import case, measured, time_record, write_records, write_run, wrong

T = Thresholds()
A, B = case(m=64), case(m=128)


def run(path: Path, *measurements: object, **described: object) -> RunDir:
    return write_run(path, measurements, **described)  # type: ignore[arg-type]


def turns(tmp_path: Path, head: float = 1.0, *, pairs: int = 4, of: Case = A, where: str = "t") -> list[tuple[list[RunDir], list[RunDir]]]:
    """Write pairs of runs of one case with a wobble of 0.1 %; the head is ``head`` times as long."""
    made = []
    for i in range(pairs):
        wobble = 1 + 0.001 * ((i * 7) % 3 - 1)
        base = run(tmp_path / f"{where}b{i}", measured(of, [1e-3 * wobble] * 10))
        other = run(tmp_path / f"{where}h{i}", measured(of, [1e-3 * head / wobble] * 10))
        made.append(([base], [other]))
    return made


@pytest.mark.parametrize(("head", "status"), [(1.0, "same"), (1.1, "slower"), (0.9, "faster")])
def test_whole_runs_are_judged(tmp_path: Path, head: float, status: str) -> None:
    judged = judge_pass(read_pairs(turns(tmp_path, head)), T)
    (row,) = judged.rows
    assert (row.status, row.key, row.subject, row.unit) == (status, A.key, "device0", "s")
    assert row.base == pytest.approx(1e-3, rel=0.01)
    assert len(row.values) == 4
    assert [one.status for one in suspects(judged.rows)] == ([] if status == "same" else [status])


def test_a_suspicion_needs_fresh_pairs(tmp_path: Path) -> None:
    judged = judge_pass(read_pairs(turns(tmp_path, 1.1)), T)
    (kept,) = confirm_rows(judged.rows, read_pairs(turns(tmp_path, 1.1, where="u")), T)
    assert kept.status == "slower"
    assert kept.confirm is not None
    (taken_back,) = confirm_rows(judged.rows, read_pairs(turns(tmp_path, 1.0, where="v")), T)
    assert taken_back.status == "inconclusive"
    (alone,) = confirm_rows(judged.rows, Pairs(), T)
    assert alone.status == "inconclusive"
    assert "no fresh pair" in alone.reason


def test_a_case_that_fails_once_is_missing(tmp_path: Path) -> None:
    made = turns(tmp_path)
    broken = write_run(tmp_path / "broken", [], planned=[A])
    (row,) = judge_pass(read_pairs([*made[:3], (made[3][0], [broken])]), T).rows
    assert row.status == "missing"
    assert "head has no figure in 1 of 4 runs" in row.reason
    (row,) = judge_pass(read_pairs([*made[:3], ([broken], made[3][1])]), T).rows
    assert row.status == "new"


def judged_run(path: Path, status: str, reason: str) -> RunDir:
    """Write a run whose judgement says that the only case has no figure."""
    found = write_run(path, [wrong(A)], planned=[A])
    found.write_json("verdicts.json", {"coverage": {"rows": [{"key": A.key, "status": status, "reason": reason}]}})
    return found


def test_a_wrong_answer_of_the_head_is_worse_than_slow(tmp_path: Path) -> None:
    made = [(base, [judged_run(tmp_path / f"w{i}", "wrong", "row 17 is off")]) for i, (base, _) in enumerate(turns(tmp_path))]
    (row,) = judge_pass(read_pairs(made), T).rows
    assert row.status == "wrong"
    assert "row 17 is off" in row.reason


def test_a_case_without_any_figure_is_a_row(tmp_path: Path) -> None:
    sides = [[judged_run(tmp_path / f"{side}{i}", "timeout", "hung") for i in range(3)] for side in "bh"]
    (row,) = judge_pass(read_pairs([([b], [h]) for b, h in zip(*sides, strict=True)]), T).rows
    assert row.status == "missing"
    assert "hung" in row.reason


def test_cases_set_aside_are_no_rows(tmp_path: Path) -> None:
    sides = [[judged_run(tmp_path / f"{side}{i}", "not_applicable", "no such device") for i in range(3)] for side in "bh"]
    assert judge_pass(read_pairs([([b], [h]) for b, h in zip(*sides, strict=True)]), T).rows == ()


def test_another_machine_is_not_comparable(tmp_path: Path) -> None:
    made = [(base, [run(tmp_path / f"o{i}", measured(A, [1e-3] * 10), hw_class="hw2")]) for i, (base, _) in enumerate(turns(tmp_path))]
    (row,) = judge_pass(read_pairs(made), T).rows
    assert row.status == "not-comparable"
    assert "hardware differs" in row.reason


def test_two_units_for_one_metric_are_refused(tmp_path: Path) -> None:
    base = write_records(tmp_path / "b", [time_record(1.0, run="b")])
    head = write_records(tmp_path / "h", [time_record(1.0, run="h", unit="us")])
    with pytest.raises(RefusalError, match="s and us"):
        judge_pass(read_pairs([([base], [head])] * 3), T)


def test_a_turn_without_a_run_or_with_a_case_twice_is_refused(tmp_path: Path) -> None:
    (base, head), *_ = turns(tmp_path)
    with pytest.raises(StoreError, match="measured nothing"):
        read_pairs([(base, [])])
    with pytest.raises(StoreError, match="measured twice"):
        read_pairs([([*base, run(tmp_path / "again", measured(A, [1.0] * 10))], head)])


def test_parameters_that_differ_on_purpose_are_left_out_of_the_key(tmp_path: Path) -> None:
    made = []
    for i in range(4):
        wobble = 1 + 0.001 * ((i * 7) % 3 - 1)
        made.append(
            ([run(tmp_path / f"b{i}", measured(A, [1e-3 * wobble] * 10))], [run(tmp_path / f"h{i}", measured(B, [1e-3 / wobble] * 10))])
        )
    assert {row.status for row in judge_pass(read_pairs(made), T).rows} == {"missing", "new"}
    (row,) = judge_pass(read_pairs(made, across=["m"]), T).rows
    assert row.status == "same"
    assert "m=" not in row.key
    assert own_names(made[0][0], ["m"]) == {row.key: [A.key]}
    both = run(tmp_path / "both", measured(A, [1e-3] * 10), measured(B, [1e-3] * 10))
    with pytest.raises(StoreError, match="differ only in m"):
        read_pairs([([both], [both])], across=["m"])
