"""The self-test finds what it plants here, and a part of the plan can be measured alone."""

from __future__ import annotations

import json

import pytest

from tests.door.place import LEAN, TINY, Place, keys_on_disk


@pytest.mark.slow
def test_planted_faults_are_found(place: Place) -> None:
    done = place.assay("selftest", "--faults-only", "--json", seconds=240)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert [one["right"] for one in found["findings"]] == [True] * 9
    assert {
        "none",
        "one bit of an exact product",
        "one product left out by a matrix unit",
        "a hung rank",
        "a threshold of zero",
        "a lost measurement file",
    } <= {one["fault"] for one in found["findings"]}
    assert place.runs == []


def test_only_named_cases_are_measured(place: Place) -> None:
    words = (*LEAN, "suite.all_reduce.transport=loopback", "site.nranks=1")
    done = place.assay("run", *words, "--case", "*bytes=8,*")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 left out (not named by --case)" in done.stdout
    (key,) = keys_on_disk(place.runs[-1])
    assert "bytes=8," in key
    (place.folder / "keys.txt").write_text(f"# what is left\n{key}\n", encoding="utf-8")
    planned = json.loads(place.assay("plan", *words, "--cases", "keys.txt", "--json").stdout)
    assert [case["key"] for case in planned["cases"]] == [key]


@pytest.mark.parametrize(
    ("words", "said"),
    [(("--case", "nothing*"), "fits no case"), (("--cases", "absent.txt"), "cannot be read"), (("--cases", "empty.txt"), "names no case")],
)
def test_names_of_nothing_are_refused(place: Place, words: tuple[str, ...], said: str) -> None:
    (place.folder / "empty.txt").write_text("# nothing\n", encoding="utf-8")
    done = place.assay("plan", *TINY, "hardware.name=none", *words)
    assert done.returncode == 3
    assert said in done.stderr
