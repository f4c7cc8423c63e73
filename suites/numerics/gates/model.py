"""A model of a unit made of its card alone: the emulated unit that shows the very same card, or none (numerics gate G7)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from assay.harness.errors import RefusalError
from assay.suites.numerics.probes.box import Box
from assay.suites.numerics.probes.card import Card, fingerprint
from assay.suites.numerics.probes.published import matches
from assay.suites.numerics.units.options import make
from assay.suites.numerics.units.presets import preset
from assay.suites.numerics.units.unit import Unit

BESIDE = {"calls", "reasons"}  # no part of the arithmetic
FP32_FRACTION = 23
TRIES = 3  # candidates whose own card is taken: each costs as much as the unit's


def model_of(card: Card, a: str, b: str, *, box: Box) -> Unit | None:
    """Find the emulated unit that shows this card, order of addition included, when it is probed as ``box`` was.

    None where no candidate does: then nobody knows the unit's bits, and only the componentwise bound can be asked for.
    """
    for count, unit in enumerate(candidates(card, a, b)):
        if count == TRIES:
            return None
        own = fingerprint(Box(unit.gemm, box.a, box.b, k=box.k, side=box.side, out=box.out))
        if same(own, card):
            return unit
    return None


def same(one: Card, other: Card) -> bool:
    """Tell whether two cards are the same arithmetic, as far as they tell."""
    left, right = one.as_dict(), other.as_dict()
    return one.kind is not None and all(left[name] == right[name] for name in left.keys() - BESIDE)


def candidates(card: Card, a: str, b: str) -> Iterator[Unit]:
    """Yield published units that the card conforms to, then one of its own numbers."""
    for match in matches(card, a, b):
        if match.conforms:
            yield preset(match.name, a=a, b=b)
    made = of_numbers(card, a, b)
    if made is not None:
        yield made


def of_numbers(card: Card, a: str, b: str) -> Unit | None:
    """Build a unit of the card's numbers: a chain of products, or of fused groups, promoted or not."""
    if card.out_bits is None or card.out_round is None or card.kind not in {"chain", "fused"}:
        return None
    out = "fp32" if card.out_bits == FP32_FRACTION else f"e8m{card.out_bits}"
    options: dict[str, Any] = {"a": a, "b": b, "out": out, "round": card.out_round}
    if card.parts:
        options["promote"] = card.parts
    if card.split:
        options["split"] = card.split
    if card.specials.inputs == "flushed":
        options["flush_in"] = True
    if card.specials.nan is not None:
        options["nan"] = card.specials.nan
    if card.kind == "chain":
        options |= {"family": "fma", "fused": 1}
    elif card.bits is None or card.align is None:
        return None
    else:
        options |= {"fused": card.fused, "bits": card.bits, "align": card.align, "normalised": bool(card.normalised)}
    try:
        return make(**options)
    except RefusalError:
        return None
