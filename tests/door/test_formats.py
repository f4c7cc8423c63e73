"""``assay formats`` as a user meets it: a distribution, a file, refusals, a planted error, history of its figures."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from assay.harness.door.completion import options
from assay.harness.door.formats import DISTRIBUTIONS, main
from assay.harness.errors import RefusalError
from assay.suites.numerics import distributions
from tests.door.place import Place, assert_refused

QUICK = ("budget.seconds=0.02", "budget.warmup_seconds=0.02", "budget.min_reps=3", "hardware.name=none")
SMALL = ("--distribution", "normal", "--elements", "32768", *QUICK)


def test_a_distribution_is_compared_told_and_stored(place: Place) -> None:
    done = place.assay("formats", *SMALL, "--formats", "logfmt8,e4m3", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert (told["schema"], told["order"]["broken"], told["failed"], told["exit_code"]) == ("assay.formats/1", [], [], 0)
    assert [one["format"] for one in told["formats"]] == ["logfmt8", "e4m3"]
    for one in told["formats"]:
        assert set(one["rates"]) == {"encode", "decode"}
        assert one["rates"]["encode"]["n"] >= 3
    records = place.show()["records"]
    errors = {record["key"].partition("format=")[2].partition(",")[0]: record for record in records if record["metric"] == "rel_rmse"}
    assert {name: record["value"] for name, record in errors.items()} == {
        one["format"]: one["scores"]["rel_rmse"] for one in told["formats"]
    }
    wire = next(record for record in records if record["metric"] == "wire_nbytes_per_element")
    assert (wire["unit"], wire["better"], wire["value"]) == ("B", "lower", 1.03125)
    assert next(record for record in records if record["metric"] == "bias")["better"] == "none"
    again = place.assay("formats", *SMALL, "--formats", "e4m3,e5m2")
    assert "published order of errors on normal data, e4m3 < e5m2: holds here" in again.stdout
    here = [record for record in place.show()["records"] if record["metric"] == "rel_rmse"]
    assert [record["value"] for record in here if record["key"] == errors["e4m3"]["key"]] == [errors["e4m3"]["value"]]


def test_a_file_with_rows_that_do_not_divide(place: Place) -> None:
    path = place.folder / "it's a tensor.npz"
    numbers = np.random.default_rng(2).standard_normal((40, 200)).astype(np.float16)
    np.savez(path, x=numbers, y=numbers[:1])
    done = place.assay("formats", str(path), "--key", "x", "--formats", "mxfp8", *QUICK)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "40x200 float16, each row padded with 56 zeros to 256" in done.stdout
    assert_refused(place.assay("formats", str(path)), "--key", "x, y")


def test_a_planted_error_is_a_1_that_names_the_place(place: Place) -> None:
    done = place.assay("formats", *SMALL, "--formats", "e4m3,e5m2", "inject.kind=flip_element", "inject.suite=formats", "inject.match=e4m3")
    assert done.returncode == 1, done.stdout + done.stderr
    for operation in ("encode", "decode"):
        assert f"e4m3 {operation} wrong: wrong answer: rank 0: 1 of 32768 numbers are wrong; first row" in done.stdout
    assert "e5m2 encode wrong" not in done.stdout


def test_files_that_hold_no_tensor_are_refused_with_the_way_out(place: Place) -> None:
    np.save(place.folder / "o.npy", np.array([{}], dtype=object), allow_pickle=True)
    np.save(place.folder / "n.npy", np.array([1.0, np.nan]))
    assert_refused(place.assay("formats", "o.npy"), "o.npy", "never unpickled")
    assert_refused(place.assay("formats", "n.npy"), "n.npy", "first at [1]", "nan_to_num")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("nowhere.npy",), "no such file"),
        ((), "--distribution"),
        (("pyproject.toml", "--distribution", "normal"), "one tensor or one distribution"),
        (("pyproject.toml", "--seed", "3"), "its own numbers"),
        (("--distribution", "cauchy"), "heavy_tails"),
        (("--distribution", "normal", "--key", "a"), "no names"),
        (("--distribution", "normal", "--elements", "1000"), "Take 4096"),
        (("--distribution", "normal", "--formats", "fp7"), "logfmt10"),
        (("--distribution", "normal", "--elements", "many"), "invalid int"),
    ],
)
def test_words_that_cannot_be_meant_are_refused(words: tuple[str, ...], expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])
    with pytest.raises(RefusalError) as refused:
        main(words)
    assert expected in str(refused.value)


def test_completion_and_help_know_it(place: Place) -> None:
    assert place.assay("__complete", "formats", "--distribution", "o").stdout.split() == ["outlier_channels"]
    assert {"--distribution", "--elements", "--formats", "--json", "--key", "--seed"} <= set(options("formats"))
    text = place.assay("formats", "--help").stdout
    assert all(word in text for word in ("TENSOR", *DISTRIBUTIONS, "logfmt10", "Exit codes"))


def test_the_door_offers_the_distributions_that_the_suite_draws() -> None:
    assert tuple(distributions.DISTRIBUTIONS) == DISTRIBUTIONS
