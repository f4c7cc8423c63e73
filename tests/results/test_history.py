"""Histories whose truth is known: what was planted is found with its cause, what was not is not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from assay.harness.errors import RefusalError
from assay.results.finding import Finding
from assay.results.history import History, tell_history
from assay.results.history_json import history_json
from assay.results.history_text import render_history
from assay.results.strip import ASCII
from tests.results.builders import FACTS
from tests.results.stories import KEY, around, cases, run_id, tell

AT = 40


def only(history: History) -> Finding:
    """Give the one alert."""
    found = [one for one in history.findings if one.change.level == "alert"]
    assert len(found) == 1, [(one.series.name, one.change) for one in found]
    return found[0]


def text(history: History, *, steady: bool = False) -> str:
    return render_history(history, color=False, heights=ASCII, steady=steady)


def switched(name: str, before: object, after: object, *, at: int = AT) -> Any:
    """Make facts that change once."""
    return lambda i: {name: after if i >= at else before}


def test_a_step_alone_is_real(tmp_path: Path) -> None:
    history = tell_history(tell(tmp_path, {KEY: around(1e-3, step=0.05, at=AT)}))
    found = only(history)
    assert (found.run, found.last) == (run_id(AT), run_id(AT - 1))
    assert (found.worse, found.newest, found.fails, history.decides()) == (True, True, True, 1)
    assert found.change.effect == pytest.approx(0.05, abs=0.01)
    assert (found.cause.kind, found.cause.evidence) == ("real", ("nothing else that was written down changed with it",))


def test_clean_series_are_silent_and_pass(tmp_path: Path) -> None:
    history = tell_history(tell(tmp_path, {name: around(1e-3) for name in cases(20)}))
    assert [one for one in history.findings if one.change.level == "alert"] == []
    assert (history.judged, history.decides()) == (20, 0)
    assert "20 series in 60 runs: 0 alerts" in text(history)


def test_a_step_for_the_better_closes_no_gate(tmp_path: Path) -> None:
    history = tell_history(tell(tmp_path, {KEY: around(1e-3, step=-0.05, at=AT)}))
    assert (only(history).worse, history.decides()) == (False, 0)


def test_higher_can_be_better(tmp_path: Path) -> None:
    rate = {"metric": "flop_rate", "unit": "FLOP/s", "better": "higher"}
    store = tell(tmp_path, {KEY: around(1e12, step=-0.05, at=AT)}, record=lambda _: rate)
    history = tell_history(store, metric="flop_rate")
    assert (only(history).worse, history.decides()) == (True, 1)
    assert "1.00 TFLOP/s" in text(history)


def test_a_regression_that_was_mended_closes_no_gate(tmp_path: Path) -> None:
    store = tell(tmp_path, {KEY: lambda i, rng: (1.06 if 30 <= i < 55 else 1.0) * around(1e-3)(i, rng)}, runs=range(80))
    history = tell_history(store)
    assert [(one.run, one.worse) for one in history.findings] == [(run_id(55), False), (run_id(30), True)]
    assert history.decides() == 0
    assert [one.stands for one in history.findings] == [True, False]
    assert "undone since" in text(history)


def test_a_regression_that_was_mended_in_part_still_closes_the_gate(tmp_path: Path) -> None:
    # 8 % worse from run 30 on; from run 60 on it wanders so that the small way back is inconclusive or a notice at most.
    store = tell(tmp_path, {KEY: lambda i, rng: (1.0 if i < 30 else 1.08 if i < 60 else 1.07) * around(1e-3)(i, rng)}, runs=range(75))
    history = tell_history(store)
    assert [one.run for one in history.findings if one.fails] == [run_id(30)]
    assert history.decides() == 1


def test_the_first_commit_is_named(tmp_path: Path) -> None:
    store = tell(tmp_path, {KEY: around(1e-3, step=0.05, at=AT)}, facts=lambda i: {"git": {"revision": f"{i:040x}", "dirty": "false"}})
    found = only(tell_history(store))
    assert found.commit == f"{AT:040x}"
    assert found.cause.kind == "real", "a commit a run explains nothing by itself"


def test_a_tree_with_changes_of_its_own_is_said(tmp_path: Path) -> None:
    store = tell(tmp_path, {KEY: around(1e-3, step=0.05, at=AT)}, facts=lambda i: {"git": {"revision": f"{i:040x}", "dirty": "true"}})
    history = tell_history(store)
    assert only(history).commit == f"{AT:040x}-dirty"
    assert f"commit {AT:040x}"[:19] + " with changes of its own" in text(history)


def test_one_commit_at_the_step_is_evidence(tmp_path: Path) -> None:
    store = tell(tmp_path, {KEY: around(1e-3, step=0.05, at=AT)}, facts=switched("git", {"revision": "aaa"}, {"revision": "bbb"}))
    found = only(tell_history(store))
    assert (found.cause.kind, found.cause.evidence[0]) == ("real", "git.revision aaa -> bbb")


@pytest.mark.parametrize(
    ("facts", "kind", "said"),
    [
        (switched("packages", {"torch": "2.6"}, {"torch": "2.7"}), "environment", "packages.torch 2.6 -> 2.7"),
        (switched("driver", "550.1", "560.2"), "environment", "driver 550.1 -> 560.2"),
        (switched("environment", {}, {"NCCL_ALGO": "Ring"}), "environment", "environment.NCCL_ALGO (none) -> Ring"),
        (switched("memory_gib", 8, 16), "hardware", "memory_gib 8 -> 16"),
        (switched("packages", {"assay-harness": "1"}, {"assay-harness": "2"}), "method", "packages.assay-harness 1 -> 2"),
        (switched("kernel", "6.1", "6.2", at=AT + 1), "environment", "kernel 6.1 -> 6.2 (1 run after the step)"),
    ],
)
def test_facts_that_changed_at_the_step_are_named(tmp_path: Path, facts: Any, kind: str, said: str) -> None:
    cause = only(tell_history(tell(tmp_path, {KEY: around(1e-3, step=0.08, at=AT)}, facts=facts))).cause
    assert (cause.kind, cause.evidence) == (kind, (said,))


@pytest.mark.parametrize(
    "facts", [switched("driver", "550.1", "560.2", at=AT - 6), lambda i: {"boot_id": str(i)}, lambda i: {"kernel": f"6.{i % 2}"}]
)
def test_facts_that_changed_elsewhere_or_all_the_time_explain_nothing(tmp_path: Path, facts: Any) -> None:
    assert only(tell_history(tell(tmp_path, {KEY: around(1e-3, step=0.08, at=AT)}, facts=facts))).cause.kind == "real"


def test_another_host_of_the_same_class_is_hardware(tmp_path: Path) -> None:
    store = tell(tmp_path, {KEY: around(1e-3, step=0.05, at=AT)}, described=switched("host", "node1", "node2"))
    cause = only(tell_history(store)).cause
    assert (cause.kind, cause.evidence) == ("hardware", ("host node1 -> node2",))


def test_marks_on_the_new_segment_are_environment(tmp_path: Path) -> None:
    flags = switched("flags", ["slowest rank1 in 3 of 9 repetitions"], ["throttled 12 % of the time"])
    cause = only(tell_history(tell(tmp_path, {KEY: around(1e-3, step=0.05, at=AT)}, record=flags))).cause
    assert cause.kind == "environment"
    assert cause.evidence == ("marked 'throttled % of the time': 0 of 40 runs before, 20 of 20 after",)


def test_a_machine_that_moves_as_a_whole_is_environment(tmp_path: Path) -> None:
    moved, still = cases(10)[:9], cases(10)[9]
    series = {name: around(1e-3 * (1 + k), step=0.05, at=AT) for k, name in enumerate(moved)} | {still: around(1e-3)}
    history = tell_history(tell(tmp_path, series))
    alerts = [one for one in history.findings if one.change.level == "alert"]
    assert {one.series.key for one in alerts} == set(moved)
    assert {one.cause.kind for one in alerts} == {"environment"}
    assert all(one.cause.evidence == ("9 of 10 cases on this hardware moved at the same time",) for one in alerts)
    said = text(history)
    assert "9 series moved together" in said
    assert "the 3 largest" in said


def test_one_case_among_many_that_stay_is_real(tmp_path: Path) -> None:
    names = cases(10)
    series = {name: around(1e-3, step=0.05, at=AT if name == names[0] else 10**9) for name in names}
    found = only(tell_history(tell(tmp_path, series)))
    assert (found.series.key, found.cause.kind) == (names[0], "real")


def test_one_device_that_moves_with_all_its_cases_is_hardware(tmp_path: Path) -> None:
    names = [f"{name} device{d}" for name in cases(4) for d in range(4)]
    series = {name: around(1e-3, step=0.05, at=AT if name.endswith("device2") else 10**9) for name in names}
    alerts = [one for one in tell_history(tell(tmp_path, series)).findings if one.change.level == "alert"]
    assert {one.series.subject for one in alerts} == {"device2"}
    assert {one.cause.kind for one in alerts} == {"hardware"}
    assert alerts[0].cause.evidence == ("4 of 4 cases of this subject moved, none of the other 3 subjects did",)


def test_few_notices_among_many_series_are_noise(tmp_path: Path) -> None:
    # A clean store, drawn until one of its series has a notice: chance, by construction.
    for seed in range(60):
        history = tell_history(tell(tmp_path / str(seed), {name: around(1e-3) for name in cases(20)}, runs=range(30), seed=seed))
        notices = [one for one in history.findings if one.change.level == "notice"]
        if notices:
            break
    assert {one.cause.kind for one in notices} == {"noise"}
    assert "of 20 series have a notice" in notices[0].cause.evidence[0]
    assert history.decides() == 0


def test_a_method_version_begins_a_new_series_that_is_not_judged(tmp_path: Path) -> None:
    later = KEY.replace("gemm/1/", "gemm/2/")
    tell(tmp_path, {KEY: around(1e-3)}, runs=range(30))
    history = tell_history(tell(tmp_path, {later: around(2e-3)}, runs=range(30, 60)))
    assert [one for one in history.findings if one.change.level == "alert"] == []
    (found,) = history.breaks
    assert (found.run, found.last, found.cause.kind) == (run_id(30), run_id(29), "method")
    assert found.cause.evidence == ("method version 1 -> 2",)
    assert found.effect == pytest.approx(1.0, abs=0.02)
    assert history.decides() == 0
    assert "method version 1 -> 2" in text(history)


def test_other_hardware_begins_a_new_series_and_is_named(tmp_path: Path) -> None:
    store = tell(
        tmp_path,
        {KEY: around(1e-3)},
        described=switched("hw_class", "hw1", "hw2", at=30),
        facts=switched("cpu_model", "Toy 1", "Toy 2", at=30),
    )
    (found,) = tell_history(store).breaks
    assert (found.cause.kind, found.cause.evidence) == ("hardware", ("cpu_model Toy 1 -> Toy 2",))


def test_machines_side_by_side_break_nowhere(tmp_path: Path) -> None:
    store = tell(tmp_path, {KEY: around(1e-3)}, described=lambda i: {"hw_class": f"hw{i % 2}"})
    assert tell_history(store).breaks == ()


def test_newest_changes_come_first(tmp_path: Path) -> None:
    names = cases(3)
    series = {name: around(1e-3, step=0.06, at=at) for name, at in zip(names, (50, 20, 35), strict=True)}
    found = [one.series.key for one in tell_history(tell(tmp_path, series, runs=range(70))).findings if one.change.level == "alert"]
    assert found == [names[0], names[2], names[1]]


@pytest.mark.parametrize(
    ("since", "left"), [("2026-11-05", 1), ("2026-10-30", 2), (run_id(25), 2), (run_id(45), 1), ("2026-11-05T00:00:00+02:00", 1)]
)
def test_since_a_day_or_a_run(tmp_path: Path, since: str, left: int) -> None:
    names = cases(2)
    series = {names[0]: around(1e-3, step=0.06, at=30), names[1]: around(1e-3, step=0.06, at=50)}
    history = tell_history(tell(tmp_path, series, runs=range(70)), since=since, level="alert")
    assert len(history.shown) == left


def test_filters(tmp_path: Path) -> None:
    store = tell(tmp_path, {name: around(1e-3) for name in cases(10)})
    assert len(tell_history(store, suite="gemm").timeline.series) == 5
    assert [one.key for one in tell_history(store, patterns=["m=3/"]).timeline.series] == ["all_reduce/1/cpu/barrier/m=3/1x1"]
    assert len(tell_history(store, patterns=["gemm*m=?/*", "m=3/"]).timeline.series) == 6
    assert tell_history(store, patterns=["gemm"]) == tell_history(store, patterns=["gemm"])


def test_brackets_in_a_pattern_stand_for_themselves(tmp_path: Path) -> None:
    key = "gemm/1/cpu/barrier/shape=[1,2]/1x1"
    store = tell(tmp_path, {key: around(1e-3), KEY: around(1e-3)}, runs=range(15))
    assert [one.key for one in tell_history(store, patterns=["*[1,2]*"]).timeline.series] == [key]


@pytest.mark.parametrize(
    ("asked", "word"),
    [
        ({"patterns": ["gemn"]}, "no series"),
        ({"metric": "tiem"}, "no run of this store has a figure"),
        ({"suite": "gem"}, "of suite gem"),
        ({"since": "soon"}, "no such run"),
        ({"min_effect": 0.0}, "positive"),
        ({"min_effect": float("nan")}, "positive"),
    ],
)
def test_what_means_nothing_is_refused(tmp_path: Path, asked: Mapping[str, Any], word: str) -> None:
    store = tell(tmp_path, {KEY: around(1e-3)}, runs=range(5))
    with pytest.raises(RefusalError, match=word):
        tell_history(store, **asked)


def test_since_a_run_that_is_left_out_is_refused(tmp_path: Path) -> None:
    store = tell(tmp_path, {KEY: around(1e-3)}, runs=range(20), described=lambda i: {"inject": i == 7})
    with pytest.raises(RefusalError, match="left out of the history"):
        tell_history(store, since=run_id(7))


def test_one_run_and_a_constant_are_no_errors(tmp_path: Path) -> None:
    one = tell_history(tell(tmp_path / "one", {KEY: around(1e-3)}, runs=range(1)))
    assert (one.findings, one.decides()) == ((), 4)
    flat = tell_history(tell(tmp_path / "flat", {KEY: around(1e-3, cv=0.0)}))
    assert (flat.findings, flat.decides(), flat.segmentations[0].spread) == ((), 0, 0.0)
    assert "spread 0 %" in text(flat, steady=True)


def test_chance_is_told_where_there_are_many_series(tmp_path: Path) -> None:
    many = tell_history(tell(tmp_path / "many", {name: lambda i, _: 1.0 + i % 2 for name in cases(1000)}, runs=range(4)))
    assert "chance alone makes about 2 alerts among so many" in text(many)
    few = tell_history(tell(tmp_path / "few", {name: lambda i, _: 1.0 + i % 2 for name in cases(100)}, runs=range(4)))
    assert "chance" not in text(few)


def test_too_few_runs_are_no_pass(tmp_path: Path) -> None:
    history = tell_history(tell(tmp_path, {KEY: around(1e-3)}, runs=range(13)))
    assert (history.judged, history.decides()) == (0, 4)
    assert "1 too short for an alert" in text(history)
    enough = tell_history(tell(tmp_path / "more", {KEY: around(1e-3)}, runs=range(14)))
    assert (enough.judged, enough.decides()) == (1, 0)


def test_inconclusive_is_no_pass(tmp_path: Path) -> None:
    waves = {KEY: lambda i, _: 1 + 0.004 * abs((i % 26) - 13)}
    history = tell_history(tell(tmp_path, waves, runs=range(45)))
    assert {one.change.level for one in history.findings} == {"inconclusive"}
    assert {one.cause.kind for one in history.findings} == {"noise"}
    assert history.decides() == 4
    assert tell_history(tell(tmp_path / "b", waves, runs=range(45)), level="alert").decides() == 4, "hiding it is no pass either"


def test_damaged_and_missing_facts_cost_the_cause_only(tmp_path: Path) -> None:
    store = tell(tmp_path, {KEY: around(1e-3, step=0.05, at=AT)}, facts=switched("driver", "1", "2"))
    for i in range(60):
        path = store.root / run_id(i) / "facts.json"
        path.write_text("{", encoding="utf-8") if i % 2 else path.unlink()
    assert only(tell_history(store)).cause.kind == "real"


def test_json_holds_everything(tmp_path: Path) -> None:
    store = tell(tmp_path, {KEY: around(1e-3, step=0.05, at=AT), "gemm/1/cpu/barrier/m=65/1x1": around(1.0)})
    data = json.loads(json.dumps(history_json(tell_history(store, level="alert")), allow_nan=False))
    assert (data["schema"], data["runs"], data["judged"], data["exit_code"]) == ("assay.history/1", 60, 2, 1)
    (found,) = data["findings"]
    one = data["series"][found["series"]]
    assert (one["key"], one["n"], one["unit"], one["changes"]) == (KEY, 60, "s", [found["index"]])
    assert one["runs"][found["index"]] == found["run"] == run_id(AT)
    assert found["cause"]["kind"] == "real"


def test_hostile_names_are_shown_and_not_sent(tmp_path: Path) -> None:
    key = "gemm/1/cpu/barrier/m=\x1b[31m/1x1"
    store = tell(
        tmp_path,
        {key: around(1e-3, step=0.05, at=AT)},
        facts=switched("driver", "a", "\x1b]0;x\x07"),
        described=lambda _: {"plan": "\x1b[2J"},
    )
    said = text(tell_history(store), steady=True)
    assert "\x1b" not in said
    assert "\\x1b[31m" in said


def test_facts_named_like_the_machine(tmp_path: Path) -> None:
    assert "cpu_model" in FACTS, "the stories below change real names of facts"
    history = tell_history(tell(tmp_path, {KEY: around(1e-3)}, runs=range(20)))
    assert "steady" in text(history, steady=True)
