"""The history knows baselines: what was approved alarms nobody again, what comes later does, and small allowed steps are one finding."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from assay.harness.door.main import main
from assay.harness.rundir import RunDir
from assay.results import baselines
from assay.results.history import History, tell_history
from assay.results.history_json import history_json
from assay.results.history_text import render_history
from assay.results.store import Store
from assay.results.strip import ASCII
from tests.results.stories import KEY, Values, around, cases, run_id, tell

AT = 30


def take(store: Store, numbers: range, *, because: str = "", exclude: str = "") -> None:
    """Make the runs of these numbers the next segment."""
    excluded = {exclude: "too noisy"} if exclude else {}
    proposal, _ = baselines.propose(
        store, "release", [RunDir(store.root / run_id(i)) for i in numbers], reason="driver 570", excluded=excluded
    )
    baselines.approve(store, "release", dict.fromkeys(proposal["worse"], because))


def slower(*steps: tuple[int, float], cv: float = 0.01) -> Values:
    """Make a series that gets worse by a share at each of some runs."""

    def value(i: int, rng: object) -> float:
        level = 1e-3
        for at, step in steps:
            level *= 1 + step if i >= at else 1
        return around(level, cv=cv)(i, rng)  # type: ignore[arg-type]

    return value


def text(history: History) -> str:
    """Write it."""
    return render_history(history, color=False, heights=ASCII)


def test_an_approved_change_says_by_whom_and_why_and_closes_no_gate(tmp_path: Path) -> None:
    store = tell(tmp_path, {KEY: slower((AT, 0.05))})
    take(store, range(20, 28))
    assert tell_history(store).decides() == 1
    take(store, range(35, 43), because="the driver checks more")
    history = tell_history(store)
    (found,) = history.findings
    who, day = baselines.newest(store, "release").who, baselines.newest(store, "release").when[:10]
    assert found.approved == f"approved by {who} on {day} in release@2: the driver checks more"
    assert (found.change.level, history.decides(), history.creep) == ("alert", 0, ())
    assert found.approved in text(history)
    assert "1 alert, 1 of these approved" in text(history)
    assert json.loads(json.dumps(history_json(history)))["findings"][0]["approved"] == found.approved


def test_a_later_change_inside_the_new_segment_is_an_alarm(tmp_path: Path) -> None:
    store = tell(tmp_path, {KEY: slower((AT, 0.05), (60, 0.04))}, runs=range(80))
    take(store, range(20, 28))
    take(store, range(35, 43), because="the driver checks more")
    history = tell_history(store)
    assert [(one.run, bool(one.approved)) for one in history.findings] == [(run_id(60), False), (run_id(AT), True)]
    assert history.decides() == 1


def test_a_step_that_is_larger_than_what_was_approved_is_an_alarm(tmp_path: Path) -> None:
    store = tell(tmp_path, {KEY: slower((AT, 0.10))})
    take(store, range(20, 28))
    take(store, range(35, 43), because="the driver checks more")
    path = tmp_path / "baselines" / "release" / "002.json"
    data = json.loads(path.read_text(encoding="utf-8"))
    data["approved"][f"{KEY} device0"]["change"] = 0.05
    path.write_text(json.dumps(data), encoding="utf-8")
    history = tell_history(store)
    assert (history.findings[0].approved, history.decides()) == ("", 1)


def test_a_case_that_is_no_part_of_the_baseline_is_an_alarm(tmp_path: Path) -> None:
    store = tell(tmp_path, {KEY: slower((AT, 0.05)), cases(2)[1]: around(1e-3)})
    take(store, range(20, 28))
    take(store, range(35, 43), because="x", exclude="gemm/*")
    assert tell_history(store).decides() == 1


def test_a_change_before_the_first_segment_is_approved_by_nobody(tmp_path: Path) -> None:
    store = tell(tmp_path, {KEY: slower((AT, 0.05))})
    take(store, range(35, 43))
    take(store, range(45, 53))
    assert tell_history(store).findings[0].approved == ""


def test_ten_allowed_steps_of_half_a_percent_are_one_finding(tmp_path: Path) -> None:
    steps = tuple((10 * k, 0.005) for k in range(1, 11))
    store = tell(tmp_path, {KEY: slower(*steps, cv=0.002), cases(4)[1]: around(1e-3, cv=0.002)}, runs=range(115))
    take(store, range(8))
    for at, _ in steps:
        take(store, range(at + 1, at + 9))  # nobody has to approve a case: no step is over 1 %
    assert [one.approved for one in baselines.segments(store, "release")] == [{}] * 11
    history = tell_history(store)
    (crept,) = history.creep
    assert (crept.series.key, crept.baseline, crept.accepted) == (KEY, "release@1", 0.0)
    assert crept.effect == pytest.approx(1.005**10 - 1, abs=0.003)
    assert crept.interval[0] <= 1.005**10 - 1 <= crept.interval[1]
    assert history.decides() == 1
    assert "since release@1" in text(history)
    assert history_json(history)["creep"][0]["effect"] == crept.effect
    # The same in a comparison with the baseline: no single step, and the ten of them.
    head = ",".join(run_id(i) for i in range(109, 115))
    where = ["--store", str(tmp_path), "--min-effect", "0.01"]
    assert main(["compare", "release@11", head, *where, "--gate"]) == 0
    assert main(["compare", "release", head, *where, "--gate"]) == 1


def test_one_step_that_is_all_of_it_is_told_once(tmp_path: Path) -> None:
    store = tell(tmp_path, {KEY: slower((AT, 0.05))})
    take(store, range(8))
    history = tell_history(store)
    assert ([one.fails for one in history.findings], history.creep) == ([True], ())


def test_what_was_approved_has_not_crept(tmp_path: Path) -> None:
    store = tell(tmp_path, {KEY: slower((20, 0.03), (40, 0.03), cv=0.003)}, runs=range(70))
    take(store, range(5, 13))
    take(store, range(25, 33), because="one")
    take(store, range(45, 53), because="two")
    history = tell_history(store)
    assert ([bool(one.approved) for one in history.findings], history.creep, history.decides()) == ([True, True], (), 0)


def test_steady_series_under_a_baseline_are_silent(tmp_path: Path) -> None:
    store = tell(tmp_path, {name: around(1e-3) for name in cases(40)}, runs=range(50))
    take(store, range(8))
    history = tell_history(store)
    assert (history.creep, history.decides()) == ((), 0)
    assert "crept" not in text(history)


def test_rates_creep_downwards(tmp_path: Path) -> None:
    rate = {"metric": "flop_rate", "unit": "FLOP/s", "better": "higher"}
    store = tell(tmp_path, {KEY: slower(*((10 * k, -0.005) for k in range(1, 11)), cv=0.002)}, runs=range(115), record=lambda _: rate)
    path = tmp_path / "baselines" / "release" / "001.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"name": "release", "number": 1, "runs": [run_id(i) for i in range(8)], "reason": "x"}), encoding="utf-8")
    (crept,) = tell_history(store, metric="flop_rate").creep
    assert crept.effect == pytest.approx(0.995**-10 - 1, abs=0.003)


def test_a_baseline_that_cannot_be_read_approves_nothing(tmp_path: Path) -> None:
    store = tell(tmp_path, {KEY: slower((AT, 0.05))})
    take(store, range(20, 28))
    take(store, range(35, 43), because="x")
    (tmp_path / "baselines" / "release" / "001.json").write_text("{", encoding="utf-8")
    history = tell_history(store)
    assert history.decides() == 1
    assert any("approves nothing" in note for note in history.timeline.notes)
