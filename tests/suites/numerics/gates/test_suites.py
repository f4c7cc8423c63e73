"""Every gate as a suite: silent on healthy units, and a planted fault is found and its place named; black boxes that misbehave are named."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assay.harness.errors import NotApplicableError, RefusalError
from assay.harness.inject import plant
from assay.harness.work import Answer, Context, Work
from assay.suites.abft import abft
from assay.suites.codec import codec
from assay.suites.conformance import conformance
from assay.suites.exact_gemm import exact_gemm
from assay.suites.golden import golden
from assay.suites.metamorphic import metamorphic
from assay.suites.numerics.formats.format import FORMATS
from assay.suites.numerics.gates import key, subject
from assay.suites.numerics.gates.golden import digest, figure, vote
from assay.suites.numerics.gates.subject import check_unit
from assay.suites.numerics.probes.box import BlackBoxError
from assay.suites.numerics.probes.named import Opened, opened
from assay.suites.numerics.units.presets import PRESETS, preset
from assay.suites.repeat import repeat
from tests.fakes import context, on_ranks, run_once

SHAPE = {"m": 24, "n": 40, "k": 96}
PRODUCTS: dict[str, Callable[..., Work]] = {
    "exact_gemm": exact_gemm,
    "metamorphic": metamorphic,
    "repeat": repeat,
    "golden": golden,
    "abft": abft,
}


@pytest.mark.parametrize("unit", ["torch", *(f"emulated:{name}" for name in PRESETS), "emulated:fused=8,bits=14,align=rd,promote=32"])
@pytest.mark.parametrize("gate", PRODUCTS)
def test_healthy_units_are_silent(gate: str, unit: str) -> None:
    answer = run_once(PRODUCTS[gate](context(), unit=unit, **SHAPE))
    assert answer.ok, answer.reason
    assert answer.tested > 0


@pytest.mark.parametrize("a", ["fp32", "fp16", "bf16"])
@pytest.mark.parametrize("gate", PRODUCTS)
def test_this_processor_is_silent_in_every_format(gate: str, a: str) -> None:
    answer = run_once(PRODUCTS[gate](context(), a=a, **(SHAPE | {"m": 31, "n": 45, "k": 300})))
    assert answer.ok, answer.reason


@pytest.mark.parametrize("a", ["fp32", "fp16", "bf16"])
def test_this_processor_conforms(a: str) -> None:
    made = conformance(context(), a=a, k=32, side=16)
    assert run_once(made).ok
    assert made.notes["held against"]


def test_formats_that_no_cpu_has_are_not_applicable() -> None:
    with pytest.raises(NotApplicableError, match="TF32"):
        exact_gemm(context(), a="tf32", **SHAPE)


def fault(name: str, **options: Any) -> str:
    """Write a unit with a fault."""
    return ",".join([f"emulated:h100_fp8,fault={name}", *(f"fault.{key}={value}" for key, value in options.items())])


PLACED = {"row": 5, "column": 9}


@pytest.mark.parametrize(
    ("name", "options", "where", "words"),
    [
        ("k_dropped_one_output", PLACED, "row 5, column 9", ("the only one",)),
        ("output_bit_flipped", PLACED | {"bit": 17}, "row 5, column 9", ("bit 17;",)),
        ("output_bits_flipped", PLACED | {"bits": "3+11+19"}, "row 5, column 9", ("bits 3, 11, 19",)),
        ("output_bit_flipped_strided", PLACED | {"bit": 30}, "row 5, column 1", ("all in row 5, every 4. column from 1", "bit 30 in each")),
        ("output_lane_stuck", {"lane": 3, "bit": 12, "lanes": 8}, "row ", ("all in columns 3 modulo 8", "bit 12 in each")),
        ("wrong_tile", {"row": 16, "column": 8, "every": 1}, "row 16, column 8", ("tile of rows 16-23, columns 8-15",)),
        ("alignment_bit_dead_one_column", {"column": 7}, "row ", ("all in column 7",)),
        ("operand_lsb_stuck", {"lane": 1}, "row 0, column 0", ("tile of rows 0-23, columns 0-39",)),
        ("k_dropped", {"k": 11}, "row 0", ()),
    ],
)
def test_exact_integers_find_and_name_planted_faults(name: str, options: dict[str, Any], where: str, words: tuple[str, ...]) -> None:
    for check in ("full", "freivalds"):
        answer = run_once(exact_gemm(context(), unit=fault(name, **options), check=check, **SHAPE))  # type: ignore[arg-type]
        assert not answer.ok
        assert answer.where.startswith(where), answer.where
        for said in words:
            assert said in answer.reason, answer.reason


@pytest.mark.parametrize("bit", [0, 12, 22, 30, 31])
def test_a_bit_that_is_always_flipped_in_one_output_shows_where_outputs_move(bit: int) -> None:
    answer = run_once(metamorphic(context(), unit=fault("output_bit_flipped", bit=bit, **PLACED), m=32, n=32, k=64))
    assert not answer.ok
    assert answer.where == "row 5, column 9", answer.reason
    assert f"bit {bit}:" in answer.reason


def test_metamorphic_names_the_column_and_the_relation() -> None:
    answer = run_once(metamorphic(context(), unit=fault("alignment_bit_dead_one_column", column=6), m=32, n=32, k=256))
    assert not answer.ok
    assert answer.where.endswith("column 6"), answer.reason
    assert "columns permuted" in answer.reason


def test_repeat_sees_one_wrong_call_in_eight_and_says_which() -> None:
    made = repeat(context(), unit=fault("wrong_tile", row=16, column=8, every=8), times=16, **SHAPE)
    answer = run_once(made)
    assert not answer.ok
    assert "corruption: 2 of 16 products differ from the first, product 7 first" in answer.reason  # the first product was call 1
    assert answer.where == "row 16, column 8"


def test_repeat_cannot_see_what_is_always_wrong() -> None:
    assert run_once(repeat(context(), unit=fault("output_bit_flipped", **PLACED), **SHAPE)).ok


@pytest.mark.parametrize(("promised", "word"), [(0, "non-deterministic kernel"), (1, "corruption: ")])
def test_a_real_kernel_of_two_answers_is_non_deterministic_unless_it_promised(
    promised: int, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = iter(range(100))
    boxed(monkeypatch, lambda a, b: (a @ b) + np.float32(next(calls) == 3), real=True)
    answer = run_once(repeat(context(), deterministic=bool(promised), times=6, **SHAPE))
    assert not answer.ok
    assert word in answer.reason


@pytest.mark.parametrize("bit", [24, 26, 29])
def test_sums_name_row_and_column_of_a_large_fault(bit: int) -> None:
    answer = run_once(abft(context(), unit=fault("output_bit_flipped", bit=bit, **PLACED), **SHAPE))
    healthy = run_once(abft(context(), unit="emulated:h100_fp8", **SHAPE))
    assert healthy.scores["sum"] < 0.1
    if bit == 29:
        assert answer.where == "row 5, column 9", answer.reason


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_sums_that_are_no_numbers_are_wrong(value: float) -> None:
    made = abft(context(), unit="emulated:h100_fp8", **SHAPE)
    made.step()
    made.result()[3, 4] = value  # type: ignore[misc]
    assert made.check().where == "row 3, column 4"


@pytest.mark.parametrize("unit", ["h100_fp8", "ada_fp8", "a100_bf16", "mi300_fp16", "h100_fp8,promote=64"])
def test_conformance_finds_the_model_and_one_wrong_bit(unit: str) -> None:
    made = conformance(context(), unit=f"emulated:{unit}", k=128, side=16)
    assert "the model of its card" in made.notes["held against"]
    assert run_once(made).ok
    made.result().view(np.uint32)[3, 7] ^= np.uint32(1 << 11)  # type: ignore[misc]
    found = made.check()
    assert not found.ok
    assert found.where == "row 3, column 7"
    assert "bit 11" in found.reason


def test_conformance_without_a_model_keeps_to_the_bound() -> None:
    made = conformance(context(), unit="emulated:fused=8,bits=20,align=ra,order=strided,period=16", k=64, side=16)
    assert "no model has its card" in made.notes["held against"]
    assert run_once(made).ok
    made.result()[2, 3] += 100 * np.abs(made.result()).max()  # type: ignore[misc]
    assert made.check().where == "row 2, column 3"


@pytest.mark.parametrize("impl", ["library", "torch"])
@pytest.mark.parametrize("name", ["e4m3", "e5m2", "e4m3fnuz", "e5m2fnuz"])
def test_codecs_are_silent_and_one_wrong_code_is_named(name: str, impl: Any) -> None:
    made = codec(context(), format=name, impl=impl)
    assert run_once(made).ok
    made.result()[100, 7] ^= 1  # type: ignore[misc]
    answer = made.check()
    assert not answer.ok
    assert answer.where == "row 100, column 7"
    assert f"to {name}" in answer.reason


def test_a_codec_of_another_bias_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A code of E4M3 read as FNUZ is half the value: the vendor mix that G1 is there for."""
    from assay.suites.numerics.formats import codec as own

    real = own.decode
    monkeypatch.setattr(own, "decode", lambda codes, of: real(codes, FORMATS["e4m3fnuz"]) if of.name == "e4m3" else real(codes, of))
    answer = run_once(codec(context()))
    assert not answer.ok
    assert "decoding e4m3" in answer.reason


