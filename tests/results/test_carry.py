"""A series carried over a bridge: what the driver did is taken off, what else happened there is found, and what the bridge cannot tell is open."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assay.harness.rundir import RunDir
from assay.results.bridge import Bridge, Factor, bridge, keep
from assay.results.finding import Finding
from assay.results.history import History, tell_history
from assay.results.history_json import history_json
from assay.results.history_text import render_history
from assay.results.store import Store
from assay.results.strip import ASCII
from tests.results.stories import KEY, around, run_id, tell

AT = 40
OLD, NEW = {"driver": "550.1"}, {"driver": "560.2"}
FACTOR = 0.95  # the new driver takes so much of the time of the old one
SHARP, COARSE = (0.948, 0.952), (0.90, 1.00)
Values = Callable[[int, np.random.Generator], float]


def drivers(i: int) -> Mapping[str, Any]:
    """Change the driver at run 40."""
    return NEW if i >= AT else OLD


def level(*, code: float = 0.0, driver: float = FACTOR) -> Values:
    """Make a series in which, at run 40, the driver makes its factor and the code a step of its own."""
    return lambda i, rng: around(1e-3)(i, rng) * (driver * (1 + code) if i >= AT else 1)


def built(store: Store, interval: tuple[float, float] | None = SHARP, **changes: Any) -> None:
    """Keep a bridge between the two drivers."""
    given: dict[str, Any] = {"key": KEY, "subject": "device0", "hw_class": "hw1", "software": {"old": OLD, "new": NEW}} | changes
    factor = Factor(given["key"], given["subject"], FACTOR, interval, 3, (9, 9))
    keep(store, Bridge(("a",), ("b",), ("toy",), "driver", (factor,), (), given["hw_class"], given["software"]))


def alerts(history: History) -> list[Finding]:
    """Give the alerts."""
    return [one for one in history.findings if one.change.level == "alert"]


def text(history: History) -> str:
    """Write it."""
    return render_history(history, color=False, heights=ASCII)


def test_without_a_bridge_the_driver_is_named_and_said_to_be_unbridged(tmp_path: Path) -> None:
    history = tell_history(tell(tmp_path, {KEY: level()}, runs=range(80), facts=drivers))
    (found,) = alerts(history)
    assert (found.cause.kind, found.worse) == ("environment", False)
    assert found.bridge == "no bridge tells what driver did (assay bridge OLD NEW)"
    assert found.bridge in text(history)


def test_a_pure_change_of_driver_is_no_change_once_it_is_bridged(tmp_path: Path) -> None:
    store = tell(tmp_path, {KEY: level()}, runs=range(80), facts=drivers)
    built(store)
    history = tell_history(store)
    assert (history.findings, history.decides()) == ((), 0)
    said = text(history)
    assert f"1 series carried over by bridge {next((tmp_path / 'bridges').iterdir()).stem} at {run_id(AT)}, factor 0.95" in said
    assert "driver 550.1 -> 560.2" in said


def test_a_regression_behind_a_change_of_driver_is_found(tmp_path: Path) -> None:
    hidden = {KEY: level(code=1 / FACTOR - 1)}  # 5.3 % slower code behind a driver that is 5 % faster
    store = tell(tmp_path, hidden, runs=range(80), facts=drivers)
    assert tell_history(store).decides() == 0, "nothing is to be seen without the bridge"
    built(store)
    history = tell_history(store)
    (found,) = alerts(history)
    assert (found.run, found.worse, found.cause.kind, history.decides()) == (run_id(AT), True, "real", 1)
    assert found.change.effect == pytest.approx(1 / FACTOR - 1, abs=0.01)
    assert "carried over by bridge" in found.bridge
    assert "factor 0.95 [0.948, 0.952]" in text(history)
    interval = found.change.interval
    assert interval is not None
    assert interval[0] <= 1 / FACTOR - 1 <= interval[1]


def test_a_bridge_too_coarse_for_the_step_leaves_it_open(tmp_path: Path) -> None:
    store = tell(tmp_path, {KEY: level(code=0.03)}, runs=range(80), facts=drivers)
    built(store, COARSE)
    history = tell_history(store)
    (found,) = history.findings
    assert (found.change.level, found.cause.kind, history.decides()) == ("inconclusive", "noise", 4)
    assert "not exact enough" in found.change.reason
    assert found.change.interval is not None
    assert found.change.interval[0] < 0 < found.change.interval[1]


def test_a_step_far_from_the_bridge_is_judged_as_ever(tmp_path: Path) -> None:
    late = {KEY: lambda i, rng: level()(i, rng) * (1.05 if i >= 60 else 1)}
    store = tell(tmp_path, late, runs=range(80), facts=drivers)
    built(store, COARSE)
    history = tell_history(store)
    assert [(one.run, one.worse) for one in alerts(history)] == [(run_id(60), True)]
    assert alerts(history)[0].bridge == ""


def test_rates_are_carried_by_the_inverse_and_other_figures_are_not(tmp_path: Path) -> None:
    rate = {"metric": "flop_rate", "unit": "FLOP/s", "better": "higher"}
    store = tell(tmp_path / "rate", {KEY: level(driver=1 / FACTOR)}, runs=range(80), facts=drivers, record=lambda _: rate)
    built(store)
    assert tell_history(store, metric="flop_rate").findings == ()
    watts = {"metric": "power", "unit": "W", "better": "none"}
    store = tell(tmp_path / "watts", {KEY: level()}, runs=range(80), facts=drivers, record=lambda _: watts)
    built(store)
    (found,) = alerts(tell_history(store, metric="power"))
    assert "no bridge" in found.bridge


def test_going_back_to_the_old_driver_is_carried_too(tmp_path: Path) -> None:
    away = {KEY: lambda i, rng: around(1e-3)(i, rng) * (FACTOR if 30 <= i < 55 else 1)}
    store = tell(tmp_path, away, runs=range(80), facts=lambda i: NEW if 30 <= i < 55 else OLD)
    assert {one.worse for one in alerts(tell_history(store))} == {True, False}, "both are alerts without a bridge"
    built(store)
    history = tell_history(store)
    assert history.findings == ()
    (series,) = history.timeline.series
    assert [(one.index, round(one.factor, 4)) for one in series.carried] == [(30, FACTOR), (55, round(1 / FACTOR, 4))]
    assert np.array(series.values[:30]) == pytest.approx(np.array(series.measured[:30]))
    assert np.array(series.values[30:55]) == pytest.approx(np.array(series.measured[30:55]) / FACTOR)


@pytest.mark.parametrize(
    "changes",
    [
        {"hw_class": "hw2"},
        {"key": KEY.replace("m=64", "m=65")},
        {"software": {"old": OLD, "new": {"driver": "570.0"}}},
        {"software": {"old": OLD | {"kernel": "6.1"}, "new": NEW | {"kernel": "6.2"}}},
        {"interval": None},
    ],
)
def test_a_bridge_between_other_things_carries_nothing(tmp_path: Path, changes: dict[str, Any]) -> None:
    store = tell(tmp_path, {KEY: level()}, runs=range(80), facts=drivers)
    built(store, **changes)
    history = tell_history(store)
    assert len(alerts(history)) == 1
    assert history.timeline.series[0].carried == ()


def test_software_that_changed_beside_the_bridged_one_carries_nothing(tmp_path: Path) -> None:
    both = {True: NEW | {"kernel": "6.2"}, False: OLD}
    store = tell(tmp_path, {KEY: level()}, runs=range(80), facts=lambda i: both[i >= AT])
    built(store)
    (found,) = alerts(tell_history(store))
    assert "driver, kernel" in found.bridge


def test_settings_need_no_bridge(tmp_path: Path) -> None:
    store = tell(tmp_path, {KEY: level()}, runs=range(80), facts=lambda i: {"threads": "2" if i >= AT else "1"})
    (found,) = alerts(tell_history(store))
    assert (found.cause.kind, found.bridge) == ("environment", "")


def test_a_measured_bridge_from_runs_of_both_drivers(tmp_path: Path) -> None:
    # Ten runs a side, measured one after another at the change; the code gets 5 % slower twenty runs later.
    late = {KEY: lambda i, rng: level()(i, rng) * (1.05 if i >= 60 else 1)}
    store = tell(tmp_path, late, runs=range(80), facts=drivers)
    sides = ([RunDir(store.root / run_id(i)) for i in numbers] for numbers in (range(AT - 10, AT), range(AT, AT + 10)))
    path = keep(store, bridge(*sides))
    history = tell_history(store)
    assert [(one.run, one.worse) for one in alerts(history)] == [(run_id(60), True)]
    assert history.timeline.series[0].carried[0].bridge == path.stem
    # A file of before the software was written into it is read by the facts of its runs.
    data = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({name: value for name, value in data.items() if name not in {"software", "hw_class"}}), encoding="utf-8")
    assert tell_history(store).timeline.series == history.timeline.series


@pytest.mark.parametrize(
    ("damage", "word"),
    [
        (lambda _: "{", "cannot be read"),
        (lambda data: json.dumps(data | {"factors": [data["factors"][0] | {"factor": -1.0}]}), "cannot be read"),
        (lambda data: json.dumps(data | {"software": {"old": {}, "new": {}}}), "does not say"),
        (lambda data: json.dumps(data | {"software": {}}), "does not say"),
        (lambda data: json.dumps(data | {"factors": [data["factors"][0] | {"interval": None}]}), "no intervals"),
    ],
)
def test_a_bridge_that_cannot_be_used_is_a_note(tmp_path: Path, damage: Callable[[dict[str, Any]], str], word: str) -> None:
    store = tell(tmp_path, {KEY: level()}, runs=range(80), facts=drivers)
    built(store)
    (path,) = (tmp_path / "bridges").iterdir()
    path.write_text(damage(json.loads(path.read_text(encoding="utf-8"))), encoding="utf-8")
    history = tell_history(store)
    assert len(alerts(history)) == 1
    assert any(word in note and path.stem in note for note in history.timeline.notes)


def test_json_holds_what_was_measured_and_what_was_judged(tmp_path: Path) -> None:
    store = tell(tmp_path, {KEY: level()}, runs=range(80), facts=drivers)
    plain = history_json(tell_history(store))
    assert "carried" not in plain["series"][0]
    built(store)
    (one,) = json.loads(json.dumps(history_json(tell_history(store)), allow_nan=False))["series"]
    assert one["values"] == plain["series"][0]["values"]
    assert one["carried_values"][:AT] == pytest.approx([FACTOR * value for value in one["values"][:AT]])
    assert one["carried_values"][AT:] == one["values"][AT:]
    assert (one["carried"][0]["factor"], one["carried"][0]["interval"]) == (FACTOR, list(SHARP))
