"""Where two results that must be equal are not: how many words, which rows, columns, tile and lane, and which bits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

FEW = 6  # bits, rows or columns that are listed one by one
SOLID = 0.5  # share of its rectangle that a tile must fill


@dataclass(frozen=True)
class Difference:
    """Words that differ.

    Attributes:
        tested: words compared.
        rows: row of each word that differs, in reading order.
        columns: column of each.
        xor: the bits in which each differs, as a mask.
        got: the first such word.
        wanted: what it should be.
        nbits: of a word.
        lost: further rows that differ somewhere, not looked at word by word.

    """

    tested: int
    rows: tuple[int, ...]
    columns: tuple[int, ...]
    xor: tuple[int, ...]
    got: int
    wanted: int
    nbits: int
    lost: int = 0

    @property
    def where(self) -> str:
        """Name the first position."""
        return f"row {self.rows[0]}, column {self.columns[0]}"

    def told(self) -> str:
        """Say it in one sentence: first position, words, bits, and what all positions have in common."""
        digits = self.nbits // 4
        first = f"{self.where}: 0x{self.got:0{digits}x}, wanted 0x{self.wanted:0{digits}x}, differs in {bits_in_words(self.xor[0])}"
        count = len(self.rows)
        if count == 1 and not self.lost:
            return f"{first}; the only one of {self.tested} words"
        more = f" in the first {len(set(self.rows))} of {len(set(self.rows)) + self.lost} wrong rows" if self.lost else ""
        return f"{first}; {count} of {self.tested} words differ{more}, {self.place()}, {self.bits()}"

    def place(self) -> str:
        """Say which region the words make up: a row, a column, a lane, a tile, or scattered ones."""
        rows, columns = sorted(set(self.rows)), sorted(set(self.columns))
        step = stride(columns)
        if len(rows) == 1:
            return f"all in row {rows[0]}" + (f", every {step}. column from {columns[0]} on" if step > 1 else "")
        if len(columns) == 1:
            return f"all in column {columns[0]}"
        if step > 1:
            return f"all in columns {columns[0] % step} modulo {step}"
        height, width = rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1
        if len(self.rows) >= SOLID * height * width:
            return f"all in the tile of rows {rows[0]}-{rows[-1]}, columns {columns[0]}-{columns[-1]}"
        return f"in {len(rows)} rows from {rows[0]} to {rows[-1]} and {len(columns)} columns from {columns[0]} to {columns[-1]}"

    def bits(self) -> str:
        """Say which bits differ, all words together."""
        if len(set(self.xor)) == 1:
            return f"{bits_in_words(self.xor[0])} in each"
        either = 0
        for mask in self.xor:
            either |= mask
        return f"{bits_in_words(either)} in one or another"


def stride(columns: Sequence[int]) -> int:
    """Give the distance of equally spaced columns; 1 where they are not, or where there are too few to tell."""
    gaps = set(np.diff(columns).tolist())
    return int(gaps.pop()) if len(gaps) == 1 and len(columns) > 2 else 1  # noqa: PLR2004 - two columns always have one distance


def bits_in_words(mask: int) -> str:
    """Name the bits of a mask, 0 the lowest."""
    bits = [bit for bit in range(64) if mask >> bit & 1]
    if len(bits) == 1:
        return f"bit {bits[0]}"
    return f"bits {', '.join(map(str, bits))}" if len(bits) <= FEW else f"{len(bits)} bits from {bits[0]} to {bits[-1]}"


def words(numbers: Any) -> NDArray[Any]:
    """Give numbers as unsigned words of the same width."""
    array = np.ascontiguousarray(numbers)
    return array.view(f"u{array.itemsize}")


def difference(got: Any, wanted: Any, *, any_zero: bool = False) -> Difference | None:
    """Compare two matrices [M, N] of one type word by word; None where all are equal.

    ``any_zero``: 0 and -0 are the same, for results whose sign of zero is the unit's own choice.
    """
    ours, theirs = words(got), words(wanted)
    differ = ours != theirs
    if any_zero:
        differ &= ~((np.asarray(got) == 0) & (np.asarray(wanted) == 0))
    if not differ.any():
        return None
    rows, columns = np.nonzero(differ)
    xor = ours[differ] ^ theirs[differ]
    first = (rows[0], columns[0])
    return Difference(
        int(ours.size),
        tuple(rows.tolist()),
        tuple(columns.tolist()),
        tuple(xor.tolist()),
        int(ours[first]),
        int(theirs[first]),
        8 * ours.itemsize,
    )
