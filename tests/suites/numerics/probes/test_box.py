"""A black box that misbehaves is named for what it does, and no fingerprint is read from it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from assay.suites.numerics.formats.format import FORMATS
from assay.suites.numerics.probes.box import BlackBoxError, Box
from assay.suites.numerics.probes.card import fingerprint
from assay.suites.numerics.probes.tree import find_order

E4M3, BF16 = FORMATS["e4m3"], FORMATS["bf16"]


def honest(left: Any, right: Any) -> Any:
    """Multiply in float64 and round once."""
    return (left.astype(np.float64) @ right.astype(np.float64)).astype(np.float32)


@pytest.mark.parametrize(
    ("gemm", "said"),
    [
        (lambda left, right: honest(left, right)[:-1], "wanted float32"),
        (lambda left, right: honest(left, right).astype(np.float64), "gave float64"),
        (lambda *_: 1 / 0, "raised ZeroDivisionError"),
        (lambda *_: None, "gave object"),
    ],
)
def test_wrong_shape_wrong_type_and_an_exception_are_named(gemm: Any, said: str) -> None:
    with pytest.raises(BlackBoxError, match=said):
        fingerprint(Box(gemm, E4M3, E4M3, k=16, side=8))


def test_a_box_that_gives_two_answers_is_told_so_and_probed_no_further() -> None:
    calls = []

    def wavering(left: Any, right: Any) -> Any:
        calls.append(1)
        return honest(left, right) * np.float32(1 + len(calls) % 2)

    card = fingerprint(Box(wavering, E4M3, E4M3, k=16, side=8))
    assert (card.deterministic, card.kind, card.bits) == (False, None, None)
    assert "different bits" in card.reasons["kind"]


def test_results_too_narrow_to_count_in_are_undetermined_not_misread() -> None:
    def half(left: Any, right: Any) -> Any:
        return honest(left, right).astype(np.float16).astype(np.float32)

    order = find_order(Box(half, FORMATS["fp16"], FORMATS["fp16"], k=32, side=8))
    assert order.tree is None
    assert "nothing can be counted" in order.reason


def test_an_exact_sum_has_no_order() -> None:
    order = find_order(Box(honest, E4M3, E4M3, k=32, side=8))
    assert order.tree is None
    assert not order.exact


def test_powers_are_made_of_numbers_of_the_formats() -> None:
    for a, b in ((E4M3, E4M3), (E4M3, FORMATS["e5m2"]), (FORMATS["e2m1"], BF16), (FORMATS["fp16"], FORMATS["fp16"])):
        box = Box(honest, a, b)
        made = 0
        for exponent in range(box.lowest, box.highest + 1):
            for factor in (1.0, 1.5):
                pair = box.power(exponent, factor)
                if pair is None:
                    continue
                made += factor == 1
                assert pair[0] * pair[1] == factor * 2.0**exponent
                for number, of in zip(pair, (a, b), strict=True):
                    step = max(2.0 ** (np.floor(np.log2(number)) - of.fraction), of.smallest)
                    assert number <= of.largest
                    assert number / step == int(number / step)
        assert made == box.highest - box.lowest + 1
