"""What is said of words that differ: place, pattern, bits."""

from __future__ import annotations

import numpy as np
import pytest

from assay.suites.numerics.gates.difference import bits_in_words, difference

CLEAN = np.random.default_rng(3).standard_normal((32, 40)).astype(np.float32)


def flipped(places: list[tuple[int, int]], mask: int = 1 << 22) -> np.ndarray:
    """Flip bits of some words."""
    made = CLEAN.copy()
    for place in places:
        made.view(np.uint32)[place] ^= np.uint32(mask)
    return made


def test_equal_words_are_silent() -> None:
    assert difference(CLEAN, CLEAN.copy()) is None


@pytest.mark.parametrize(
    ("places", "said"),
    [
        ([(3, c) for c in range(40)], "all in row 3"),
        ([(3, c) for c in range(2, 40, 4)], "all in row 3, every 4. column from 2 on"),
        ([(r, 7) for r in range(32)], "all in column 7"),
        ([(r, c) for r in range(32) for c in range(5, 40, 8)], "all in columns 5 modulo 8"),
        ([(r, c) for r in range(16, 32) for c in range(8, 16)], "all in the tile of rows 16-31, columns 8-15"),
        ([(0, 0), (31, 39), (4, 20)], "in 3 rows from 0 to 31 and 3 columns from 0 to 39"),
    ],
)
def test_the_pattern_of_places_is_named(places: list[tuple[int, int]], said: str) -> None:
    found = difference(flipped(places), CLEAN)
    assert found is not None
    assert found.where == "row {}, column {}".format(*min(places))
    assert said in found.told()
    assert "bit 22 in each" in found.told()
    assert sorted(zip(found.rows, found.columns, strict=True)) == sorted(places)


def test_one_word_alone_with_its_bits() -> None:
    found = difference(flipped([(2, 5)], (1 << 3) | (1 << 11) | (1 << 19)), CLEAN)
    assert found is not None
    assert found.told().startswith("row 2, column 5: 0x")
    assert "differs in bits 3, 11, 19; the only one of 1280 words" in found.told()


def test_nan_and_the_sign_of_zero_are_words_too() -> None:
    nan, zero = np.full((1, 1), np.nan, np.float32), np.zeros((1, 1), np.float32)
    assert difference(nan, zero) is not None
    assert difference(nan, nan.copy()) is None
    assert difference(-zero, zero) is not None
    assert difference(-zero, zero, any_zero=True) is None
    assert difference(nan, zero, any_zero=True) is not None


def test_many_bits_are_counted() -> None:
    assert bits_in_words(0xFF) == "8 bits from 0 to 7"
    assert bits_in_words(1 << 31) == "bit 31"
