"""Who sat where: identities from headers of every quality, and figures that belong to nobody."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.results.fleet_runs import read_fleet
from assay.results.places import bare, places, seats_of
from assay.results.sweep import sweep
from tests.results.builders import case, time_record, write_records
from tests.results.fleets import seat, uuid, write_node


def test_a_uuid_is_told_in_two_ways_and_means_one_device() -> None:
    assert bare("GPU-ABC") == bare(" abc ") == "abc"
    (one,) = places([seat(0, "n", "GPU-ABC")])
    assert (one.identity, one.host, one.slot, one.model) == ("abc", "n", "0000:00:00.0", "Toy 100")


def test_without_uuid_or_serial_number_the_place_is_the_identity() -> None:
    ranks = [
        {"host": "a", "device": {"kind": "cpu"}},
        {"host": "b", "device": {"kind": "cpu"}},
        {"host": "a", "device": {"kind": "cpu", "serial": ""}},
    ]
    assert [place.identity for place in places(ranks)] == ["a/cpu0", "b/cpu0", "a/cpu1"]
    assert places([{"host": "a", "device": {"serial": "S7"}}])[0].identity == "s7"


def test_two_devices_that_claim_one_uuid_stay_two() -> None:
    found = places([seat(0, "a", "same"), seat(1, "b", "same")])
    assert len({place.identity for place in found}) == 2


@pytest.mark.parametrize(
    "row", [{}, {"host": None, "device": None}, {"host": 3, "device": [1]}, {"device": {"uuid": 7, "index": "x", "pci": None}}]
)
def test_a_header_of_any_shape_gives_a_place(row: dict[str, object]) -> None:
    (one,) = places([row])
    assert one.identity
    assert one.host


@pytest.mark.parametrize("text", ["", "{", "[]", '{"ranks": 3}', '{"ranks": [3]}', "\x00"])
def test_a_header_that_is_none_gives_nobody(tmp_path: Path, text: str) -> None:
    run = write_node(tmp_path / "20261120-000000-000-00000f", "n", [uuid(0, 0)], [1e12])
    (run.path / "measurements" / "000-ranks.jsonl").write_text(text)
    assert seats_of(run) == []
    (one,) = read_fleet([run]).sightings
    assert (one.seen.level, one.seen.host, one.records, bool(one.untested)) == ("node", "n", {}, True)


def collective(store: Path, hosts: list[str], value: float, name: str) -> None:
    """Write a run of one collective over some hosts, two ranks each."""
    from assay.harness.rundir import LineWriter

    key = case("all_reduce", nranks=2 * len(hosts)).key
    run = write_records(store / name, [time_record(value, run=name, key=key, subject="cluster")])
    path = run.path / "measurements" / "000-ranks.jsonl"
    path.unlink()
    LineWriter(
        path, {"run": name, "ranks": [seat(i, host, f"{host}-{i}") for i, host in enumerate([h for h in hosts for _ in range(2)])]}
    ).close()


def test_a_collective_on_one_node_judges_the_node_and_over_two_it_judges_nobody(tmp_path: Path) -> None:
    from assay.harness.rundir import RunDir

    for node in range(10):
        for i in range(3):
            collective(tmp_path, [f"n{node}"], 1.3 if node == 4 else 1.0 + 0.001 * i, f"2026112{i}-000000-00{node}-00000f")
    collective(tmp_path, ["n1", "n2"], 9.0, "20261129-000000-000-00000f")
    found = sweep(read_fleet([RunDir(path) for path in sorted(tmp_path.iterdir())]))
    assert {name: status for name, status in found.worst.items() if status != "sound"} == {"n4": "slow"}
    assert {row.seen.level for row in found.rows} == {"node"}
    assert any("several nodes" in note for note in found.notes)
