"""The shipped tables come from their script: a small regeneration with another seed gives the same within chance."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from assay.results.cusum import table
from tests.calibration.critical_values import NEWEST_SIZES, SCAN_SIZES, SIZES, least, make, null


def test_a_small_regeneration_agrees() -> None:
    sizes, scan_sizes, newest_sizes = (10, 14, 20, 50, 100, 300), (30, 60), (20, 60, 400)
    made = make(sizes, scan_sizes, newest_sizes, permutations=40_000, seed=7)
    shipped = table()
    for alpha, tolerance in (("0.01", 0.012), ("0.001", 0.025)):
        for n, value in zip(sizes, made["critical"][alpha], strict=True):
            expected = shipped["critical"][alpha][shipped["n"].index(n)]
            assert (value is None) == (expected is None)
            assert value is None or value == pytest.approx(expected, rel=tolerance), (n, alpha)
    for n, value in zip(scan_sizes, made["scan"], strict=True):
        assert value == pytest.approx(shipped["scan"][shipped["scan_n"].index(n)], rel=0.025)
    for n, value in zip(newest_sizes, made["newest"], strict=True):
        assert value == pytest.approx(shipped["newest"][shipped["newest_n"].index(n)], rel=0.025)


def test_the_script_regenerates_the_shipped_rows_to_the_last_digit() -> None:
    shipped = table()
    made = make((6, 9, 14), (), (20,), permutations=shipped["permutations"], seed=shipped["seed"])
    for alpha, values in made["critical"].items():
        assert values == [shipped["critical"][alpha][shipped["n"].index(n)] for n in (6, 9, 14)]
    assert made["newest"] == shipped["newest"][:1]


def test_the_shipped_file_is_whole() -> None:
    data = json.loads((Path(__file__).parents[2] / "results" / "critical_values.json").read_text(encoding="utf-8"))
    assert (data["n"], data["scan_n"], data["newest_n"]) == (list(SIZES), list(SCAN_SIZES), list(NEWEST_SIZES))
    assert all(len(row) == len(SIZES) for row in data["critical"].values())
    assert (len(data["scan"]), len(data["newest"])) == (len(SCAN_SIZES), len(NEWEST_SIZES))


def test_least_of_discrete_draws() -> None:
    drawn = np.array([1.0] * 970 + [2.0] * 25 + [3.0] * 5)
    assert least(drawn, 0.03) == 2.0
    assert least(drawn, 0.01) == 3.0
    assert least(drawn, 0.001) is None


def test_other_seeds_draw_others() -> None:
    assert null(20, 100, 1).tolist() != null(20, 100, 2).tolist()
