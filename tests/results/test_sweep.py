"""Runs of a store judged as a fleet: who is who, what is missing, what is to be measured again."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from assay.harness.errors import RefusalError
from assay.harness.measurement import Checked, Fault, Measurement
from assay.harness.rundir import LineWriter, RunDir
from assay.results.confirm import borne_out, confirm, rechecks
from assay.results.fleet_runs import read_fleet
from assay.results.fleet_text import fleet_document, render_fleet
from assay.results.specs import read_specs
from assay.results.sweep import sweep
from assay.results.sweep_rows import Sweep
from tests.results.builders import measured
from tests.results.fleets import CASE, seat, uuid, write_fleet, write_node


def flagged(found: Sweep) -> dict[str, str]:
    """Give every subject that is not sound with its worst verdict."""
    return {name: status for name, status in found.worst.items() if status != "sound"}


def test_a_healthy_fleet_is_sound_and_says_what_it_covers(tmp_path: Path) -> None:
    found = sweep(read_fleet(write_fleet(tmp_path)))
    assert (flagged(found), found.decides(), found.counts, found.tested("device")) == ({}, 0, {"sound": 64}, (64, 64))
    assert rechecks(found) == []
    assert "64 of 64 devices" in render_fleet(found, color=False, width=100)


@pytest.mark.parametrize("unit", ["FLOP/s", "s"])
def test_a_slow_device_is_named_with_its_place_and_its_rechecks(tmp_path: Path, unit: str) -> None:
    more = {"metric": "time", "unit": "s"} if unit == "s" else {}
    runs = write_fleet(
        tmp_path,
        change=lambda node, slot, _: 0.94 if (node, slot) == (3, 5) else 1.0,
        flags={5: ("throttled: hw slowdown [50% of 9 samples]",)},
        **more,
    )
    found = sweep(read_fleet(runs))
    assert (flagged(found), found.decides()) == ({uuid(3, 5): "slow"}, 1)
    (again,) = rechecks(found)
    assert (again.subject, again.host, again.slot) == (uuid(3, 5), "node3", "0000:05:00.0")
    hosts = {place.split()[0] for _, place in again.controls}
    assert len(again.controls) == len(hosts) == 2
    assert "node3" not in hosts
    assert [uuid(3, 5) in pair for pair in again.pairs] == [True, True, False]
    assert [pair.index(uuid(3, 5)) for pair in again.pairs[:2]] == [0, 1]
    text = render_fleet(found, color=False, width=300)
    assert "node3 0000:05:00.0" in text.splitlines()[1]
    assert "throttled: hw slowdown" in text


def test_the_order_of_runs_changes_nothing(tmp_path: Path) -> None:
    runs = write_fleet(tmp_path, change=lambda node, slot, _: 0.9 if (node, slot) == (1, 1) else 1.0)
    for run in runs[:2]:
        with (run.path / "records.jsonl").open("a") as file:
            file.write("torn\n")
    assert fleet_document(sweep(read_fleet(runs))) == fleet_document(sweep(read_fleet(runs[::-1])))


def test_a_device_is_followed_by_its_uuid_into_another_slot(tmp_path: Path) -> None:
    runs = write_fleet(tmp_path, runs=4, change=lambda node, slot, _: 0.94 if (node, slot) == (2, 0) else 1.0)
    moved = [uuid(9, slot) for slot in range(8)]
    moved[7] = uuid(2, 0)
    runs.append(write_node(tmp_path / "20261120-000000-000-00000f", "node9", moved, [1e12] * 7 + [0.94e12]))
    (row,) = [row for row in sweep(read_fleet(runs)).rows if row.standing.status == "slow"]
    assert (row.seen.identity, row.seen.host, row.seen.slot, row.standing.n) == (uuid(2, 0), "node9", "0000:07:00.0", 5)


def test_a_host_that_is_expected_and_absent_is_untested(tmp_path: Path) -> None:
    runs = write_fleet(tmp_path, runs=1)
    hosts = {f"node{i}": 8 for i in range(8)}
    assert sweep(read_fleet(runs), hosts=hosts).decides() == 0
    found = sweep(read_fleet(runs), hosts={**hosts, "node8": 0})
    assert (flagged(found), found.decides()) == ({"node8": "untested"}, 2)
    short = sweep(read_fleet(runs), hosts={**hosts, "node3.site.org": 9})
    assert (flagged(short), short.decides()) == ({"node3": "untested"}, 2)
    assert "8 of 9 expected devices" in render_fleet(short, color=False, width=200)
    assert "8 of 9 expected hosts" in render_fleet(found, color=False, width=100)
    assert any("node7" in note for note in sweep(read_fleet(runs), hosts={name: 0 for name in hosts if name != "node7"}).notes)


def test_a_device_without_a_figure_is_untested(tmp_path: Path) -> None:
    runs = write_fleet(tmp_path, runs=2, change=lambda node, slot, _: None if (node, slot) == (4, 4) else 1.0)
    found = sweep(read_fleet(runs))
    assert (flagged(found), found.decides(), found.tested("device")) == ({uuid(4, 4): "untested"}, 2, (63, 64))


@pytest.mark.parametrize("named", [True, False])
def test_a_failure_is_the_named_ranks_and_the_others_of_that_run_are_untested(tmp_path: Path, *, named: bool) -> None:
    runs = write_fleet(tmp_path, runs=2, nodes=2)
    broken = Measurement(CASE, "crashed", reason="it died", scope="device", fault=Fault(rank=2 if named else None, phase="timed"))
    runs.append(
        write_node(tmp_path / "20261120-000000-000-00000f", "node7", [uuid(7, i) for i in range(8)], [None] * 8, measurements=[broken])
    )
    found = sweep(read_fleet(runs))
    rest = "untested" if named else "failed"
    assert flagged(found) == {uuid(7, i): "failed" if i == 2 else rest for i in range(8)}
    assert found.decides() == 2


def test_a_wrong_answer_in_one_of_many_runs_is_a_failure(tmp_path: Path) -> None:
    runs = write_fleet(tmp_path)
    wrong = replace(measured(CASE, *[[1.0]] * 8, checked=Checked(ok=False, checks=1, rank=6, reason="row 17 is off")), status="wrong")
    runs.append(
        write_node(tmp_path / "20261120-000000-000-00000f", "node1", [uuid(1, i) for i in range(8)], [None] * 8, measurements=[wrong])
    )
    assert flagged(sweep(read_fleet(runs))) == {uuid(1, 6): "failed"}


def test_another_driver_is_another_class(tmp_path: Path) -> None:
    runs = write_fleet(tmp_path, nodes=4)
    old = [
        write_node(tmp_path / f"2026112{i}-000000-000-00000f", "node9", [uuid(9, s) for s in range(8)], [0.9e12] * 8, sw_class="sw2")
        for i in range(3)
    ]
    found = sweep(read_fleet([*runs, *old]))
    assert flagged(found) == {}
    assert any("node9: other software" in note for note in found.notes)
    assert {row.standing.n_peers for row in found.rows} == {8, 32}


def test_too_few_peers_and_a_specification(tmp_path: Path) -> None:
    runs = [write_node(tmp_path / "20261120-000000-000-00000f", "node0", [uuid(0, i) for i in range(4)], [1e12, 1e12, 1e12, 0.5e12])]
    assert sweep(read_fleet(runs)).decides() == 4
    held = sweep(read_fleet(runs), specs=read_specs(["flop_rate=0.9e12"]))
    assert (flagged(held), held.decides()) == ({uuid(0, 3): "below spec"}, 1)
    assert flagged(sweep(read_fleet(runs), specs=read_specs(["flop_rate=45%"]))) == {uuid(0, 3): "below spec"}


@pytest.mark.parametrize(
    "word",
    ["flop_rate", "flop_rate=", "flop_rate=0", "flop_rate=-1", "flop_rate=nan", "flop_rate=inf", "power=3", "nonsense=1", "flop_rate=0%"],
)
def test_specifications_that_judge_nothing_are_refused(word: str) -> None:
    with pytest.raises(RefusalError, match="--spec"):
        read_specs([word])


def test_a_specification_of_what_nobody_measured_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusalError, match="They have flop_rate"):
        sweep(read_fleet(write_fleet(tmp_path, runs=1, nodes=1)), specs=read_specs(["busbw=1e9"]))


@pytest.mark.parametrize("value", [0.0, -0.1, 1.0, float("nan")])
def test_a_floor_that_cannot_judge_is_refused(tmp_path: Path, value: float) -> None:
    with pytest.raises(RefusalError, match="--min-deficit"):
        sweep(read_fleet(write_fleet(tmp_path, runs=1, nodes=1)), min_deficit=value)


def test_after_a_requeue_each_case_belongs_to_the_hosts_that_measured_it(tmp_path: Path) -> None:
    run = write_node(
        tmp_path / "20261120-000000-000-00000f",
        "old",
        [uuid(0, i) for i in range(8)],
        [1e12] * 8,
        measurements=[measured(CASE, *[[1.0]] * 8)],
    )
    later = LineWriter(
        run.path / "measurements" / "001-ranks.jsonl", {"run": run.id, "ranks": [seat(i, "new", uuid(5, i)) for i in range(8)]}
    )
    later.close()
    assert {one.seen.host for one in read_fleet([run]).sightings} == {"old"}


def test_hostile_names_and_a_run_without_seats(tmp_path: Path) -> None:
    run = write_node(tmp_path / "20261120-000000-000-00000f", "\x1b[31mroot", [uuid(0, i) for i in range(8)], [1e12] * 7 + [0.5e12])
    assert "\x1b" not in render_fleet(sweep(read_fleet([run])), color=False, width=100)
    (run.path / "measurements" / "000-ranks.jsonl").write_text("torn")
    found = sweep(read_fleet([RunDir(run.path)]))
    assert ([row.standing.status for row in found.rows], found.decides()) == (["untested"], 2)
    assert any("sat" in note for note in found.notes)


def test_a_node_whose_ranks_never_came_up_is_no_pass(tmp_path: Path) -> None:
    runs = write_fleet(tmp_path)
    dead = write_node(tmp_path / "20261120-000000-000-00000f", "node9", [uuid(9, i) for i in range(8)], [None] * 8)
    (dead.path / "measurements" / "000-ranks.jsonl").unlink()
    found = sweep(read_fleet([*runs, dead]))
    assert (flagged(found), found.decides()) == ({"node9": "untested"}, 2)


def test_a_run_of_which_nobody_knows_what_it_should_have_measured_is_noted(tmp_path: Path) -> None:
    runs = write_fleet(tmp_path, runs=1)
    (runs[0].path / "plan.json").write_text("{")
    (runs[0].path / "verdicts.json").unlink()
    found = sweep(read_fleet(runs))
    assert any("nobody knows what it should have measured" in note for note in found.notes)
    assert not sweep(read_fleet(runs[1:])).notes


def test_json_is_finite_json(tmp_path: Path) -> None:
    document = fleet_document(sweep(read_fleet(write_fleet(tmp_path, runs=1, nodes=2)), hosts={"node0": 0, "gone": 8}))
    assert document["schema"] == "assay.fleet/1"
    assert json.loads(json.dumps(document, allow_nan=False)) == document


@pytest.mark.parametrize(
    ("fresh", "beside", "found"),
    [
        ([95.0, 95.1, 94.9], [[100.0, 100.1], [99.9, 100.2]], True),
        ([99.9, 95.0, 100.0], [[100.0, 100.1], [99.9, 100.2]], False),  # a hiccup in one run is not borne out
        ([98.0, 98.1, 97.9], [[100.0, 100.1], [99.9, 100.2]], False),  # under half of what it lacked first
        ([85.0, 85.1, 84.9], [[85.0, 85.1], [84.9, 85.2]], False),  # the whole session is slow, not the device
    ],
)
def test_the_confirming_pass(fresh: list[float], beside: list[list[float]], *, found: bool) -> None:
    assert borne_out(fresh, beside, better="higher", deficit=0.05, scale=0.003, min_deficit=0.02) is found
    inverse = [[1 / value for value in values] for values in beside]
    assert borne_out([1 / value for value in fresh], inverse, better="lower", deficit=0.05, scale=0.003, min_deficit=0.02) is found


@pytest.mark.parametrize(("again", "status", "code"), [(0.94, "slow", 1), (1.0, "not confirmed", 0), (None, "slow", 1)])
@pytest.mark.parametrize("unit", ["FLOP/s", "s"])
def test_fresh_runs_bear_out_or_drop_what_was_slow(tmp_path: Path, unit: str, again: float | None, status: str, code: int) -> None:
    more = {"metric": "time", "unit": "s"} if unit == "s" else {}
    runs = write_fleet(tmp_path / "first", change=lambda node, slot, _: 0.94 if (node, slot) == (3, 5) else 1.0, **more)
    fresh = write_fleet(tmp_path / "again", runs=3, seed=2, change=lambda node, slot, _: again if (node, slot) == (3, 5) else 1.0, **more)
    found = confirm(sweep(read_fleet(runs)), read_fleet(fresh))
    assert (flagged(found), found.decides()) == ({uuid(3, 5): status}, code)
    words = {0.94: "borne out by 3 fresh runs beside 2 controls", 1.0: "do not bear it out", None: "not measured again"}
    assert words[again] in render_fleet(found, color=False, width=1000)
