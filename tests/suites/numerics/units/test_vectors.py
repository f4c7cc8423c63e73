"""Results of real hardware: every published row, and what a unit that is one bit off makes of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assay.harness.errors import RefusalError
from assay.suites.numerics.units import vectors
from assay.suites.numerics.units.options import changed
from assay.suites.numerics.units.presets import PRESETS, preset
from tests.suites.numerics.units.written import made

FILE = Path(__file__).parents[4] / ".." / "shared" / "data" / "tensor-core-vectors" / "vectors.npz"
hardware = pytest.mark.skipif(not FILE.exists(), reason="the published vectors are not beside this clone (../shared/data)")
# FP16 results are too coarse and the sums of FP8 in software too short for one alignment bit of many to show in each of these sets.
COARSE = ("fp16", "B200_e4m3.fp32", "B200_e5m2.fp32")


@hardware
def test_every_row_of_every_set_is_reproduced_by_its_unit() -> None:
    sets = vectors.read(FILE)
    assert sets
    counts: dict[str, dict[str, int]] = {}
    for one in sets:
        names = vectors.published_as(one.name)
        assert names, f"no preset stands for {one.name}"
        counts[one.name] = {name: vectors.mismatches(preset(name), one) for name in names}
    print(counts)  # noqa: T201 - to be read with pytest -rP
    assert {count for found in counts.values() for count in found.values()} == {0}


@hardware
def test_one_alignment_bit_more_or_less_is_seen() -> None:
    counts: dict[str, tuple[int, int, int]] = {}
    for one in vectors.read(FILE):
        unit = preset(vectors.published_as(one.name)[0])
        off = [vectors.mismatches(changed(unit, bits=unit.bits + by), one) for by in (-1, 1)]
        counts[one.name] = (len(one.d), *off)
    print("rows, mismatches with one bit less, one more:", counts)  # noqa: T201 - the same
    for name, (rows, less, more) in counts.items():
        if rows and not name.endswith(COARSE):
            assert less > 0, name
            assert more > 0, name


@hardware
def test_all_units_are_told_apart_where_their_arithmetic_differs() -> None:
    one = next(one for one in vectors.read(FILE) if one.name == "H100_e4m3.fp32")
    counts = vectors.against_presets(one)
    assert [name for name, count in counts.items() if count == 0] == ["h100_fp8"]


def test_a_file_is_read_and_a_wrong_word_counted(tmp_path: Path) -> None:
    path = made(tmp_path / "good.npz")
    (one,) = vectors.read(path)
    assert (one.name, one.form, one.out, one.d.tolist()) == ("Ada_e4m3.fp32", "e4m3", "fp32", [0x42C00000] * 2)  # 32 * 3 = 96
    assert vectors.mismatches(preset("ada_fp8"), one) == 0
    (one,) = vectors.read(made(tmp_path / "wrong.npz", d_fp32=np.array([0x42C00000, 0x42C00001], np.uint32)))
    assert vectors.mismatches(preset("ada_fp8"), one) == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"b": None}, "Ada_e4m3.b is missing"),
        ({"a": np.zeros((2, 32), np.float32)}, "Ada_e4m3.a must be uint32 with 2 axes"),
        ({"c": np.zeros((2, 1), np.uint32)}, "Ada_e4m3.c must be uint32 with 1 axes"),
        ({"a": np.zeros((2, 31), np.uint32)}, "must be [rows, K]"),
        ({"d_fp32": None}, "no set of vectors"),
        ({"a": np.array([object()], dtype=object)}, "not a file of vectors"),
    ],
)
def test_what_is_not_a_file_of_vectors_is_refused(change: dict[str, Any], words: str, tmp_path: Path) -> None:
    path = made(tmp_path / "bad.npz", **change)
    with pytest.raises(RefusalError, match=words.replace("[", r"\[").replace(".", r"\.")) as caught:
        vectors.read(path)
    assert caught.value.where == str(path)


def test_a_file_of_another_kind_and_one_that_is_not_there_are_refused(tmp_path: Path) -> None:
    (tmp_path / "text.npz").write_text("no archive")
    np.save(tmp_path / "one.npy", np.zeros(3))
    for name in ("text.npz", "absent.npz", "one.npy"):
        with pytest.raises(RefusalError, match="not a file of vectors"):
            vectors.read(tmp_path / name)


def test_every_preset_names_its_source_and_can_be_made() -> None:
    for name, known in PRESETS.items():
        assert known.source
        assert known.path
        assert preset(name).family == known.options["family"]
