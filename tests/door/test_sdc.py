"""``assay run plan=sdc`` as a user meets it: healthy is 0, a fault is 1 with rank, row, column and bit; golden hashes from run to run."""

from __future__ import annotations

import json

import pytest

from tests.door.place import Place, assert_refused, case_of

HERE = ("site.nranks=1", "hardware.name=none", "~rules.gemm_small", "~rules.gemm_large")
# The whole plan, its shapes cut down.
CUT = (
    "plan=sdc",
    "budget.seconds=0.02",
    "budget.warmup_seconds=0.02",
    "suite.codec.axes.format=[e4m3,e2m1]",
    "suite.exact_gemm.axes.layer=[{layer: small, n: 96, k: 512}]",
    "suite.exact_gemm.axes.m=[1,32]",
    "suite.exact_gemm.axes.a=[fp32,bf16,tf32,{unit: 'emulated:h100_fp8', a: e4m3}]",
    "suite.metamorphic.axes.a=[fp32,{unit: 'emulated:mi300_fp8', a: e4m3fnuz}]",
    "suite.metamorphic.k=64",
    "suite.repeat.axes.a=[fp32,{unit: 'emulated:h100_fp8', a: e4m3}]",
    "suite.repeat.m=32",
    "suite.repeat.k=64",
    "suite.golden.axes.a=[fp32,{unit: 'emulated:h100_fp8', a: e4m3}]",
    "suite.golden.m=32",
    "suite.golden.k=256",
    "suite.abft.axes.a=[fp32,bf16]",
    "suite.abft.k=256",
    "suite.conformance.axes.a=[fp32]",
    "suite.conformance.side=16",
    "suite.fingerprint.axes.a=[fp32]",
    "suite.fp8_gemm.axes.layer=[{layer: small, n: 128, k: 256}]",
)
EXACT = ("suite=[exact_gemm]", *HERE, "suite.exact_gemm.axes.layer=[{layer: small, n: 96, k: 512}]", "suite.exact_gemm.axes.m=[32]")
EMULATED = "suite.exact_gemm.axes.a=[{unit: 'emulated:h100_fp8,fault=%s', a: e4m3}]"
GOLDEN = (
    "suite=[golden]",
    "hardware.name=none",
    "suite.golden.axes.a=[fp32]",
    "suite.golden.m=16",
    "suite.golden.n=16",
    "suite.golden.k=64",
)


def test_healthy_the_whole_plan_is_a_0_and_what_is_absent_says_why(place: Place) -> None:
    done = place.assay("run", *CUT, *HERE)
    assert done.returncode == 0, done.stdout + done.stderr
    document = place.show()
    assert {case["suite"] for case in document["cases"]} >= {
        "codec",
        "exact_gemm",
        "metamorphic",
        "repeat",
        "golden",
        "abft",
        "conformance",
    }
    absent = case_of(document, 'exact_gemm/1/cpu/barrier/a=tf32,b="",check=auto,fast=true,k=512,layer=small,m=32')
    assert (absent["status"], "TF32" in absent["reason"]) == ("not_applicable", True)
    assert "sum |ab| <= " in case_of(document, 'layer=small,m=32,n=96,seed=0,unit="emulated:h100_fp8"')["notes"]["numbers"]


def test_a_fault_of_an_emulated_unit_is_a_1_that_names_the_place(place: Place) -> None:
    done = place.assay("run", *EXACT, EMULATED % "output_bits_flipped,fault.row=3,fault.column=4,fault.bits=2+20")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "rank 0: emulated h100_fp8" in done.stdout
    assert "row 3, column 4" in done.stdout
    assert "differs in bits 2, 20; the only one of 3072 words" in done.stdout
    assert "fault=" in place.show()["cases"][0]["key"]  # every record of it is marked by its key


@pytest.mark.mpi
def test_on_two_ranks_the_wrong_one_is_named(place: Place) -> None:
    fault = ("inject.kind=flip_bits", "inject.rank=1", "inject.row=2", "inject.bits=[4,21]")
    words = tuple(word for word in EXACT if not word.startswith("site.nranks"))
    done = place.assay("run", *words, "site.nranks=2", "suite.exact_gemm.axes.a=[fp32]", *fault)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "rank 1: cpu: row 2, column 1" in done.stdout
    assert "bits 4, 21" in done.stdout
    document = place.show()
    assert case_of(document, "exact_gemm")["checked"]["rank"] == 1
    assert document["records"]
    assert all(record["inject"] for record in document["records"])  # marked


@pytest.mark.mpi
def test_hashes_of_three_ranks_name_the_one_that_differs(place: Place) -> None:
    fault = ("inject.kind=flip_bit", "inject.rank=1", "inject.row=3", "inject.column=4", "inject.bit=6")
    done = place.assay("run", *GOLDEN, "site.nranks=3", *fault)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "rank 1 of 3 ranks has another hash than the other 2" in done.stdout
    assert "row 3, column 4" in done.stdout
    assert "bit 6" in done.stdout
    assert case_of(place.show(), "golden")["checked"]["rank"] == 1


def test_a_golden_hash_is_held_against_the_last_run_of_the_same_key(place: Place) -> None:
    words = (*GOLDEN, "site.nranks=1")
    assert place.assay("run", *words).returncode == 0
    first = place.show()
    told = next(v["reason"] for v in first["verdicts"] if v["rule"] == "golden")
    assert told.startswith("first golden hash of its key")
    value = json.loads(first["cases"][0]["notes"]["golden"])[0]["hash"]
    (file,) = (place.runs[-1] / "measurements").glob("*-ranks.jsonl")
    file.write_text(file.read_text(encoding="utf-8").replace(value, "0" * 64), encoding="utf-8")
    changed = place.assay("run", *words)
    assert changed.returncode == 1, changed.stdout + changed.stderr
    assert f"golden hash {value[:12]}, in run {first['run']['id']} it was 000000000000: other bits of the same key" in changed.stdout


def test_what_cannot_be_is_refused(place: Place) -> None:
    assert_refused(place.assay("run", *EXACT, EMULATED % "gremlin"), "gremlin", "output_bit_flipped")
    assert_refused(place.assay("run", *EXACT, "suite.exact_gemm.unit=gpu"), "emulated:NAME")
    assert_refused(place.assay("run", *EXACT, "suite.exact_gemm.axes.m=[0]"), "must be positive")
    assert_refused(place.assay("run", "suite=[codec]", "suite.codec.axes.format=[fp32]", "site.nranks=1"), "too many codes")
