"""The suite of formats: every format right in both directions, a wrong number found where it is, scores as published."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assay.harness.errors import RefusalError
from assay.suites import formats as suite
from assay.suites.formats import formats, needs
from assay.suites.numerics.compared import CHOICES
from tests.fakes import context, run_once

SMALL = {"elements": 16384, "columns": 1024}
NEEDS: dict[str, Any] = {"format": "e4m3", "operation": "encode", "data": "normal", "key": "", "digest": "", "seed": 0, "nranks": 1}


@pytest.mark.parametrize("name", CHOICES)
def test_both_directions_are_right_and_a_planted_error_is_found(name: str) -> None:
    encode, decode = (formats(context(), format=name, operation=one, **SMALL) for one in ("encode", "decode"))
    for work in (encode, decode):
        answer = run_once(work)
        assert (answer.ok, answer.tested) == (True, 16384), answer.reason
        assert work.volume.memory_nbytes > 4 * 16384
        found = work.result()  # type: ignore[misc]
        found[5, 70] = found[5, 70] - 1 if "int" in str(found.dtype) else float(found[5, 70]) / 2 + 1
        wrong = work.check()
        assert (wrong.ok, wrong.where) == (False, "row 5, column 70")
        assert "1 of 16384 numbers are wrong" in wrong.reason
    assert not run_once(decode).scores
    assert run_once(encode).scores["wire_nbytes_per_element"] < 2.01


def test_a_step_that_does_nothing_is_found() -> None:
    from tests.fakes import poison

    for operation in ("encode", "decode"):
        work = formats(context(), format="e4m3", operation=operation, **SMALL)  # type: ignore[arg-type]
        poison(work.result())  # type: ignore[misc]
        assert not work.check().ok


def test_scores_on_normal_numbers_are_the_published_ones() -> None:
    # papers.md 1.8.3: relative error, bias, calc_diff; and the order of formats that it states.
    published = {
        "bf16": (1.66e-3, 1.4e-6),
        "logfmt10": (3.49e-3, 6.1e-6),
        "logfmt8": (1.41e-2, 1.0e-4),
        "e4m3": (2.57e-2, 3.3e-4),
        "e5m2": (5.13e-2, 1.3e-3),
    }
    biases = {"logfmt8": -2.0e-4, "e4m3": -6.2e-4, "e5m2": -2.5e-3}
    errors = []
    for name, (error, diff) in published.items():
        scores = run_once(formats(context(), format=name, elements=1 << 19, columns=4096)).scores
        assert scores["rel_rmse"] == pytest.approx(error, rel=0.02)
        assert scores["calc_diff"] == pytest.approx(diff, rel=0.05)
        if name in biases:
            assert scores["bias_low"] * 1.15 < biases[name] < scores["bias_high"] * 0.85
        errors.append(scores["rel_rmse"])
    assert errors == sorted(errors)


def test_a_file_is_padded_and_its_own_numbers_are_scored(tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    np.save(path, np.random.default_rng(0).standard_normal((6, 200)).astype(np.float32))
    work = formats(context(), format="e4m3", data=str(path))
    answer = run_once(work)
    assert answer.ok
    assert work.notes["data"] == "6x200 float32, each row padded with 56 zeros to 256"
    assert (work.notes["elements"], work.notes["numbers"]) == ("1200", "1536")
    assert answer.scores["wire_nbytes_per_element"] == pytest.approx((1536 + 4 * 12) / 1200)
    assert answer.scores["rel_rmse"] == pytest.approx(2.57e-2, rel=0.1)
    assert needs(**NEEDS | {"data": str(path)}, elements=1, columns=1).memory_nbytes >= 4 * 1200


def test_large_tensors_are_checked_in_evenly_spaced_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suite, "CHECKED", 4096)
    for operation in ("encode", "decode"):
        work = formats(context(), format="mxfp4", operation=operation, **SMALL)  # type: ignore[arg-type]
        assert run_once(work).tested == 4096
        work.result()[8, 3] = 100.0  # type: ignore[misc]
        assert work.check().where == "row 8, column 3"


def test_what_cannot_be_is_refused_before_anything_is_launched() -> None:
    for change, words in (
        ({"format": "fp7"}, "logfmt10"),
        ({"data": "cauchy"}, "heavy_tails"),
        ({"data": "nowhere.npy"}, "cannot be read"),
        ({"elements": 1000}, "Take 1024"),
        ({"columns": 100}, "Take 128"),
    ):
        with pytest.raises(RefusalError) as refused:
            needs(**{**NEEDS, **SMALL, **change})
        assert words in str(refused.value)
    assert needs(**NEEDS, **SMALL).seconds > 0
