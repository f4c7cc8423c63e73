"""Golden hashes of stored runs: the last run of the very same key counts, no other is ever compared, planted and damaged ones are passed over."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from assay.harness.rundir import RunDir
from assay.results.golden import goldens, judge_goldens
from tests.results.builders import case, measured, write_run

KEY = {"architecture": "Toy 1", "isa": "AVX512", "library": "torch 2.13.0", "unit": "torch.mm fp32 on cpu", "operands": "00ff"}
NAMES = [f"20261127-00000{i}-000-aaaaaa" for i in range(6)]


def stored(
    folder: Path, name: str, value: str, *, key: dict[str, str] = KEY, inject: dict[str, Any] | None = None, **described: Any
) -> None:
    """Write a run with one hash."""
    own = case("golden", a="fp32")
    own = own if inject is None else type(own)(**{**own.__dict__, "inject": inject})
    notes = {"golden": json.dumps([{"key": key, "hash": value}])}
    write_run(folder / name, [measured(own, [1e-3] * 9, notes=notes)], **described)


def told(folder: Path, name: str) -> list[tuple[str, str]]:
    """Judge the hashes of one run."""
    run = RunDir(folder / name)
    return [(one.status, one.reason) for one in judge_goldens(run, run.measurements().measurements)]


def test_the_first_of_a_key_has_nothing_to_be_equal_to(tmp_path: Path) -> None:
    stored(tmp_path, NAMES[0], "ab" * 32)
    ((status, reason),) = told(tmp_path, NAMES[0])
    assert (status, "first golden hash" in reason) == ("skip", True)


def test_equal_is_a_pass_and_other_bits_a_failure_that_names_the_run(tmp_path: Path) -> None:
    for name, value in zip(NAMES, ("ab", "ab", "cd", "cd"), strict=False):
        stored(tmp_path, name, value * 32)
    assert told(tmp_path, NAMES[1])[0][0] == "pass"
    status, reason = told(tmp_path, NAMES[2])[0]
    assert status == "fail"
    assert NAMES[1] in reason
    assert "abababababab" in reason
    assert told(tmp_path, NAMES[3])[0][0] == "pass"  # as the last one, which was told when it changed


def test_another_key_is_never_compared(tmp_path: Path) -> None:
    stored(tmp_path, NAMES[0], "ab" * 32)
    for number, part in enumerate(KEY, start=1):
        stored(tmp_path, NAMES[number], "cd" * 32, key=KEY | {part: "another"})
        assert told(tmp_path, NAMES[number])[0][0] == "skip", part


def test_planted_unfinished_and_unreadable_runs_are_passed_over(tmp_path: Path) -> None:
    stored(tmp_path, NAMES[0], "ab" * 32)
    stored(tmp_path, NAMES[1], "11" * 32, inject={"kind": "flip_bit"})
    stored(tmp_path, NAMES[2], "22" * 32, status="interrupted")
    stored(tmp_path, NAMES[3], "33" * 32)
    (file,) = (tmp_path / NAMES[3] / "measurements").glob("*.jsonl")
    file.write_text(file.read_text(encoding="utf-8").replace('\\"hash\\"', '\\"hush\\"'), encoding="utf-8")
    stored(tmp_path, NAMES[4], "ab" * 32)
    status, reason = told(tmp_path, NAMES[4])[0]
    assert (status, NAMES[0] in reason) == ("pass", True)


def test_a_case_that_was_wrong_or_planted_has_no_golden_hash(tmp_path: Path) -> None:
    stored(tmp_path, NAMES[0], "ab" * 32, inject={"kind": "flip_bit"})
    run = RunDir(tmp_path / NAMES[0])
    assert goldens(run.id, run.measurements().measurements) == []
    assert told(tmp_path, NAMES[0]) == []
