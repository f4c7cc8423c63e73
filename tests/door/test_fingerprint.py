"""``assay fingerprint`` as a user meets it: emulated units, a changed unit, vectors, refusals."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.door.place import Place, assert_refused

SMALL = ("k=64", "budget.seconds=0.05", "budget.min_reps=3")
VECTORS = Path(__file__).parents[3] / "shared" / "data" / "tensor-core-vectors" / "vectors.npz"


def test_a_published_unit_conforms_and_its_card_is_stored_and_compared(place: Place) -> None:
    first = place.assay("fingerprint", "unit=emulated:h100_fp8", "expect=h100_fp8", *SMALL)
    assert first.returncode == 0, first.stdout + first.stderr
    assert "conforms to h100_fp8 (32 fused, 13 bits, truncated" in first.stdout
    assert "first card of this unit" in first.stdout
    second = place.assay("fingerprint", "unit=emulated:h100_fp8", "seed=1", *SMALL, "--json")  # what is expected is no part of the unit
    told = json.loads(second.stdout)
    assert told["cards"][0]["before"] == place.runs[0].name
    assert (told["schema"], told["changed"], told["exit_code"]) == ("assay.fingerprint/1", {}, 0)
    assert told["cards"][0]["card"]["bits"] == 13
    scores = {record["metric"]: record["value"] for record in place.show()["records"]}
    assert (scores["fused"], scores["bits"], scores["out_bits"], scores["deterministic"]) == (32, 13, 13, 1)


def test_a_unit_that_is_not_the_expected_one_is_a_1_that_says_why(place: Place) -> None:
    done = place.assay("fingerprint", "unit=emulated:h100_fp8", "unit.bits=12", "expect=h100_fp8", *SMALL)
    assert done.returncode == 1
    assert "bits is 12, published 13" in done.stdout


def test_a_rule_of_kind_equal_gates_a_number_of_the_card(place: Place) -> None:
    rule = "+rules.bits={kind: equal, suite: fingerprint, metric: bits, value: %d, unit: '1'}"
    assert place.assay("fingerprint", "unit=emulated:ada_fp8", *SMALL, rule % 13).returncode == 0
    assert place.assay("fingerprint", "unit=emulated:ada_fp8", *SMALL, rule % 25).returncode == 1


def test_a_unit_made_of_options(place: Place) -> None:
    done = place.assay("fingerprint", "unit=emulated", "unit.fused=8", "unit.bits=21", "unit.align=rz", "unit.promote=none", *SMALL)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "unknown unit: recorded (8 fused, 21 bits, truncated" in done.stdout


def test_what_cannot_be_is_refused_with_the_way_out(place: Place) -> None:
    assert_refused(place.assay("fingerprint", "unit=h100"), "emulated:NAME")
    assert_refused(place.assay("fingerprint", "unit=emulated", "unit.bits=99"), "from 1 to 45")
    assert_refused(place.assay("fingerprint", "unit.bits=13"), "unit=emulated")
    assert_refused(place.assay("fingerprint", "expect=h900"), "h100_fp8")
    assert_refused(place.assay("fingerprint", "--vectors", "nowhere.npz"), "no such file")


def test_published_vectors_name_the_units_that_give_them(place: Place) -> None:
    if not VECTORS.is_file():
        pytest.skip(f"no vectors beside this checkout ({VECTORS.name})")
    done = place.assay("fingerprint", "--vectors", str(VECTORS), "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    sets = json.loads(done.stdout)["sets"]
    assert [unit for unit, wrong in sets["H100_e4m3.fp32"].items() if not wrong] == ["h100_fp8"]


def test_vectors_of_no_unit_are_a_1_and_pickles_are_never_read(place: Place) -> None:
    rows = np.random.default_rng(0).integers(0, 2, (8, 16)).astype(np.float32).view(np.uint32)
    wrong = np.full(8, np.float32(0.3)).view(np.uint32)
    file = place.folder / "odd.npz"
    np.savez(file, **{"H100_e4m3.a": rows, "H100_e4m3.b": rows, "H100_e4m3.c": np.zeros(8, np.uint32), "H100_e4m3.d_fp32": wrong})
    done = place.assay("fingerprint", "--vectors", str(file))
    assert done.returncode == 1
    assert "8 rows wrong" in done.stdout
    np.savez(place.folder / "evil.npz", **{"H100_e4m3.a": np.array([{}], dtype=object)})
    evil = place.assay("fingerprint", "--vectors", str(place.folder / "evil.npz"))
    assert evil.returncode in {2, 3}
    assert "Traceback" not in evil.stdout + evil.stderr
