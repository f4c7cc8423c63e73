"""LogFMT's validation list, small: all of it holds for the codec, and codecs with planted faults fail the items that are about them."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from assay.suites.numerics.formats.logfmt import Coded, encode
from tests.calibration.formats import log_rounded, rows

SIZE = 1024


def failing(code: object) -> set[str]:
    """Name the items that do not hold."""
    return {one.item.partition(": ")[2] or one.item for one in rows(1, SIZE // 8, code) if not one.holds}  # type: ignore[arg-type]


def test_every_item_holds() -> None:
    found = list(rows(3, SIZE))
    assert len(found) == 49
    assert [one for one in found if not one.holds] == []


def late(x: torch.Tensor, bits: int) -> Coded:
    """Take the next code for one number."""
    coded = encode(x, bits)
    codes = coded.codes.clone()
    codes[-1, 3] ^= 1
    return dataclasses.replace(coded, codes=codes)


def unsigned(x: torch.Tensor, bits: int) -> Coded:
    """Lose the signs."""
    coded = encode(x, bits)
    return dataclasses.replace(coded, codes=coded.codes & (2 ** (bits - 1) - 1))


def wide(x: torch.Tensor, bits: int) -> Coded:
    """Span 1 % more than the tile does."""
    coded = encode(x, bits)
    return dataclasses.replace(coded, step=coded.step * 1.01)


@pytest.mark.parametrize(
    ("fault", "item"),
    [
        (late, "nearest of all levels, by brute force"),
        (log_rounded, "nearest of all levels, by brute force"),
        (log_rounded, "largest relative error"),
        (unsigned, "signs and zeros"),
        (wide, "largest and smallest of a tile"),
    ],
)
def test_a_planted_fault_fails_its_item(fault: object, item: str) -> None:
    assert item in failing(fault)
