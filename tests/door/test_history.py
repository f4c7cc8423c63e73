"""``assay history`` as a user types it."""

from __future__ import annotations

import json

import pytest

from tests.door.place import Place, assert_refused
from tests.results.stories import KEY, around, cases, run_id, tell

AT = 40


@pytest.fixture(scope="module")
def stepped(place: Place) -> Place:
    """Give a folder with a store in which one case of two grew slower by 5 % at run 40, when the driver changed."""
    series = {KEY: around(1e-3, step=0.05, at=AT), cases(1)[0]: around(2e-3)}
    tell(place.folder / "runs", series, facts=lambda i: {"driver": "560.2" if i >= AT else "550.1", "git": {"revision": f"{i:040x}"}})
    return place


def test_it_tells_what_changed_when_and_why(stepped: Place) -> None:
    done = stepped.assay("history")
    assert (done.returncode, done.stderr) == (0, "")
    head, first, strip, place, cause, *rest = done.stdout.splitlines()
    assert head == "history of time: 2 series in 60 runs: 1 alert"
    assert first.startswith("alert        worse   +")
    assert first.endswith(f"{KEY} device0 time")
    assert "|" in strip
    assert "60 runs, spread" in strip
    assert place.startswith("  40 runs before, 20 after, 95 % interval +4.")
    assert f"; first {run_id(AT)}, commit {f'{AT:040x}'[:12]}" in place
    assert "environment: driver 550.1 -> 560.2" in cause
    assert rest == ["  no bridge tells what driver did (assay bridge OLD NEW)"]


def test_a_named_series_is_told_even_if_nothing_happened(stepped: Place) -> None:
    done = stepped.assay("history", "m=0/")
    assert "steady       2.0" in done.stdout
    assert KEY not in done.stdout


def test_the_gate_decides_only_when_asked(stepped: Place) -> None:
    assert stepped.assay("history", "--gate").returncode == 1
    assert stepped.assay("history", "--gate", "m=0/").returncode == 0
    assert stepped.assay("history", "--gate", "--since", run_id(AT + 5)).returncode == 0
    assert stepped.assay("history", "--gate", "--since", run_id(AT - 5)).returncode == 1


def test_json_and_twice_the_same(stepped: Place) -> None:
    first, second = (stepped.assay("history", "--json", "--level", "alert").stdout for _ in range(2))
    assert first == second
    data = json.loads(first)
    assert (data["schema"], data["exit_code"], len(data["findings"])) == ("assay.history/1", 1, 1)


def test_an_ascii_terminal_gets_ascii(stepped: Place) -> None:
    done = stepped.assay("history", env={"PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0, done.stderr
    assert done.stdout.isascii()


def test_too_few_runs_are_no_verdict(fresh: Place) -> None:
    tell(fresh.folder / "runs", {KEY: around(1e-3)}, runs=range(5))
    assert fresh.assay("history").returncode == 0
    assert fresh.assay("history", "--gate").returncode == 4
    assert fresh.assay("history", "--gate", "--allow-inconclusive").returncode == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nothing-like-it",), ("SERIES", "nothing-like-it", "for example")),
        (("--since", "soon"), ("--since", "soon", "2026-11-24")),
        (("--metric", "tiem"), ("tiem", "assay show RUN")),
        (("--min-effect", "0"), ("--min-effect", "positive")),
        (("--level", "loud"), ("--level", "loud")),
        (("--store", "empty"), ("no runs", "ASSAY_STORE")),
    ],
)
def test_what_means_nothing_is_refused(stepped: Place, words: tuple[str, ...], said: tuple[str, ...]) -> None:
    assert_refused(stepped.assay("history", *words), *said)


def test_completion_knows_its_options_and_runs(stepped: Place) -> None:
    assert "--since" in stepped.assay("__complete", "history", "--s").stdout.split()
    assert run_id(0) in stepped.assay("__complete", "history", "--since", "2026").stdout.split()
