"""What published units would show to the probes, and which of them a card conforms to.

Expected cards are derived from a unit's parameters alone; the tests hold them against what the probes find on the emulated units.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from assay.suites.numerics.probes.card import MASKING, Card
from assay.suites.numerics.units.options import output
from assay.suites.numerics.units.presets import PRESETS, preset
from assay.suites.numerics.units.unit import Unit

# What makes two units the same arithmetic, in the order in which differences are told.
FIELDS = (
    "kind", "fused", "bits", "align", "other_align", "carry_bits", "carry_align", "carry_dropped", "normalised", "out_bits", "out_round",
    "ways", "parts", "split", "join_bits", "join_round", "symmetric",
)  # fmt: skip
# Without these nobody can say that a unit conforms: too much is open.
NEEDED = ("kind", "fused", "out_bits", "out_round")
FUSED = ("t_fdpa", "st_fdpa", "tr_fdpa", "gtr_fdpa")
KINDS = {"fma": "chain", "e_fdpa": "exact", "pairwise": "pairs"}
DOWN = ("rd", "ru")


def expected(unit: Unit) -> dict[str, Any]:
    """Give the fields of the card that a unit of these parameters has; a field that its structure does not have is None.

    Formats may hide some of it: a card with less is no contradiction.
    """
    late = unit.late or unit.ways > 1
    parts = unit.promote or (period_of(unit) if late else None) or (unit.fused if unit.family == "pairwise" else None)
    ways = unit.ways if period_of(unit) else 1
    split = unit.split if unit.split > 1 else unit.ways if unit.ways > ways else 0
    kind = KINDS.get(unit.family, "fused" if unit.fused > 1 else "chain")
    aligned = unit.family in FUSED and unit.fused >= MASKING
    form = output(unit.out)
    chained = aligned and (parts is None or parts > unit.fused)
    carry = (unit.c_bits, unit.join) if unit.family in {"tr_fdpa", "gtr_fdpa"} else (unit.bits, unit.align)
    joined = bool(parts or split)
    return {
        "kind": kind,
        "fused": unit.fused,
        "bits": unit.bits if aligned else None,
        "align": unit.align if aligned else None,
        "other_align": (unit.join if unit.family == "gtr_fdpa" else unit.align) if aligned else None,
        "carry_bits": carry[0] if chained else None,
        "carry_align": carry[1] if chained else None,
        "carry_dropped": (unit.c_drop or 0) if chained else None,
        "normalised": unit.normalised if aligned else None,
        "out_bits": form.fraction,
        "out_round": unit.round,
        "ways": ways,
        "parts": parts or 0,
        "split": split,
        "join_bits": (form.fraction if late and not unit.promote else 23) if joined else None,
        "join_round": "rne" if joined else None,
        "symmetric": not ({unit.align, unit.round, *((unit.join,) if carry[1] == unit.join else ())} & set(DOWN))
        if aligned
        else unit.round not in DOWN,
    }


def period_of(unit: Unit) -> int | None:
    """Give the products of one instruction."""
    return len(unit.order) if isinstance(unit.order, tuple) else unit.period


@dataclass(frozen=True)
class Match:
    """How a card compares with one published unit: ``differs`` maps a field to (seen, published); ``open`` lists what was not seen."""

    name: str
    path: str
    differs: Mapping[str, tuple[Any, Any]]
    open: tuple[str, ...]

    @property
    def conforms(self) -> bool:
        """Whether nothing differs and enough was seen."""
        return not self.differs and not set(self.open) & set(NEEDED)


def compare(card: Card, name: str, a: str, b: str) -> Match:
    """Compare a card, taken with operands of formats ``a`` and ``b``, with a published unit."""
    wanted = expected(preset(name, a=a, b=b))
    seen = {field: getattr(card, field) for field in FIELDS}
    differs = {f: (seen[f], wanted[f]) for f in FIELDS if seen[f] is not None and wanted[f] is not None and seen[f] != wanted[f]}
    return Match(name, PRESETS[name].path, differs, tuple(f for f in FIELDS if seen[f] is None and wanted[f] is not None))


def matches(card: Card, a: str, b: str) -> list[Match]:
    """Compare a card with every published unit that takes these formats, the most alike first."""
    found = [compare(card, name, a, b) for name in PRESETS if takes(name, a, b)]
    return sorted(found, key=lambda match: (len(match.differs), len(match.open)))


def takes(name: str, a: str, b: str) -> bool:
    """Tell whether a published unit takes operands of two formats; FP8 units take either FP8 format of their kind for either operand."""
    own = PRESETS[name].options["a"]
    alike = [{"e4m3", "e5m2"}, {"e4m3fnuz", "e5m2fnuz"}]
    family = next((pair for pair in alike if own in pair), {own})
    return {a, b} <= family and not PRESETS[name].options.get("scale")


def verdict(card: Card, a: str, b: str) -> str:
    """Say in one sentence what a card is: which published units it conforms to, what the nearest one differs in, or that it is unknown."""
    if card.kind is None:
        return f"undetermined: {card.reasons.get('kind', 'nothing could be told')}"
    found = matches(card, a, b)
    same = [match for match in found if match.conforms]
    if same:
        return f"conforms to {', '.join(match.name for match in same)} ({words(card)})"
    near = [match for match in found if not match.differs]
    if near:
        names = ", ".join(match.name for match in near)
        return f"nothing contradicts {names}, but {', '.join(near[0].open)} could not be told ({words(card)})"
    if found and len(found[0].differs) <= len(FIELDS) // 2:
        told = "; ".join(f"{field} {seen}, published {published}" for field, (seen, published) in found[0].differs.items())
        return f"unknown unit: recorded ({words(card)}). The nearest, {found[0].name}, differs in {told}"
    return f"unknown unit: recorded ({words(card)})"


def words(card: Card) -> str:
    """Write a card in the words of the field: "32 fused, 13 bits, truncated"."""
    kinds = {
        "chain": "one product at a time",
        "exact": f"{card.fused} summed exactly",
        "pairs": f"{card.fused} in pairs",
        "other": "its own order",
    }
    told = [kinds.get(str(card.kind), f"{card.fused} fused")]
    if card.bits is not None:
        told.append(f"{card.bits} bits, {'truncated' if card.align == 'rz' else card.align}")
    if card.out_bits is not None:
        told.append(f"results of {card.out_bits} fraction bits{f' {card.out_round}' if card.out_round else ''}")
    if card.parts:
        told.append(f"to FP32 every {card.parts}")
    if card.split:
        told.append(f"K in {card.split} parts")
    return ", ".join(told)
