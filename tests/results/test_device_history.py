"""One device followed through runs: by its UUID across hosts and slots, beside its peers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from assay.harness.errors import RefusalError
from assay.harness.rundir import RunDir
from assay.results.device_history import device_history
from assay.results.device_text import render_device
from tests.results.fleets import uuid, write_fleet, write_node


def moved(store: Path) -> list[RunDir]:
    """Make a fleet of 4 nodes and 2 runs, then one in which a slow device stands in another node."""
    runs = write_fleet(store, nodes=4, runs=2, change=lambda node, slot, _: 0.9 if (node, slot) == (2, 3) else 1.0)
    uuids = [uuid(1, slot) for slot in range(8)]
    uuids[6] = uuid(2, 3)
    flags = {6: ("throttled: hw slowdown [40% of 9 samples]", "warm-up did not converge")}
    started = "2026-11-25T00:00:00.000+00:00"
    return [
        *runs,
        write_node(store / "20261125-000000-000-00000f", "node1", uuids, [1e12] * 6 + [0.8e12, 1e12], flags=flags, started=started),
    ]


def test_a_device_is_followed_into_another_host(tmp_path: Path) -> None:
    history = device_history(moved(tmp_path), f"GPU-{uuid(2, 3).upper()}")
    assert [(stay.host, stay.slot) for stay in history.stays] == [("node2", "0000:03:00.0")] * 2 + [("node1", "0000:06:00.0")]
    assert [stay.moved for stay in history.stays] == ["", "", "node2 0000:03:00.0"]
    last = history.stays[-1].figures[0]
    assert (last.value, last.peers, last.n_peers, last.deficit) == (0.8e12, 1e12, 7, pytest.approx(0.2))
    assert last.marks == ("throttled: hw slowdown [40% of 9 samples]",)
    assert history.stays[0].figures[0].deficit == pytest.approx(0.1, abs=0.02)
    text = render_device(history, color=False)
    assert "MOVED here from node2 0000:03:00.0" in text
    assert "3 runs on 2 hosts, 1 moves" in text
    json.dumps(history.as_dict(), allow_nan=False)


def test_a_device_that_stayed_has_no_moves(tmp_path: Path) -> None:
    history = device_history(moved(tmp_path), uuid(0, 0))
    assert (len(history.stays), history.moves) == (2, [])


def test_the_start_of_a_uuid_and_host_with_slot_are_enough(tmp_path: Path) -> None:
    runs = [write_node(tmp_path / "20261120-000000-000-00000f", "node0", ["abc-1", "abd-2"], [1e12, 1e12])]
    assert device_history(runs, "abc").uuid == "abc-1"
    assert device_history(runs, "node0/0000:01").uuid == "abd-2"
    with pytest.raises(RefusalError, match="2 devices: abc-1, abd-2"):
        device_history(runs, "ab")


@pytest.mark.parametrize("text", ["nothing", "", "GPU-"])
def test_an_unknown_device_is_refused_with_the_way_out(tmp_path: Path, text: str) -> None:
    with pytest.raises(RefusalError, match="no run of this store"):
        device_history(moved(tmp_path), text)


def test_a_damaged_run_is_a_note_and_hides_no_other(tmp_path: Path) -> None:
    runs = moved(tmp_path)
    (runs[2].path / "run.json").write_text("{")
    history = device_history(runs, uuid(2, 3))
    assert len(history.stays) == 2
    assert len(history.notes) == 1