# Ranks


def hashes_of(ranks: int, spoilt: int | None) -> list[Answer]:
    """Run the golden product on some ranks, with a bit flipped on one."""

    def act(ctx: Context) -> Answer:
        made = plant(
            golden(ctx, a="fp32", **SHAPE), {"kind": "flip_bit", "bit": 9, "after": 1, "rank": spoilt or 0}, rank=ctx.rank, size=ranks
        )
        healthy = golden(ctx, a="fp32", **SHAPE)
        return run_once(healthy if spoilt is None else made)

    return on_ranks(ranks, act)


def test_equal_hashes_are_silent_on_any_number_of_ranks() -> None:
    for ranks in (1, 2, 3):
        found = hashes_of(ranks, None)
        assert all(one.ok for one in found)
        assert len({one.scores["golden"] for one in found}) == 1


def test_a_minority_is_named_with_its_position() -> None:
    found = hashes_of(3, 2)
    assert [one.ok for one in found] == [True, True, False]
    assert "rank 2 of 3 ranks has another hash than the other 2" in found[2].reason
    assert found[2].where == "row 1, column 1"
    assert "bit 9" in found[2].reason


def test_two_ranks_that_differ_cannot_tell_which() -> None:
    found = hashes_of(2, 1)
    assert [one.ok for one in found] == [False, False]
    assert all("cannot be told" in one.reason and one.where == "row 1, column 1" for one in found)


