"""``assay fleet`` and ``assay device`` as a user types them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.door.place import TRACEBACK, Place
from tests.results.fleets import uuid, write_fleet


@pytest.fixture(scope="module")
def fleets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Give a folder with two stores: one sound, one with a slow device."""
    folder = tmp_path_factory.mktemp("fleets")
    write_fleet(folder / "runs", runs=3)
    write_fleet(folder / "slow", runs=3, change=lambda node, slot, _: 0.9 if (node, slot) == (3, 5) else 1.0)
    (folder / "hosts").write_text("node[0-8]\n")
    return Place(folder)


def ids(folder: Path) -> str:
    return ",".join(sorted(path.name for path in folder.iterdir()))


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ((), 0),
        (("--gate",), 0),
        (("--gate", "--expect", "hosts"), 2),
        (("--gate", "--spec", "flop_rate=2e12"), 1),
        (("--spec", "flop_rate=2e12"), 0),
    ],
)
def test_a_sound_fleet(fleets: Place, words: tuple[str, ...], code: int) -> None:
    done = fleets.assay("fleet", ids(fleets.folder / "runs"), *words)
    assert (done.returncode, done.stderr) == (code, "")
    assert "coverage: 64 of 64 devices" in done.stdout


def test_a_slow_device_comes_first_and_decides(fleets: Place) -> None:
    done = fleets.assay("fleet", ids(fleets.folder / "slow"), "--store", "slow", "--gate")
    assert done.returncode == 1
    assert done.stdout.splitlines()[0] == "fleet: 1 slow, 63 sound"
    assert done.stdout.splitlines()[1].startswith("  node3 0000:05:00.0")
    document = json.loads(fleets.assay("fleet", ids(fleets.folder / "slow"), "--store", "slow", "--json").stdout)
    assert (document["schema"], document["exit_code"], document["counts"]) == ("assay.fleet/1", 1, {"slow": 1, "sound": 63})
    assert document["verdicts"][0]["identity"] == uuid(3, 5)
    assert len(document["again"]) == 1


def test_all_is_every_run_and_nothing_named_is_refused(fleets: Place) -> None:
    assert fleets.assay("fleet", "--all").stdout == fleets.assay("fleet", ids(fleets.folder / "runs")).stdout
    assert [fleets.assay("fleet", *words).returncode for words in ((), ("latest", "--all"))] == [3, 3]


def test_a_run_that_is_not_there_is_refused(fleets: Place) -> None:
    done = fleets.assay("fleet", "nothing", "--gate")
    assert (done.returncode, TRACEBACK in done.stderr) == (3, False)


@pytest.mark.parametrize("words", [("--spec", "nonsense"), ("--expect", "none"), ("--min-deficit", "0"), ("--min-deficit", "x")])
def test_bad_usage_is_refused(fleets: Place, words: tuple[str, ...]) -> None:
    done = fleets.assay("fleet", ids(fleets.folder / "runs"), *words)
    assert (done.returncode, done.stdout) == (3, "")
    assert words[0] in done.stderr


def test_a_device_by_the_start_of_its_uuid(fleets: Place) -> None:
    done = fleets.assay("device", f"GPU-{uuid(3, 5)}", "--store", "slow")
    assert done.returncode == 0
    assert done.stdout.splitlines()[0] == f"Toy 100 UUID {uuid(3, 5)}"
    assert "3 runs on 1 host, 0 moves" in done.stdout
    document = json.loads(fleets.assay("device", uuid(3, 5), "--store", "slow", "--json", "--last", "8").stdout)
    assert (document["schema"], len(document["stays"])) == ("assay.device/1", 1)
    assert fleets.assay("device", "nobody").returncode == 3
    assert fleets.assay("device", uuid(3, 5), "--last", "0").returncode == 3


def test_completion_offers_runs_and_devices(fleets: Place) -> None:
    def offered(*words: str) -> list[str]:
        return fleets.assay("__complete", *words).stdout.splitlines()

    assert "latest" in offered("fleet", "")
    assert offered("fleet", "--confirm", "202611") == sorted(path.name for path in fleets.runs)
    assert offered("fleet", "--expect", "") == []
    assert "--min-deficit" in offered("fleet", "--m")
    assert offered("device", uuid(3, 5)[:-1]) == [uuid(3, slot) for slot in range(8)]
