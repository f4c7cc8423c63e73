"""Planted faults: found where they were planted, silent where none is, the same every time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from assay.harness.errors import RefusalError
from assay.suites.numerics.units.breaking import stuck_operand
from assay.suites.numerics.units.faults import NAMED, Fault, FaultyUnit, named, planted
from assay.suites.numerics.units.presets import preset
from tests.suites.numerics.units import drawing

UNIT = preset("h100_fp8", promote=128)
M, N, K = 40, 48, 512


def operands(seed: int = 0) -> tuple[Any, Any]:
    """E4M3 data with a wide range, subnormal numbers among it."""
    draw = np.random.default_rng(seed)
    return drawing.values("e4m3", (M, K), "wide", draw), drawing.values("e4m3", (K, N), "wide", draw)


def differing(got: Any, healthy: Any) -> set[tuple[int, int]]:
    """Outputs whose words differ."""
    return {(int(row), int(column)) for row, column in np.argwhere(got.view(np.uint32) != healthy.view(np.uint32))}


@pytest.mark.parametrize("name", list(NAMED))
def test_each_fault_changes_outputs_inside_its_region_only_and_says_which(name: str) -> None:
    a, b = operands()
    healthy = UNIT.gemm(a, b)
    faulty = planted(UNIT, name, every=1, seed=7)
    hit = differing(faulty.gemm(a, b), healthy)
    (report,) = faulty.reports
    assert hit
    assert hit == set(report.changed)
    assert hit <= {(row, column) for row in report.rows for column in report.columns}
    assert report.what
    again = planted(UNIT, name, every=1, seed=7)
    assert differing(again.gemm(a, b), healthy) == hit
    assert again.reports == faulty.reports


def test_a_unit_without_fault_is_silent() -> None:
    a, b = operands()
    assert differing(UNIT.gemm(a, b), UNIT.gemm(a, b)) == set()


@pytest.mark.parametrize(
    ("name", "position", "rows", "columns"),
    [
        ("promotion_missing_one_output", {"row": 3, "column": 4}, [3], [4]),
        ("alignment_bit_dead_one_column", {"column": 9}, range(M), [9]),
        ("k_dropped_one_output", {"row": 39, "column": 47, "k": 100}, [39], [47]),
        ("output_bit_flipped", {"row": 1, "column": 2, "bit": 20}, [1], [2]),
        ("output_bit_flipped_strided", {"row": 5, "column": 2, "stride": 8}, [5], range(2, N, 8)),
        ("output_lane_stuck", {"lane": 6, "lanes": 16}, range(M), range(6, N, 16)),
        ("wrong_tile", {"row": 16, "column": 8, "every": 1}, range(16, 32), range(8, 16)),
    ],
)
def test_positions_are_taken_as_given(name: str, position: dict[str, int], rows: Any, columns: Any) -> None:
    a, b = operands()
    faulty = planted(UNIT, name, **position)
    faulty.gemm(a, b)
    report = faulty.reports[0]
    assert (list(report.rows), list(report.columns)) == (list(rows), list(columns))
    for key, value in position.items():
        assert getattr(report.fault, key) == value
        if key in {"row", "column", "k", "bit", "lane"} and name != "output_bit_flipped_strided":
            assert str(value) in report.what


def test_flipped_bits_are_exactly_those_named() -> None:
    a, b = operands()
    healthy = UNIT.gemm(a, b)
    got = planted(UNIT, "output_bits_flipped", row=2, column=3, bits=(0, 17, 31)).gemm(a, b)
    assert int(got.view(np.uint32)[2, 3] ^ healthy.view(np.uint32)[2, 3]) == 1 | 1 << 17 | 1 << 31


def test_one_call_in_n_is_wrong() -> None:
    a, b = operands()
    faulty = planted(UNIT, "wrong_tile", every=3)
    healthy = UNIT.gemm(a, b)
    wrong = [bool(differing(faulty.gemm(a, b), healthy)) for _ in range(7)]
    assert wrong == [False, False, True, False, False, True, False]
    assert [report.call for report in faulty.reports] == [3, 6]


def test_dropping_k_is_the_product_without_it() -> None:
    a, b = operands()
    without = a.copy()
    without[:, 77] = 0
    assert (planted(UNIT, "k_dropped", k=77).gemm(a, b) == UNIT.gemm(without, b)).all()


@pytest.mark.parametrize("bit", [0, 1, 4])
def test_a_dead_alignment_bit_clears_that_bit_of_every_term(bit: int) -> None:
    # One term of 2**14 sets the grid to steps of 2; a small one of all ones loses the dead bit and nothing else.
    small = 62.0  # 31 steps: 11111
    faulty = FaultyUnit(preset("h100_bf16", bits=13), Fault("alignment_bit_dead", bit=bit))
    got = faulty.gemm(np.array([[128, -128, small]], np.float32), np.array([[128], [128], [1]], np.float32))
    assert got[0, 0] == small - 2.0 ** (bit + 1)


def test_the_lowest_bit_dead_is_the_unit_with_one_bit_less() -> None:
    a, b = operands()
    one_less = preset("h100_fp8", bits=12, promote=128)
    assert (planted(UNIT, "alignment_bit_dead", bit=0).gemm(a, b) == one_less.gemm(a, b)).all()


def test_a_stuck_operand_bit_sets_the_last_bit_of_the_code_in_its_lane_only() -> None:
    import ml_dtypes

    codes = np.arange(256, dtype=np.uint8)
    values = codes.view(ml_dtypes.float8_e4m3fn).astype(np.float32)
    finite = np.isfinite(values)
    for stuck, wanted in ((1, codes | 1), (0, codes & 0xFE)):
        expected = wanted.view(ml_dtypes.float8_e4m3fn).astype(np.float32)
        got = stuck_operand(values, "e4m3", 1, stuck)
        assert np.array_equal(got[finite], expected[finite], equal_nan=True)  # 448 is 0x7E: with its last bit stuck it is NaN
    a, b = operands()
    lane = planted(UNIT, "operand_lsb_stuck", lane=5)
    changed = a.copy()
    changed[:, 5::32] = stuck_operand(a[:, 5::32].astype(np.float32), "e4m3", 1, 1)
    assert np.array_equal(lane.gemm(a, b).view(np.uint32), UNIT.gemm(changed, b).view(np.uint32))


def test_dot_products_are_the_diagonal_of_one_product() -> None:
    a, b = operands()
    faulty = planted(UNIT, "output_bit_flipped", row=4, column=4)
    rows = b.T[:40]
    assert differing(faulty.dot(a, rows)[:, None], UNIT.dot(a, rows)[:, None]) == {(4, 0)}


def test_what_cannot_be_planted_is_refused() -> None:
    with pytest.raises(RefusalError, match="no promotion that could be missing"):
        planted(preset("h100_fp8"), "promotion_missing")
    with pytest.raises(RefusalError, match=r"no such fault.*'melted'.*k_dropped"):
        named("melted")
    with pytest.raises(RefusalError, match=r"no such option of a fault.*'rwo'"):
        named("k_dropped", rwo=1)
    with pytest.raises(RefusalError, match=r"fault.where.*'corner'.*tile"):
        named("k_dropped", where="corner")
    a, b = operands()
    with pytest.raises(RefusalError, match="outside the product of 40 x 48"):
        planted(UNIT, "output_bit_flipped", row=40, column=0).gemm(a, b)