def test_only_equal_keys_vote() -> None:
    assert vote(["x", "y"], ["1", "2"], 0).ok
    assert vote(["x", "y", "x", "x"], ["1", "9", "1", "2"], 1).ok
    assert not vote(["x", "y", "x", "x"], ["1", "9", "1", "2"], 3).ok
    assert vote(["x", "y", "x", "x"], ["1", "9", "1", "2"], 0).ok
    assert not vote(["x"] * 4, ["1", "1", "2", "2"], 0).ok


def test_the_key_holds_what_bits_depend_on() -> None:
    made = golden(context(), a="fp32", **SHAPE)
    run_once(made)
    (row,) = json.loads(made.notes["golden"])
    assert {"architecture", "isa", "library", "threads", "operands", "unit", "formats"} <= set(row["key"])
    assert row["hash"] == digest(made.result().numpy())  # type: ignore[misc]
    assert figure(row["hash"]) == int(row["hash"][:13], 16) < 2**53
    emulated = golden(context(), unit="emulated:h100_fp8", **SHAPE)
    assert set(json.loads(emulated.notes["golden_key"])) == {"unit", "formats", "operands"}


# Faults of the harness


@pytest.mark.parametrize("gate", ["exact_gemm", "repeat"])
@pytest.mark.parametrize(
    "kind", ["flip_bit", "flip_bits", "flip_strided", "stuck_lane", "zero_lane", "wrong_tile", "scale_row", "swap_rows"]
)
def test_faults_of_the_harness_are_found_on_real_and_emulated_units(gate: str, kind: str) -> None:
    for unit in ("torch", "emulated:h100_fp8"):
        made = PRODUCTS[gate](context(), unit=unit, **SHAPE)
        assert run_once(plant(made, {"kind": kind, "after": 2, "row": 4, "bit": 12}, rank=0, size=1)).ok  # not yet
        answer = run_once(plant(made, {"kind": kind, "after": 1, "row": 4, "bit": 12}, rank=0, size=1))
        assert not answer.ok
        rows = {"stuck_lane": "row ", "zero_lane": "row ", "wrong_tile": "row 0"}
        assert answer.where.startswith(rows.get(kind, "row 4")), answer.reason


