"""Properties that the papers prove or describe, on emulated units."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from assay.suites.numerics.units.options import make
from assay.suites.numerics.units.presets import preset
from tests.suites.numerics.units import drawing

CANONICAL = 0x7FFFFFFF


def row(*values: float) -> np.ndarray:
    """One row of an operand."""
    return np.array([values], dtype=np.float32)


@pytest.mark.parametrize("name", ["v100_fp16", "a100_bf16", "h100_fp16", "h100_fp8", "b200_fp8"])
def test_block_error_stays_below_a_step_a_term_and_one_of_the_output(name: str) -> None:
    # |S - D| < n q_A + q_D, q_A = 2**(E - F), n terms that are not zero (tc-lean-mp, of arXiv 2512.07004).
    unit, draw = preset(name), np.random.default_rng(4)
    a, b = (drawing.values(unit.a, (40, unit.fused), "near", draw) for _ in range(2))
    c = drawing.values("bf16", (40,), "near", draw)
    fraction = int(unit.out.rpartition("m")[2]) if unit.out != "fp32" else 23
    least = {"fp16": -14, "bf16": -126, "e4m3": -6}[unit.a]
    for i, got in enumerate(unit.dot(a, b, c)):
        products = [(Fraction(x) * Fraction(y), exponent(x, least) + exponent(y, least)) for x, y in zip(a[i], b[i], strict=True) if x * y]
        terms = products + ([(Fraction(c[i]), exponent(c[i], -126))] if c[i] else [])
        top = max(e for _, e in terms)
        exact = sum((value for value, _ in terms), Fraction(0))
        output_step = Fraction(2) ** (exponent(float(got), -126) - fraction) if got else 0
        assert abs(exact - Fraction(float(got))) < len(terms) * Fraction(2) ** (top - unit.bits) + output_step


def exponent(x: float, least: int) -> int:
    """The exponent of a number that is not zero."""
    return max(int(np.frexp(x)[1]) - 1, least)


@pytest.mark.parametrize(("name", "first"), [("v100_fp16", 3), ("a100_fp16", 6), ("h100_fp16", 12)])
def test_a_smaller_c_gives_a_larger_result_from_the_published_number_of_products_on(name: str, first: int) -> None:
    # tc-lean-mp: c = 1 against c = 1 - 2**-24 with K products 2**-(24 + p), p = F - 23; exactly when K >= 3 * 2**p.
    extra = preset(name).bits - 23
    unit = preset(name, fused=16)  # as wide as the witness needs
    found = []
    for count in range(1, 17):
        a, b = row(*[2.0**-12] * count), row(*[2.0 ** -(12 + extra)] * count)
        more, less = (float(unit.dot(a, b, np.array([c], np.float32))[0]) for c in (1.0, 1 - 2.0**-24))
        if less > more:
            found.append(count)
    assert found == list(range(first, 17))


@pytest.mark.parametrize("align", ["rz", "rne", "rna", "rd", "ru"])
def test_symmetric_roundings_are_odd_and_directed_ones_are_not(align: str) -> None:
    draw = np.random.default_rng(2)
    a, b = (drawing.values("e4m3", (64, 128), "wide", draw) for _ in range(2))
    unit = make(fused=32, bits=13, align=align, out="e8m13")
    plus, minus = unit.dot(a, b), unit.dot(-a, b)
    assert (plus == -minus).all() == (align in {"rz", "rne", "rna"})


@pytest.mark.parametrize(("name", "symmetric"), [("h100_fp8", True), ("mi250_bf16", True), ("mi100_fp16", True), ("mi300_bf16", False)])
def test_cdna3_alone_among_the_published_is_not_odd(name: str, symmetric: bool) -> None:  # noqa: FBT001 - a parameter of the test
    unit, draw = preset(name), np.random.default_rng(3)
    a, b = (drawing.values(unit.a, (64, 64), "near", draw) for _ in range(2))
    c = draw.standard_normal(64).astype(np.float32)
    assert (unit.dot(a, b, c) == -unit.dot(-a, b, -c)).all() == symmetric


@pytest.mark.parametrize("size", [4, 32, 64])
def test_order_inside_a_block_changes_nothing_and_across_blocks_something(size: int) -> None:
    unit, draw = preset("h100_fp8"), np.random.default_rng(6)
    a, b = (drawing.values("e4m3", (64, 256), "wide", draw) for _ in range(2))
    shuffled = np.concatenate([start + draw.permutation(size) for start in range(0, 256, size)])
    same = (unit.dot(a, b) == unit.dot(a[:, shuffled], b[:, shuffled])).all()
    assert same == (size <= unit.fused)


@pytest.mark.parametrize("bits", [13, 21, 25])
def test_the_bit_probe_reads_the_alignment_bits(bits: int) -> None:
    # MMA-Sim's construction, with BF16's wide exponents: (M, -M, x) gives x while x is on the grid of M * M.
    unit = make(a="bf16", fused=16, bits=bits)
    kept = [e for e in range(1, 40) if unit.dot(row(128, -128, 2.0 ** (14 - e)), row(128, 128, 1))[0] == 2.0 ** (14 - e)]
    assert max(kept) == bits


def test_a_far_floor_still_rounds_down_what_is_negative() -> None:
    unit = make(fused=4, bits=10, align="rd", floor=120, out="fp32")
    assert unit.dot(row(-1.0, 1), row(1, 1))[0] == -(2.0**110)


def test_the_accumulator_of_hopper_fp8_forgets_below_13_bits_and_promotion_keeps_it() -> None:
    big = np.zeros((1, 256), np.float32)
    big[0, 0], big[0, 200] = 256, 0.5
    other = np.zeros((1, 256), np.float32)
    other[0, 0], other[0, 200] = 256, 0.25  # 2**16 and 2**-3: 19 octaves
    assert preset("h100_fp8").dot(big, other)[0] == 2.0**16
    assert preset("h100_fp8", promote=128).dot(big, other)[0] == 2.0**16 + 2.0**-3
    assert preset("b200_fp8").dot(big, other)[0] == 2.0**16 + 2.0**-3


def test_special_values() -> None:
    unit = preset("h100_bf16")
    inf, nan = float("inf"), float("nan")
    cases = [
        (row(nan, 1), row(1, 1), CANONICAL),
        (row(inf, 1), row(0, 1), CANONICAL),
        (row(inf, inf), row(1, -1), CANONICAL),
        (row(inf, 1), row(-1, 1), 0xFF800000),
    ]
    for a, b, word in cases:
        assert unit.dot(a, b).view(np.uint32)[0] == word
    # 2**127 * 2 - 2**127 * 2 + 1: NVIDIA's sum is finite and truncates the 1; CDNA3's products are infinite first (numerics of both papers).
    a, b = row(2.0**127, -(2.0**127), 1), row(2, 2, 1)
    assert unit.dot(a, b).view(np.uint32)[0] == 0
    assert np.isnan(preset("mi300_bf16").dot(a, b)[0])


def test_subnormal_operands_are_kept_by_nvidia_and_flushed_by_cdna2_and_amx() -> None:
    tiny = row(2.0**-130)
    assert preset("a100_bf16").dot(tiny, row(16))[0] == 2.0**-126
    assert preset("h100_fp8").dot(row(2.0**-9), row(16))[0] == 2.0**-5
    for name in ("mi250_bf16", "amx_bf16"):
        assert preset(name).dot(tiny, row(16))[0] == 0


def test_exact_integers_are_the_same_on_every_unit() -> None:
    # Entries -2..2 with sum |a b| < 2**14: every partial sum is a whole number that 13 fraction bits hold.
    draw = np.random.default_rng(9)
    a, b = draw.integers(-2, 3, (8, 512)), draw.integers(-2, 3, (512, 8))
    for name in (
        "v100_fp16",
        "a100_bf16",
        "ada_fp8",
        "h100_fp8",
        "h100_fp8_mma",
        "b200_fp8",
        "mi100_fp16",
        "mi250_fp16",
        "mi300_fp8",
        "amx_bf16",
    ):
        assert (preset(name).gemm(a, b) == a @ b).all(), name
