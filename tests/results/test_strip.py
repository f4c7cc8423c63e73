"""A strip shows heights and where a series changed."""

from __future__ import annotations

import pytest

from assay.results.strip import ASCII, BLOCKS, strip


@pytest.mark.parametrize("heights", [ASCII, BLOCKS])
def test_low_is_low_and_high_is_high(heights: str) -> None:
    drawn = strip([1.0, 1.0, 5.0, 5.0, 3.0], [2, 4], heights=heights)
    assert drawn == f"{heights[0]}{heights[0]}|{heights[7]}{heights[7]}|{heights[4]}"


def test_many_values_are_thinned_by_medians() -> None:
    drawn = strip([float(i // 100) for i in range(800)], [400], width=8, heights=ASCII)
    assert drawn == f"{ASCII[:4]}|{ASCII[4:]}"
    spiked = [1.0] * 100 + [2.0] * 100
    spiked[50] = 1000.0
    assert strip(spiked, [100], width=20, heights=ASCII) == "_" * 10 + "|" + "#" * 10, "a hiccup flattens nothing"


def test_constants_are_drawn_in_the_middle_and_nothing_is_nothing() -> None:
    assert strip([2.0] * 4, [], heights=ASCII) == ASCII[4] * 4
    assert strip([3.0], [], heights=ASCII) == ASCII[4]
