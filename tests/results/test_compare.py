"""Run directories against run directories: every status, with its fault planted and without."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from assay.harness.errors import RefusalError, StoreError
from assay.harness.rundir import RunDir
from assay.results.compare import CODES, STATUSES, Comparison, Row, compare
from tests.results.builders import FACTS, bare_rules, case, measured, time_record, write_records, write_run

KEY = case(m=64).key


def runs(store: Path, name: str, values: Sequence[float], **described: Any) -> list[RunDir]:
    """Write one run for each median of one case."""
    named = [f"{name}{i}" for i in range(len(values))]
    return [
        write_records(store / run, [time_record(value, run=run, key=KEY)], **described) for run, value in zip(named, values, strict=True)
    ]


def found(base: Sequence[RunDir], head: Sequence[RunDir]) -> Comparison:
    """Compare with the shipped thresholds."""
    return compare(base, head, min_effect=0.03, min_seconds=1e-6)


@pytest.mark.parametrize(
    ("base", "head", "status", "code"),
    [
        ([1.0, 1.001, 0.999], [1.2, 1.201, 1.199], "slower", 1),
        ([1.0, 1.001, 0.999], [0.8, 0.801, 0.799], "faster", 0),
        ([1.0, 1.001, 0.999], [1.0, 1.001, 0.999], "same", 0),
        ([1.0, 2.0, 0.5], [1.0, 2.1, 0.6], "inconclusive", 4),
        ([1.0], [9.0], "inconclusive", 4),
        ([1.0], [1.0], "inconclusive", 4),
        ([1.0, 1.0001], [9.0], "inconclusive", 4),
        ([51.2, 51.2], [56.32, 56.32], "inconclusive", 4),  # a clock that ticks every 5.12 makes them equal, not sure
    ],
)
def test_statuses_and_what_they_decide(tmp_path: Path, base: list[float], head: list[float], status: str, code: int) -> None:
    comparison = found(runs(tmp_path, "b", base), runs(tmp_path, "h", head))
    (row,) = comparison.rows
    assert (row.status, comparison.decides(), row.n_base, row.n_head) == (status, code, len(base), len(head))
    assert row.reason


def test_one_run_a_side_tells_the_effect(tmp_path: Path) -> None:
    (row,) = found(runs(tmp_path, "b", [1.0]), runs(tmp_path, "h", [1.21])).rows
    assert row.reason == "one run a side: no interval is possible, effect +21 %"
    assert (row.change, row.interval) == (pytest.approx(0.21), None)


def test_a_run_against_itself_shows_nothing(tmp_path: Path) -> None:
    (run,) = runs(tmp_path, "b", [1.0])
    comparison = found([run], [run])
    assert [row.status for row in comparison.rows] == ["inconclusive"]
    assert "itself" in comparison.rows[0].reason
    assert comparison.decides() == 4


def test_a_run_named_twice_counts_once(tmp_path: Path) -> None:
    (base,), (head,) = runs(tmp_path, "b", [1.0]), runs(tmp_path, "h", [9.0])
    comparison = found([base, base], [head, head, head])
    assert (comparison.base, comparison.head) == (("b0",), ("h0",))
    assert comparison.rows[0].status == "inconclusive"


def test_a_case_that_head_lacks_is_missing_with_its_reason(tmp_path: Path) -> None:
    base = runs(tmp_path, "b", [1.0, 1.0001])
    head = write_records(tmp_path / "h0", [time_record(1.0, run="h0", key="other")])
    why = [{"key": KEY, "suite": "gemm", "status": "crashed", "reason": "killed"}]
    head.write_json("verdicts.json", {"coverage": {"rows": why, "left_out_rows": []}})
    comparison = found(base, [head])
    assert {row.key: row.status for row in comparison.rows} == {KEY: "missing", "other": "new"}
    assert "crashed: killed" in comparison.rows[0].reason
    assert comparison.decides() == 2


def test_new_cases_alone_are_no_pass(tmp_path: Path) -> None:
    base, head = runs(tmp_path, "b", [1.0, 1.0001]), runs(tmp_path, "h", [1.0, 1.0001])
    for i, run in enumerate(head):
        lines = [time_record(1.0 + i / 1e4, run=run.id, key=key).as_dict() for key in (KEY, "new")]
        (run.path / "records.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    comparison = found(base, head)
    assert comparison.counts == {"new": 1, "same": 1}
    assert comparison.decides() == 4


def test_a_figure_in_only_some_runs_of_a_side_is_said(tmp_path: Path) -> None:
    head = [*runs(tmp_path, "h", [1.0, 1.0001]), write_records(tmp_path / "h9", [])]
    (row,) = found(runs(tmp_path, "b", [1.0, 1.0001]), head).rows
    assert "only 2 of 3 head runs" in row.reason


def test_other_hardware_is_not_comparable_and_the_facts_are_named(tmp_path: Path) -> None:
    base = runs(tmp_path, "b", [1.0, 1.0001])
    head = runs(tmp_path, "h", [9.0, 9.0], hw_class="hw2", facts=FACTS | {"cpu_model": "Toy 2", "boot_id": "other"})
    comparison = found(base, head)
    assert comparison.rows[0].status == "not-comparable"
    assert comparison.rows[0].reason == "the hardware differs: cpu_model 'Toy 1' and 'Toy 2'"
    assert comparison.decides() == 4


def test_mixed_hardware_on_one_side_is_not_comparable(tmp_path: Path) -> None:
    base = [*runs(tmp_path, "b", [1.0]), *runs(tmp_path, "c", [1.0], hw_class="hw2")]
    assert found(base, runs(tmp_path, "h", [1.0, 1.0001])).rows[0].status == "not-comparable"


def test_unknown_hardware_is_not_the_same_hardware(tmp_path: Path) -> None:
    comparison = found(runs(tmp_path, "b", [1.0, 1.0001], hw_class=""), runs(tmp_path, "h", [1.0, 1.0001], hw_class=""))
    assert comparison.rows[0].status == "not-comparable"


def test_other_software_is_a_note(tmp_path: Path) -> None:
    head = runs(tmp_path, "h", [1.0, 1.0001], sw_class="sw2", facts=FACTS | {"kernel": "6.2"})
    comparison = found(runs(tmp_path, "b", [1.0, 1.0001]), head)
    assert comparison.rows[0].status == "same"
    assert comparison.notes == ("the software differs: kernel '6.1' and '6.2'",)


def test_planted_faults_are_never_comparable_with_clean_runs(tmp_path: Path) -> None:
    planted = runs(tmp_path, "p", [1.0, 1.0001], inject=True)
    assert found(runs(tmp_path, "b", [1.0, 1.0001]), planted).rows[0].status == "not-comparable"
    assert found(planted, runs(tmp_path, "q", [1.0, 1.0001], inject=True)).rows[0].status == "same"


def test_a_planted_case_is_neither_missing_nor_new(tmp_path: Path) -> None:
    key = replace(case(m=64), inject={"kind": "slow"}).key
    head = [write_records(tmp_path / f"h{i}", [time_record(1.0, run=f"h{i}", key=key, inject=True)]) for i in range(2)]
    comparison = found(runs(tmp_path, "b", [1.0, 1.0001]), head)
    assert {row.key: row.status for row in comparison.rows} == {KEY: "missing", key: "not-comparable"}


@pytest.mark.parametrize("more", [{"unit": "ms"}, {"better": "higher"}])
def test_one_metric_in_two_units_or_directions_is_refused(tmp_path: Path, more: dict[str, str]) -> None:
    head = write_records(tmp_path / "h0", [time_record(1.0, run="h0", key=KEY, **more)])
    with pytest.raises(RefusalError, match="time of"):
        found(runs(tmp_path, "b", [1.0]), [head])


@pytest.mark.parametrize("bad", [0.0, -0.1, float("nan"), float("inf")])
def test_thresholds_that_judge_nothing_are_refused(tmp_path: Path, bad: float) -> None:
    base, head = runs(tmp_path, "b", [1.0]), runs(tmp_path, "h", [1.0])
    for thresholds in ({"min_effect": bad, "min_seconds": 1e-6}, {"min_effect": 0.03, "min_seconds": bad}):
        with pytest.raises(RefusalError):
            compare(base, head, **thresholds)


def test_nothing_in_common_decides_nothing(tmp_path: Path) -> None:
    assert found([write_records(tmp_path / "b", [])], [write_records(tmp_path / "h", [])]).decides() == 4


def test_a_time_of_zero_is_inconclusive(tmp_path: Path) -> None:
    assert found(runs(tmp_path, "b", [0.0, 1.0]), runs(tmp_path, "h", [1.0, 1.0001])).rows[0].status == "inconclusive"


def test_runs_that_were_never_judged_are_derived_from_their_measurements(tmp_path: Path) -> None:
    base = [write_run(tmp_path / f"b{i}", [measured(case(m=64), [1.0 + i / 1e4] * 7)]) for i in range(2)]
    head = [write_run(tmp_path / f"h{i}", [measured(case(m=64), [2.0 + i / 1e4] * 7)]) for i in range(2)]
    (row,) = found(base, head).rows
    assert (row.status, row.base, row.head) == ("slower", pytest.approx(1.0, rel=1e-3), pytest.approx(2.0, rel=1e-3))


def test_damaged_records_are_noted(tmp_path: Path) -> None:
    base, head = runs(tmp_path, "b", [1.0]), runs(tmp_path, "h", [1.0])
    with (head[0].path / "records.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"key": "k", "metric"')
    assert found(base, head).notes == ("h0: records.jsonl line 2: Expecting ':' delimiter: line 1 column 22 (char 21)",)


def test_a_run_that_cannot_be_read_is_a_store_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"run\.json"):
        found([RunDir(tmp_path / "none")], runs(tmp_path, "h", [1.0]))


def test_every_status_has_a_code_and_a_place() -> None:
    assert set(STATUSES) == set(CODES)
    for status in STATUSES:
        assert Comparison(("b",), ("h",), 0.03, 1e-6, (Row("k", "s", status, "r"),)).decides() == CODES[status]


def test_a_comparison_comes_back_from_its_json(tmp_path: Path) -> None:
    comparison = found(runs(tmp_path, "b", [1.0, 1.1]), runs(tmp_path, "h", [2.0, 2.1]))
    assert Comparison.from_dict(json.loads(json.dumps(comparison.as_dict()))) == comparison
    assert bare_rules()["relative"]["min_effect"] == comparison.min_effect
