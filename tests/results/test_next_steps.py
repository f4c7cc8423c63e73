"""What to do next: each trouble planted asks for its own step, and a sound run for none."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from assay.harness.rundir import RunDir
from assay.results.judge import judge
from assay.results.next_steps import LEVELS, gravest, next_steps
from assay.results.report_content import gather
from tests.results.builders import bare_rules, case, measured, write_run, wrong
from tests.results.reported import ended, times


def judged_run(path: Path, *measurements: object, **more: object) -> RunDir:
    return ended(write_run(path, [*measurements], **more))  # type: ignore[list-item,arg-type]


def steps_of(run: RunDir, *base: RunDir) -> list[tuple[str, str, str]]:
    return [(step.level, step.found, step.todo) for step in next_steps(gather([run], base=base))]


def test_a_sound_run_asks_for_nothing(tmp_path: Path) -> None:
    assert steps_of(judged_run(tmp_path / "r", measured(case(m=1), times(1.0)))) == []
    assert gravest([]) == ""


def test_wrong_answers_come_first_and_are_one_step(tmp_path: Path) -> None:
    found = next_steps(gather([judged_run(tmp_path / "r", *(wrong(case(m=m)) for m in (1, 2, 3)), measured(case(m=4), times(1.0)))]))
    assert found[0].level == "fail"
    assert "3 cases" in found[0].found
    assert "row 17" in found[0].found
    assert len(found[0].cases) == 3
    assert "Trust no figure" in found[0].todo
    assert gravest(found) == "fail"


def test_missing_cases_and_an_unfinished_run_ask_to_go_on(tmp_path: Path) -> None:
    run = write_run(tmp_path / "r", [measured(case(m=1), times(1.0))], planned=[case(m=1), case(m=2)], status="running")
    found = steps_of(run)
    assert ("error", "The run is incomplete: it did not reach its end.", "Go on with: assay run --resume r") in found
    assert any("missing" in text for _, text, _ in found)


@pytest.mark.parametrize(
    ("flag", "words"),
    [
        ("warm-up did not converge", "warm up"),
        ("throttled: sw thermal slowdown [40% of 10 samples]", "cooling"),
        ("shared with x (pid 1)", "alone"),
    ],
)
def test_marks_that_ask_for_something_do_and_others_do_not(tmp_path: Path, flag: str, words: str) -> None:
    (found,) = steps_of(judged_run(tmp_path / "a", measured(case(m=1), times(1.0), flags=(flag,))))
    assert found[0] == "note"
    assert words in found[2]
    assert steps_of(judged_run(tmp_path / "b", measured(case(m=1), times(1.0), flags=("clock state: locked",)))) == []


def test_a_slower_head_is_grave_and_an_equal_one_is_not(tmp_path: Path) -> None:
    base = [judged_run(tmp_path / f"a{i}", measured(case(m=1), times(1.0 + i / 1000))) for i in range(4)]
    slow = [judged_run(tmp_path / f"b{i}", measured(case(m=1), times(1.2 + i / 1000))) for i in range(4)]
    same = [judged_run(tmp_path / f"c{i}", measured(case(m=1), times(1.0 + i / 1000))) for i in range(4)]
    assert next(step for step in next_steps(gather(slow, base=base)) if "slower" in step.found).level == "fail"
    assert next_steps(gather(same, base=base)) == []


def test_one_run_a_side_asks_for_more_runs(tmp_path: Path) -> None:
    base, head = (judged_run(tmp_path / name, measured(case(m=1), times(1.0))) for name in "ab")
    assert any("--runs 5" in todo for _, _, todo in steps_of(head, base))


def test_planted_faults_and_problems_are_told(tmp_path: Path) -> None:
    run = judged_run(tmp_path / "r", measured(case(m=1), times(1.0)), inject=True)
    (run.path / "facts.json").unlink()
    with (run.path / "measurements" / "000-ranks.jsonl").open("a") as file:
        file.write("{broken\n")
    found = steps_of(run)
    assert any("planted" in text for _, text, _ in found)
    assert any("000-ranks.jsonl line" in text for _, text, _ in found)


def test_the_order_is_by_weight(tmp_path: Path) -> None:
    run = judged_run(tmp_path / "r", wrong(case(m=1)), measured(case(m=2), times(1.0), flags=("warm-up did not converge",)), inject=True)
    levels = [LEVELS.index(level) for level, _, _ in steps_of(run)]
    assert levels == sorted(levels)
    assert len(set(levels)) > 1


def test_a_launch_that_ended_outside_any_case_is_told_before_what_is_missing_because_of_it(tmp_path: Path) -> None:
    run = write_run(tmp_path / "r", planned=[case(m=1)])
    config = {"rules": bare_rules(), "hardware": {}, "site": {}, "launch": {}}
    (run.path / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    judge(run, config=config, troubles=["the launch ended (exit code 1) outside any case: no MPI"])
    found = [text for _, text, _ in steps_of(run)]
    assert found[0].endswith("no MPI")
    assert "missing" in found[1]


def test_rules_that_could_not_decide_are_one_step(tmp_path: Path) -> None:
    floors = {name: {"kind": "floor", "metric": "memory_rate", "share_of_limit": 0.5, "suite": "gemm"} for name in ("one", "two")}
    run = write_run(tmp_path / "r", [measured(case(m=1), times(1.0))])
    config = {"rules": bare_rules(**floors), "hardware": {}, "site": {}, "launch": {}}
    (run.path / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    judge(run, config=config)
    (step,) = next_steps(gather([run]))
    assert step.level == "no-verdict"
    assert "one: " in step.found
    assert "; two: " in step.found
