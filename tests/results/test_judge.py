"""One run judged: files written, the same bytes again, damage named, codes right."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from assay.harness.errors import RefusalError
from assay.harness.measurement import Measurement
from assay.harness.rundir import RunDir
from assay.harness.work import Volume
from assay.results.judge import judge, view
from tests.results.builders import MEASURED, bare_rules, calibration, case, measured, rules, write_run, wrong

TIMES = [1.0] * 7
CONFIG: dict[str, Any] = {"rules": bare_rules(), "hardware": MEASURED}
FLOOR = {"kind": "floor", "suite": "gemm", "metric": "flop_rate", "share_of_limit": 0.25}
LIMIT = calibration("matrix_fp32", TIMES, volume=Volume(flops=4e9))


def good(m: int = 1, seconds: float = 1.0) -> Measurement:
    """Make a measurement of 2 GFLOP."""
    return measured(case(m=m), [seconds] * 7)


def absent(of: Measurement, status: str) -> Measurement:
    """Give a measurement another status."""
    return replace(of, status=status, reason="a reason")


@pytest.mark.parametrize(
    ("found", "code", "word"),
    [
        ([good()], 0, "pass"),
        ([LIMIT, good()], 0, "pass"),
        ([good(), wrong(case(m=2))], 1, "fail"),
        ([LIMIT, good(seconds=100.0)], 1, "fail"),
        ([good(), absent(good(2), "crashed")], 2, "error"),
        ([good(), absent(good(2), "not_applicable")], 0, "pass"),
        ([absent(good(), "not_applicable")], 4, "no-verdict"),
        ([good(), measured(case(m=2), [1.0, float("nan")])], 4, "no-verdict"),
        ([wrong(case(m=1)), absent(good(2), "timeout")], 1, "fail"),
    ],
)
def test_what_a_run_comes_to(tmp_path: Path, found: list[Measurement], code: int, word: str) -> None:
    floors = {"mine": FLOOR} if LIMIT in found else {}
    judgement = judge(write_run(tmp_path / "r", found), config={"rules": bare_rules(**floors), "hardware": MEASURED})
    assert (judgement.exit_code, judgement.summary()["verdict"]) == (code, word)


def test_only_a_missing_verdict_can_be_allowed(tmp_path: Path) -> None:
    unclear = write_run(tmp_path / "a", [measured(case(m=2), [1.0, float("nan")])])
    broken = write_run(tmp_path / "b", [wrong(case(m=2))])
    assert judge(unclear, config=CONFIG, allow_inconclusive=True).exit_code == 0
    assert judge(broken, config=CONFIG, allow_inconclusive=True).exit_code == 1


def test_the_files_hold_everything_and_judging_again_gives_the_same_bytes(tmp_path: Path) -> None:
    run = write_run(tmp_path / "r", [LIMIT, good(), wrong(case(m=2))], planned=[LIMIT.case, *(case(m=m) for m in (1, 2, 3))])
    config = {"rules": rules(), "hardware": MEASURED}
    judgement = judge(run, config=config)
    first = [(run.path / name).read_bytes() for name in ("records.jsonl", "verdicts.json")]
    assert len((run.path / "records.jsonl").read_text().splitlines()) == len(judgement.records)
    stored = run.read_json("verdicts.json")
    assert (stored["exit_code"], len(stored["verdicts"])) == (1, len(judgement.verdicts))
    assert stored["coverage"]["missing"] == 1
    judge(run, config=config)
    assert [(run.path / name).read_bytes() for name in ("records.jsonl", "verdicts.json")] == first
    assert {path.name for path in run.path.iterdir() if path.name.startswith(".")} == set()


def test_a_planted_fault_in_a_case_marks_all_its_records(tmp_path: Path) -> None:
    planted = measured(replace(case(m=1), inject={"kind": "slow"}), TIMES)
    judgement = judge(write_run(tmp_path / "r", [planted, good()]), config=CONFIG)
    assert {record.inject for record in judgement.records if record.key == planted.case.key} == {True}
    assert {record.inject for record in judgement.records if record.key != planted.case.key} == {False}


def damage(run: RunDir, change: Any) -> None:
    """Change the lines of the only measurements file."""
    (path,) = run.measurement_files()
    path.write_bytes(b"\n".join(change(path.read_bytes().split(b"\n"))))


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda lines: [*lines[:2], lines[2][:-20]], "cut"),
        (lambda lines: [lines[0], lines[1], lines[2].replace(b'"data":"', b'"data":"!!'), *lines[3:]], "samples"),
        (lambda lines: [lines[0], lines[1], lines[2].replace(b'"status":"measured"', b'"status":"great"'), *lines[3:]], "unknown status"),
        (lambda lines: [lines[0], lines[1], b"\xff{", *lines[3:]], "line 3"),
        (lambda lines: [lines[0], lines[1], lines[3], b""], "footer counts 2 cases, 1 were readable"),
    ],
)
def test_a_damaged_line_is_named_and_its_case_is_missing(tmp_path: Path, change: Any, word: str) -> None:
    run = write_run(tmp_path / "r", [good(1), good(2)])
    damage(run, change)
    judgement = judge(run, config=CONFIG)
    assert judgement.exit_code == 2
    assert [(row.key, row.status) for row in judgement.coverage.rows] == [(case(m=1).key, "measured"), (case(m=2).key, "missing")]
    assert any(word in problem for problem in judgement.problems), judgement.problems


def test_a_stranger_in_the_file_is_a_problem_and_not_covered(tmp_path: Path) -> None:
    run = write_run(tmp_path / "r", [good(1), good(2)], planned=[case(m=1)])
    judgement = judge(run, config=CONFIG)
    assert judgement.coverage.planned == 1
    assert any("not planned" in problem for problem in judgement.problems)


@pytest.mark.parametrize("text", [None, "", "{", "[]", '{"cases": 3}', '{"cases": [{"key": 1}]}', '{"cases": [], "left_out": [3]}'])
def test_a_run_without_a_readable_plan_is_an_error_never_a_pass(tmp_path: Path, text: str | None) -> None:
    run = write_run(tmp_path / "r", [good(1)])
    if text is None:
        (run.path / "plan.json").unlink()
    else:
        (run.path / "plan.json").write_text(text, encoding="utf-8")
    judgement = judge(run, config=CONFIG)
    assert judgement.exit_code == 2
    assert any("plan.json" in problem for problem in judgement.problems)


def test_an_empty_folder_is_judged_too(tmp_path: Path) -> None:
    judgement = view(RunDir(tmp_path), config=CONFIG)
    assert judgement.exit_code == 2
    assert len(judgement.problems) == 2


@pytest.mark.parametrize("config", [{}, {"rules": {}}, {"rules": bare_rules(), "hardware": {"name": "x", "limits": {"memory": 3}}}])
def test_rules_and_limits_that_cannot_be_right_are_refused(tmp_path: Path, config: dict[str, Any]) -> None:
    run = write_run(tmp_path / "r", [good()])
    with pytest.raises(RefusalError):
        judge(run, config=config)
    assert not (run.path / "verdicts.json").exists()


def bases(store: Path, seconds: float, name: str = "b") -> list[RunDir]:
    """Write two runs that were judged."""
    found = [write_run(store / f"{name}{i}", [good(seconds=seconds * (1 + i / 1000))]) for i in range(2)]
    for run in found:
        judge(run, config=CONFIG)
    return found


def test_a_comparison_is_told_and_decides_only_when_asked(tmp_path: Path) -> None:
    base, head = bases(tmp_path, 1.0), write_run(tmp_path / "head", [good(seconds=9.0)])
    told = judge(head, config=CONFIG, base=base)
    assert told.comparison is not None
    assert told.comparison.rows[0].change == pytest.approx(8.0, rel=0.01)
    assert told.exit_code == 0
    assert judge(head, config=CONFIG, base=base, decide=True).exit_code == 4
    assert judge(head, config=CONFIG, base=base, decide=True, allow_inconclusive=True).exit_code == 0
    assert judge(head, config=CONFIG, base=bases(tmp_path, 1.0, "c"), decide=True).comparison is not None


def test_a_case_that_base_has_and_head_lost_decides_an_error(tmp_path: Path) -> None:
    base = [write_run(tmp_path / f"b{i}", [good(1), good(2)]) for i in range(2)]
    head = write_run(tmp_path / "head", [good(1)])
    assert judge(head, config=CONFIG, base=base).exit_code == 0
    judgement = judge(head, config=CONFIG, base=base, decide=True)
    assert judgement.comparison is not None
    assert judgement.comparison.counts == {"missing": 1, "inconclusive": 1}
    assert judgement.exit_code == 2


def test_a_base_that_cannot_be_read_never_breaks_the_runs_own_judgement(tmp_path: Path) -> None:
    head = write_run(tmp_path / "head", [good()])
    judgement = judge(head, config=CONFIG, base=[RunDir(tmp_path / "gone")])
    assert judgement.exit_code == 0
    assert judgement.comparison is not None
    assert "no comparison" in judgement.comparison.notes[0]
    assert judge(head, config=CONFIG, base=[RunDir(tmp_path / "gone")], decide=True).exit_code == 4


def test_a_finished_run_is_viewed_as_it_was_judged(tmp_path: Path) -> None:
    run = write_run(tmp_path / "r", [LIMIT, good(seconds=100.0)])
    with_floor = judge(run, config={"rules": bare_rules(mine=FLOOR), "hardware": MEASURED})
    seen = view(run, config=CONFIG)  # without the floor it would pass
    assert (seen.exit_code, len(seen.verdicts)) == (1, len(with_floor.verdicts))
    assert list(seen.records) == list(with_floor.records)


@pytest.mark.parametrize("name", ["records.jsonl", "verdicts.json"])
def test_a_view_of_damaged_verdicts_is_made_anew_and_nothing_is_written(tmp_path: Path, name: str) -> None:
    run = write_run(tmp_path / "r", [good()])
    judge(run, config=CONFIG)
    (run.path / name).unlink()
    before = sorted(path.name for path in run.path.iterdir())
    assert view(run, config=CONFIG).exit_code == 0
    assert sorted(path.name for path in run.path.iterdir()) == before


@pytest.mark.parametrize("text", ["{}", "[]", "null", '{"verdicts": [{"status": "great"}], "comparison": null, "exit_code": 0}'])
def test_nonsense_in_the_verdicts_is_never_believed(tmp_path: Path, text: str) -> None:
    run = write_run(tmp_path / "r", [wrong(case(m=1))])
    judge(run, config=CONFIG)
    (run.path / "verdicts.json").write_text(text, encoding="utf-8")
    assert view(run, config=CONFIG).exit_code == 1


def test_a_run_that_is_being_resumed_is_not_shown_with_its_old_verdict(tmp_path: Path) -> None:
    run = write_run(tmp_path / "r", [good()])
    judge(run, config=CONFIG)
    stale = json.loads((run.path / "verdicts.json").read_text(encoding="utf-8")) | {"exit_code": 1}
    run.write_json("verdicts.json", stale)
    run.write_json("run.json", run.read_json("run.json") | {"status": "running"})
    assert view(run, config=CONFIG).exit_code == 0
