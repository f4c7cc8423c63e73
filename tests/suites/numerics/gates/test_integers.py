"""Whole numbers that no published unit rounds: by brute force over orders, and on every preset; and codes by independent arithmetic."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from assay.suites.numerics.formats.format import FORMATS
from assay.suites.numerics.gates.codes import decoded, encoded, trial_inputs
from assay.suites.numerics.gates.freivalds import checked, wrong_rows
from assay.suites.numerics.gates.integers import exact, integers, range_of
from assay.suites.numerics.units.held import held
from assay.suites.numerics.units.presets import PRESETS, preset

PAIRS = [("e4m3", 13), ("e5m2", 13), ("e4m3fnuz", 23), ("e2m1", 23), ("e3m2", 13), ("fp16", 23), ("bf16", 23), ("tf32", 23), ("fp32", 23)]


@pytest.mark.parametrize(("name", "bits"), PAIRS)
@pytest.mark.parametrize("k", [1, 16, 300, 7168])
def test_the_sum_of_all_sizes_stays_under_the_limit(name: str, bits: int, k: int) -> None:
    of = FORMATS[name]
    span = range_of(of, of, k=k, fraction=23)
    left, right = integers(span, of, of, m=9, n=6, k=k, seed=k)
    held(left, of, where="A")  # refuses what the format does not hold
    held(right, of, where="B")
    whole = np.abs(left).astype(np.int64) @ np.abs(right).astype(np.int64)
    assert whole.max() <= span.limit == 2 ** (bits + 1) - 1
    # Reference in whole numbers, and float32 sums in any order, give the same.
    wanted = left.astype(np.int64) @ right.astype(np.int64)
    assert np.array_equal(exact(left, right), wanted.astype(np.float32))
    order = np.random.default_rng(1).permutation(k)
    terms = left[:, order, None] * right[None, order]
    assert np.array_equal(np.add.accumulate(terms, axis=1)[:, -1], wanted.astype(np.float32))


@pytest.mark.parametrize(("name", "k"), [("e4m3", 64), ("e4m3", 7168), ("e4m3", 16384), ("bf16", 7168), ("fp16", 512)])
def test_sums_reach_the_top_octave_in_every_row_and_column(name: str, k: int) -> None:
    """A dead lowest bit of the alignment shows there only."""
    of = FORMATS[name]
    span = range_of(of, of, k=k, fraction=23)
    left, right = integers(span, of, of, m=8, n=8, k=k, seed=0)
    top = np.abs(exact(left, right)) > span.limit // 2
    assert top.any(axis=0).all()
    assert top.any(axis=1).all()
    assert not top.all()


def test_a_narrow_result_narrows_the_numbers() -> None:
    of = FORMATS["bf16"]
    span = range_of(of, of, k=4096, fraction=7)
    assert span.limit == 255
    assert "results here keep 7" in span.why
    assert np.abs(exact(*integers(span, of, of, m=16, n=16, k=4096, seed=0))).max() <= 255


@pytest.mark.parametrize("name", [name for name in PRESETS if not PRESETS[name].options.get("scale")])
def test_no_published_unit_rounds_them(name: str) -> None:
    unit = preset(name)
    a, b = FORMATS[unit.a], FORMATS[unit.b]
    left, right = integers(range_of(a, b, k=288, fraction=23), a, b, m=12, n=10, k=288, seed=5)
    assert np.array_equal(unit.gemm(left, right), exact(left, right))


@pytest.mark.parametrize(("unit", "lost"), [("h100_fp8", "h100_fp8,bits=12"), ("a100_bf16", "a100_bf16,bits=22")])
def test_a_unit_of_one_bit_less_rounds_them(unit: str, lost: str) -> None:
    from assay.suites.numerics.probes.named import emulated

    less = emulated(lost, a="", b="", architecture="")
    of = FORMATS[preset(unit).a]
    left, right = integers(range_of(of, of, k=512, fraction=23), of, of, m=16, n=16, k=512, seed=2)
    assert not np.array_equal(less.gemm(left, right), exact(left, right))


def test_freivalds_finds_the_row_and_then_the_word() -> None:
    of = FORMATS["fp16"]
    span = range_of(of, of, k=64, fraction=23)
    left, right = integers(span, of, of, m=300, n=200, k=64, seed=1)
    got = exact(left, right)
    assert checked(got, left, right, limit=span.limit, seed=0) is None
    for row, column, bit in ((17, 3, 0), (299, 199, 31), (0, 0, 30)):
        wrong = got.copy()
        wrong.view(np.uint32)[row, column] ^= np.uint32(1 << bit)
        found = checked(wrong, left, right, limit=span.limit, seed=0)
        assert found is not None
        assert (found.where, found.xor, found.tested) == (f"row {row}, column {column}", (1 << bit,), got.size)


def test_freivalds_misses_one_row_in_256_at_most() -> None:
    """Worst case: two words of a row are off by opposite amounts, which a vector of equal signs there does not see."""
    of = FORMATS["e4m3"]
    span = range_of(of, of, k=32, fraction=23)
    left, right = integers(span, of, of, m=4, n=8, k=32, seed=1)
    wrong = exact(left, right)
    wrong[2, 3] += 1
    wrong[2, 6] -= 1
    missed = sum(2 not in wrong_rows(wrong, left, right, limit=span.limit, seed=seed) for seed in range(2000))
    assert missed <= 22  # 7.8 expected, and 22 is five standard deviations above


BYTES = [name for name, one in FORMATS.items() if one.library and one.bits <= 16]


@pytest.mark.parametrize("name", BYTES)
def test_codes_by_integer_arithmetic_are_those_of_ml_dtypes(name: str) -> None:
    of = FORMATS[name]
    kind = np.dtype(getattr(ml_dtypes, of.library))
    codes = np.arange(1 << of.bits, dtype="u1" if of.bits <= 8 else "u2")
    assert np.array_equal(decoded(of).astype(np.float32), codes.view(kind).astype(np.float32), equal_nan=True)
    given = trial_inputs(of, seed=0, count=4096)
    clamped = np.clip(given, -of.largest, of.largest).astype(np.float32)
    assert np.array_equal(encoded(given, of), clamped.astype(kind).view(codes.dtype).astype(np.uint16))


def test_every_tie_is_among_the_inputs() -> None:
    of = FORMATS["e5m2"]
    finite = decoded(of)[:128][np.isfinite(decoded(of)[:128])]
    ties = (finite[:-1] + finite[1:]) / 2
    assert set(ties.astype(np.float32)) <= set(trial_inputs(of, seed=0).tolist())
