"""Answers spoilt on purpose: what a planted fault does to the live result of a step, on the host or on a device, in any number format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from assay.harness.errors import RefusalError

# Kinds; bits and lanes as damaged units show them (arXiv 2605.04213: several bits at once, strides, addresses that repeat).
WORDS = ("flip_bit", "flip_bits", "flip_strided", "stuck_lane")
NUMBERS = ("flip_element", "negate_row", "zero_row", "nan_element", "zero_lane", "wrong_tile", "scale_row", "swap_rows")
SEVERAL = (3, 11, 19)  # bits of flip_bits where none are named
BIT, STRIDE, LANES, TILE = 22, 4, 32, (16, 8)


def corrupt(result: Any, kind: str, fault: Mapping[str, Any]) -> None:
    """Spoil the live answer in place; a vector counts as one row, and positions beyond its end count on from its start.

    Args:
        result: a NumPy array or torch tensor.
        kind: one of WORDS or NUMBERS.
        fault: ``row``, ``column`` (default 1), ``bit``, ``bits``, ``stride``, ``lanes`` as far as the kind has them.

    RefusalError for a bit that the result's format does not have, and for NaN where there is none.

    """
    table = result if getattr(result, "ndim", 1) > 1 else result[None]
    row, column = int(fault.get("row", 1)) % len(table), int(fault.get("column", 1)) % table.shape[-1]
    if kind in WORDS:
        change_words(table, kind, fault, row, column)
    else:
        NUMBER_KINDS[kind](table, row, column, fault)


def change_words(table: Any, kind: str, fault: Mapping[str, Any], row: int, column: int) -> None:
    """Flip bits of words, or hold one at 1 in a lane of columns."""
    words = words_of(table)
    named = fault.get("bits") or SEVERAL
    mask = mask_of(named if kind == "flip_bits" else [fault.get("bit", BIT)], nbits=8 * nbytes_of(table), kind=kind)
    stride, lanes = int(fault.get("stride", STRIDE)), int(fault.get("lanes", LANES))
    if kind == "stuck_lane":
        words[..., column % lanes :: lanes] |= mask
    elif kind == "flip_strided":
        words[row, ..., column % stride :: stride] ^= mask
    else:
        words[row, ..., column] ^= mask


def nbytes_of(table: Any) -> int:
    """Give the bytes of one number."""
    return int(table.element_size() if hasattr(table, "element_size") else table.itemsize)


def words_of(table: Any) -> Any:
    """Give the same memory as whole numbers of the same width, signed ones, which torch can change bit by bit."""
    nbytes = nbytes_of(table)
    if not hasattr(table, "element_size"):
        return table.view(f"i{nbytes}")
    import torch

    return table.view({1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}[nbytes])


def mask_of(bits: Any, *, nbits: int, kind: str) -> int:
    """Give bits as a signed mask."""
    mask = 0
    for bit in bits:
        if int(bit) >= nbits:
            message = f"{kind} hits a bit that this answer does not have: its numbers have {nbits}"
            raise RefusalError(message, value=int(bit), where="inject.bit", fix=f"Choose 0 to {nbits - 1}.")
        mask |= 1 << int(bit)
    return mask - (1 << nbits) if mask >> (nbits - 1) else mask


def flip_element(table: Any, row: int, column: int, _: Mapping[str, Any]) -> None:
    """Put another number in place of one."""
    table[row, ..., column] = -table[row, ..., column] - 1


def nan_element(table: Any, row: int, column: int, _: Mapping[str, Any]) -> None:
    """Put NaN into one element; RefusalError where the answer is of whole numbers, which have none."""
    try:
        table[row, ..., column] = float("nan")
    except (ValueError, RuntimeError) as error:
        message = f"nan_element needs an answer of floating-point numbers: {error}"
        raise RefusalError(message, where="inject.kind", fix="Use flip_element.") from error


def negate_row(table: Any, row: int, _: int, __: Mapping[str, Any]) -> None:
    """Turn the signs of a row."""
    table[row] = -table[row]


def zero_row(table: Any, row: int, _: int, __: Mapping[str, Any]) -> None:
    """Lose a row."""
    table[row] = 0


def zero_lane(table: Any, _: int, column: int, fault: Mapping[str, Any]) -> None:
    """Lose the columns of one lane."""
    lanes = int(fault.get("lanes", LANES))
    table[..., column % lanes :: lanes] = 0


def wrong_tile(table: Any, row: int, column: int, _: Mapping[str, Any]) -> None:
    """Put other numbers into the tile that holds an element."""
    top, left = row // TILE[0] * TILE[0], column // TILE[1] * TILE[1]
    tile = (slice(top, top + TILE[0]), ..., slice(left, left + TILE[1]))
    table[tile] = -table[tile] - 1


def scale_row(table: Any, row: int, _: int, __: Mapping[str, Any]) -> None:
    """Double a row, as a scale of its neighbour's would."""
    table[row] = table[row] + table[row]


def swap_rows(table: Any, row: int, _: int, __: Mapping[str, Any]) -> None:
    """Exchange a row with the next one."""
    after = (row + 1) % len(table)
    kept = table[row].clone() if hasattr(table, "clone") else table[row].copy()
    table[row] = table[after]
    table[after] = kept


NUMBER_KINDS: Mapping[str, Callable[[Any, int, int, Mapping[str, Any]], None]] = {
    "flip_element": flip_element,
    "negate_row": negate_row,
    "zero_row": zero_row,
    "nan_element": nan_element,
    "zero_lane": zero_lane,
    "wrong_tile": wrong_tile,
    "scale_row": scale_row,
    "swap_rows": swap_rows,
}