def test_a_step_that_does_nothing_is_found() -> None:
    for make in PRODUCTS.values():
        made = make(context(), unit="emulated:h100_fp8", **SHAPE)
        assert not run_once(dataclasses.replace(made, step=lambda: None)).ok


# Black boxes


def boxed(monkeypatch: pytest.MonkeyPatch, gemm: Callable[[Any, Any], Any], *, real: bool = False) -> None:
    """Put a black box in place of the unit that is opened."""
    sound = opened(preset("a100_bf16"), "a100_bf16")
    bind = lambda left, right: lambda: gemm(left, right)  # noqa: E731
    box = dataclasses.replace(sound, gemm=gemm, bind=bind, unit=None if real else sound.unit)

    def give(*_: Any, **__: Any) -> Opened:
        return box

    monkeypatch.setattr(subject, "open_unit", give)


def misbehaving() -> Iterator[tuple[Callable[[Any, Any], Any], str]]:
    """Give black boxes that do not do what a product does, and what must be said of each."""

    def raising(_: Any, __: Any) -> Any:
        message = "out of order"
        raise ValueError(message)

    yield (lambda a, b: (a @ b)[:-1]), "wanted float32"
    yield (lambda a, b: (a @ b).astype(np.float64)), "gave float64"
    yield (lambda a, b: (a @ b).T.copy()), "wanted float32"
    yield (lambda _, __: "nothing"), "gave str"
    yield raising, "raised ValueError: out of order"


@pytest.mark.parametrize("gate", PRODUCTS)
def test_black_boxes_that_misbehave_are_named(gate: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for box, said in misbehaving():
        boxed(monkeypatch, box)
        with pytest.raises(BlackBoxError, match=said):
            run_once(PRODUCTS[gate](context(), **SHAPE))


@pytest.mark.parametrize(
    ("unit", "said"),
    [
        ("gpu", "emulated:NAME"),
        ("emulated:h900", "h100_fp8"),
        ("emulated:h100_fp8,fault=gremlin", "output_bit_flipped"),
        ("emulated:h100_fp8,fault.row=3", "no fault is named"),
        ("emulated:h100_fp8,fault=k_dropped,fault.k=x", "fault.every"),
        ("emulated:h100_fp8,fault=k_dropped,fault.colour=3", "Options"),
        ("emulated:h100_fp8,fault=promotion_missing", "promote"),
    ],
)
def test_units_and_faults_that_cannot_be_are_refused(unit: str, said: str) -> None:
    with pytest.raises(RefusalError) as refused:
        check_unit(unit, a="", b="")
    assert said in str(refused.value)


def test_a_product_of_a_scaled_unit_takes_scales_of_one() -> None:
    left, right = np.eye(64, dtype=np.float32), np.full((64, 64), 2, dtype=np.float32)
    assert np.array_equal(opened(preset("b200_mxf4"), "").gemm(left, right), right)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar  5", "550.54.15"),
        ("NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.124.06  Release Build", "570.124.06"),
        ("something else", ""),
    ],
)
def test_the_driver_is_read_as_both_of_its_forms_write_it(text: str, version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = key.lines
    (tmp_path / "version").write_text(text, encoding="utf-8")
    monkeypatch.setattr(key, "lines", lambda _, wanted: real(str(tmp_path / "version"), wanted))
    assert key.driver() == version
