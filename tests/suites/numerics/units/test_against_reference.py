"""The emulator against exact fractions, bit for bit: every family, every option, ordinary and adversarial operands."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.suites.numerics.units.presets import PRESETS, preset
from assay.suites.numerics.units.unit import Unit
from tests.suites.numerics.units import drawing, reference

UNITS = 8  # of each family and kind of operands
ROWS = 3


def compare(unit: Unit, seed: int, kind: str, k: int) -> None:
    """Hold one unit against the reference on rows of length ``k``; the sign of a zero is no part of the models."""
    draw = np.random.default_rng(seed)
    a, b = (drawing.values(name, (ROWS, k), kind, draw) for name in (unit.a, unit.b))
    sa, sb = (drawing.scales(unit, (ROWS, k), kind, draw) for _ in range(2))
    c = drawing.sums(unit, ROWS, kind, draw)
    got = unit.dot(a, b, c, a_scales=sa, b_scales=sb).view(np.uint32)
    wanted = reference.dots(unit, a, b, c, sa, sb)
    got, wanted = (np.where(words & 0x7FFFFFFF == 0, 0, words) for words in (got, wanted))
    assert got.tolist() == wanted.tolist(), unit


@pytest.mark.parametrize("kind", ["near", "wide", "special"])
@pytest.mark.parametrize("family", list(drawing.FAMILIES))
def test_random_units_equal_exact_fractions(family: str, kind: str) -> None:
    for seed in range(UNITS):
        draw = np.random.default_rng([seed, len(family), len(kind)])
        compare(drawing.unit(family, draw), seed, kind, int(draw.choice([1, 5, 32, 48])))


@pytest.mark.parametrize("kind", ["near", "wide", "special"])
@pytest.mark.parametrize("name", list(PRESETS))
def test_published_units_equal_exact_fractions(name: str, kind: str) -> None:
    compare(preset(name), seed=1, kind=kind, k=40)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    codes=st.lists(st.tuples(st.integers(0, 255), st.integers(0, 255)), min_size=1, max_size=40),
    c=st.floats(width=32),
    promote=st.sampled_from([None, 32]),
)
def test_any_codes_of_the_hopper_unit(codes: list[tuple[int, int]], c: float, promote: int | None) -> None:
    import ml_dtypes

    unit = preset("h100_fp8", promote=promote)
    a, b = (np.array([side], dtype=np.uint8).view(ml_dtypes.float8_e4m3fn).astype(np.float32) for side in zip(*codes, strict=True))
    got = unit.dot(a, b, np.array([c])).view(np.uint32)
    wanted = reference.dots(unit, a, b, [c])
    assert (got == wanted).all() or (got | wanted) & 0x7FFFFFFF == 0


def test_promotion_scales_are_fused_into_the_fp32_addition() -> None:
    draw = np.random.default_rng(5)
    a, b = (drawing.values("e4m3", (ROWS, 300), "near", draw) for _ in range(2))
    sa, sb = (draw.random((ROWS, 3)).astype(np.float32) for _ in range(2))
    unit = preset("h100_fp8", promote=128)
    got = unit.dot(a, b, a_scales=sa, b_scales=sb).view(np.uint32)
    assert got.tolist() == reference.dots(unit, a, b, np.zeros(ROWS), promotion=sa * sb).tolist()


def test_a_product_is_its_rows_times_its_columns_whatever_the_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    from assay.suites.numerics.units import product

    draw = np.random.default_rng(3)
    a, b = drawing.values("e4m3", (7, 70), "near", draw), drawing.values("e5m2", (70, 9), "near", draw)
    c = draw.standard_normal((7, 9)).astype(np.float32)
    for name in ("h100_fp8", "h100_fp8_mma", "b200_fp8"):
        unit = preset(name, b="e5m2")
        wanted = reference.dots(unit, np.repeat(a, 9, axis=0), np.tile(b.T, (7, 1)), c.ravel()).reshape(7, 9)
        for rows, columns in ((64, 256), (2, 4)):
            monkeypatch.setattr(product, "TILE_ROWS", rows)
            monkeypatch.setattr(product, "TILE_COLUMNS", columns)
            assert (unit.gemm(a, b, c).view(np.uint32) == wanted).all()


def test_block_scales_of_a_product() -> None:
    draw = np.random.default_rng(8)
    a, b = drawing.values("e2m1", (3, 128), "near", draw), drawing.values("e2m1", (128, 4), "near", draw)
    unit = preset("b200_nvf4")
    sa, sb = np.abs(drawing.values("e4m3", (3, 8), "wide", draw)), np.abs(drawing.values("e4m3", (8, 4), "wide", draw))
    got = unit.gemm(a, b, a_scales=sa, b_scales=sb).view(np.uint32)
    for row in range(3):
        wanted = reference.dots(unit, np.tile(a[row], (4, 1)), b.T, np.zeros(4), np.tile(sa[row], (4, 1)), sb.T)
        assert got[row].tolist() == wanted.tolist()
