"""Clocks that disagree are said and do not put runs in the wrong place; clocks that agree are not mentioned."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from assay.results.clocks import told
from assay.results.history import tell_history
from assay.results.history_text import render_history
from assay.results.strip import ASCII
from assay.results.timeline import read_timeline
from tests.results.stories import KEY, around, day, run_id, tell

HOURS = timedelta(hours=1)
Described = Callable[[int], Mapping[str, Any]]


def written(i: int, ahead: timedelta = timedelta(0), **more: Any) -> dict[str, Any]:
    """Describe run ``i`` of a host whose clock was ahead of the file server's."""
    started = day(i) + ahead
    return {
        "started": started.isoformat(),
        "ended": (started + timedelta(seconds=30)).isoformat(),
        "store_clock": day(i).isoformat(),
    } | more


def order(root: Path, described: Described, runs: range = range(20)) -> tuple[list[int], tuple[str, ...]]:
    """Write a store; gives the numbers of its runs in the order of the history, and the notes."""
    timeline = read_timeline(tell(root, {KEY: around(1e-3)}, runs=runs, described=described), metric="time")
    number = {run_id(i): i for i in runs}
    return [number[info.id] for info in timeline.runs], timeline.notes


@pytest.mark.parametrize("described", [written, lambda i: written(i, timedelta(seconds=40)), lambda _: {}, lambda i: {"host": f"n{i % 2}"}])
def test_clocks_that_agree_are_not_mentioned(tmp_path: Path, described: Described) -> None:
    assert order(tmp_path, described) == (list(range(20)), ())


@pytest.mark.parametrize(("hours", "way"), [(50, "2.08 days ahead of"), (-50, "2.08 days behind")])
def test_a_run_is_placed_by_the_clock_of_the_store(tmp_path: Path, hours: int, way: str) -> None:
    found, notes = order(tmp_path, lambda i: written(i, hours * HOURS if i == 10 else 0 * HOURS, host=f"n{i % 2}"))
    assert found == list(range(20))
    assert notes == (f"the clock of n0 was {way} the store's in {run_id(10)}; placed by the store's",)


def test_all_runs_of_one_host_are_one_note_with_the_worst(tmp_path: Path) -> None:
    found, (note,) = order(tmp_path, lambda i: written(i, (30 + i) * HOURS if i % 2 else 0 * HOURS, host=f"n{i % 2}"))
    assert found == list(range(20))
    assert note == f"the clock of n1 was 2.04 days ahead of the store's in 10 runs, from {run_id(1)} to {run_id(19)}; placed by the store's"


def test_older_runs_tell_a_clock_that_was_ahead_by_their_last_writing(tmp_path: Path) -> None:
    def old(i: int) -> dict[str, Any]:
        return {name: value for name, value in written(i, 50 * HOURS if i == 10 else 0 * HOURS).items() if name != "store_clock"}

    store = tell(tmp_path, {KEY: around(1e-3)}, runs=range(20), described=old)
    for i in range(20):
        os.utime(tmp_path / run_id(i) / "run.json", (day(i).timestamp() + 30, day(i).timestamp() + 30))
    timeline = read_timeline(store, metric="time")
    assert [info.id for info in timeline.runs] == [run_id(i) for i in range(20)]
    assert timeline.notes == (f"the clock of toy was 2.08 days ahead of the store's in {run_id(10)}; placed by the store's",)


def test_copies_that_are_younger_than_the_run_say_nothing(tmp_path: Path) -> None:
    store = tell(tmp_path, {KEY: around(1e-3)}, runs=range(20), described=lambda i: {"ended": day(i).isoformat()})
    for path in tmp_path.glob("*/run.json"):
        os.utime(path)
    assert read_timeline(store, metric="time").notes == ()


def test_a_run_comes_after_the_run_that_was_there_already(tmp_path: Path) -> None:
    # No clock of a store: only that run 9 was there tells that run 10, which says it began two days before it, did not.
    def described(i: int) -> dict[str, Any]:
        began = day(i) - 50 * HOURS if i == 10 else day(i)
        return {"started": began.isoformat(), "host": f"n{i % 2}", "after": run_id(i - 1) if i else ""}

    found, notes = order(tmp_path, described)
    assert found == list(range(20))
    (note,) = notes
    assert note.startswith(f"{run_id(10)} on n0 says it began 26 hours before {run_id(9)} on n1, which was there already")
    assert note.endswith("one of the two clocks is wrong; placed after it")


def test_runs_after_one_that_is_far_ahead_keep_their_own_order(tmp_path: Path) -> None:
    def described(i: int) -> dict[str, Any]:
        began = day(10) + 119 * HOURS if i == 10 else day(i)
        after = "" if i == 0 else run_id(10) if 10 < i <= 15 else run_id(i - 1)
        return {"started": began.isoformat(), "host": "n1" if i == 10 else "n0", "after": after}

    found, notes = order(tmp_path, described)
    assert found == list(range(20))
    assert len(notes) == 4, "three are named, and how many more there are"
    assert notes[-1] == "and 1 more like these"


def test_a_run_that_is_gone_orders_nothing(tmp_path: Path) -> None:
    assert order(tmp_path, lambda _: {"after": "20990101-000000-000-abcdef"}) == (list(range(20)), ())


@pytest.mark.parametrize(
    ("clocks", "said"),
    [
        ({"toy": 0, "n2": 5, "n3": -7}, ()),
        ({"toy": 0, "n2": 5, "n3": 600}, ("the clock of n3 was 10 minutes ahead of toy's in {}",)),
        ({"n1": 0, "n2": 0, "n3": -90}, ("the clock of n3 was 90 s behind the others' in {}",)),
    ],
)
def test_hosts_of_one_run_are_held_against_each_other(tmp_path: Path, clocks: Mapping[str, int], said: tuple[str, ...]) -> None:
    def described(i: int) -> dict[str, Any]:
        at = {host: (day(i) + timedelta(seconds=second)).isoformat() for host, second in clocks.items()}
        return {"clocks": at} if i == 7 else {}

    assert order(tmp_path, described) == (list(range(20)), tuple(one.format(run_id(7)) for one in said))


def test_what_is_no_time_is_no_clock(tmp_path: Path) -> None:
    damaged = {"store_clock": "soon", "after": "../x", "clocks": {"toy": "now", "n2": "then"}}
    assert order(tmp_path, lambda _: damaged) == (list(range(20)), ())


def test_a_step_is_sharp_again_and_the_text_says_why(tmp_path: Path) -> None:
    # Every fourth run comes from a host that is 20 days ahead: placed by its own clock it would stand on the wrong side of the step.
    def described(i: int) -> dict[str, Any]:
        return written(i, 480 * HOURS if i % 4 == 0 else 0 * HOURS, host="ahead" if i % 4 == 0 else "right")

    store = tell(tmp_path, {KEY: around(1e-3, step=0.05, at=40)}, described=described)
    history = tell_history(store)
    (found,) = (one for one in history.findings if one.change.level == "alert")
    assert found.run == run_id(40)
    assert "note: the clock of ahead was 20 days ahead of the store's" in render_history(history, color=False, heights=ASCII)


@pytest.mark.parametrize(
    ("seconds", "text"), [(90, "90 s"), (119, "119 s"), (3000, "50 minutes"), (86400, "24 hours"), (864000, "10 days")]
)
def test_spans(seconds: int, text: str) -> None:
    assert told(timedelta(seconds=seconds)) == text
