"""The fingerprint of a matrix unit: everything that black-box products tell of its arithmetic, and plainly what they do not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from assay.suites.numerics.probes.box import Box
from assay.suites.numerics.probes.precision import Kept, alignment, carried, normalisation, result, single
from assay.suites.numerics.probes.specials import Specials, inputs, specials, symmetric
from assay.suites.numerics.probes.structure import Structure, structure_of
from assay.suites.numerics.probes.tree import Order, Tree, canonical, find_order

MASKING = 3  # products of one group that the alignment probe needs


@dataclass(frozen=True)
class Card:
    """What a unit does; a field that is None is undetermined, and ``reasons`` says why.

    Attributes:
        kind: how it adds (structure.Structure): fused, chain, pairs, exact, other.
        fused: products added in one rounding.
        parts: products after which a partial sum is joined to the total (promotion, or an instruction added late); 0: never.
        ways: chains that are summed side by side within a part; 1: one.
        split: K is cut into this many parts whose sums are joined, whatever K is (split-K); 0: it is not.
        bits: fraction bits that products are aligned to, below the largest exponent.
        align: rounding of the alignment.
        other_align: the same of every other product where those in between hold the largest exponent (CDNA3 sums even and odd ones apart).
        carry_bits: fraction bits that the sum so far is aligned to.
        carry_align: its rounding.
        carry_dropped: octaves below the largest exponent beyond which the sum so far counts as zero; 0: it never does.
        normalised: whether a product's exponent is that of its value.
        out_bits: fraction bits of a group's result.
        out_round: its rounding.
        join_bits: fraction bits of the total that parts are joined to.
        join_round: its rounding.
        specials: subnormal and special numbers.
        symmetric: whether turning all signs turns the result's.
        deterministic: whether the same operands gave the same bits every time.
        tree: the order of addition at the K that was probed.
        reasons: field -> why it is undetermined, or only bounded.
        calls: products computed.

    """

    kind: str | None = None
    fused: int | None = None
    parts: int | None = None
    ways: int | None = None
    split: int | None = None
    bits: int | None = None
    align: str | None = None
    other_align: str | None = None
    carry_bits: int | None = None
    carry_align: str | None = None
    carry_dropped: int | None = None
    normalised: bool | None = None
    out_bits: int | None = None
    out_round: str | None = None
    join_bits: int | None = None
    join_round: str | None = None
    specials: Specials = field(default_factory=lambda: Specials(None, None, None, None, None, None))
    symmetric: bool | None = None
    deterministic: bool | None = None
    tree: Tree | None = None
    reasons: dict[str, str] = field(default_factory=dict)
    calls: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Give plain JSON types."""
        return asdict(self)


@dataclass
class Probing:
    """A fingerprint in the making."""

    box: Box
    found: dict[str, Any] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)

    def keep(self, bits: str, rounding: str, kept: Kept, what: str) -> None:
        """Take bits and rounding where they are certain; say why where they are not."""
        if kept.bits is None:
            self.reasons[bits] = self.reasons[rounding] = f"{what} cannot be told with these formats"
            return
        if kept.at_least:
            self.reasons[bits] = f"at least {kept.bits}: {what} lost nothing as far as the formats reach"
            self.reasons[rounding] = "nothing was rounded"
            return
        self.found[bits] = kept.bits
        if len(kept.rounding) == 1:
            self.found[rounding] = kept.rounding[0]
        else:
            self.reasons[rounding] = f"one of {', '.join(kept.rounding)}" if kept.rounding else f"{what}: no known rounding fits"


def fingerprint(box: Box, *, progress: Callable[[str], None] = lambda _: None) -> Card:
    """Take the fingerprint of a black box.

    Deterministic units only: one that gives two answers to one question is told so and probed no further. BlackBoxError where it does not
    do what a matrix product does.
    """
    probing = Probing(box)
    progress("repeatability")
    probing.found["deterministic"] = box.repeats()
    if not probing.found["deterministic"]:
        probing.reasons["kind"] = (
            "the same operands gave different bits, so no probe can be trusted: set deterministic flags, or one stream"
        )
        return Card(**probing.found, reasons=probing.reasons, calls=box.calls)
    progress("special numbers")
    said = inputs(box)
    box.subnormal = said in {"kept", None}
    probing.found["specials"] = specials(box)
    probing.found["symmetric"] = symmetric(box)
    progress("order of addition")
    order = find_order(box)
    structure = structure_of(order)
    if structure is None:
        probing.reasons["kind"] = f"no order of addition fits: {order.reason}"
        return Card(**probing.found, reasons=probing.reasons, calls=box.calls)
    take_structure(probing, order, structure)
    progress("precision")
    take_precision(probing, structure)
    return Card(**probing.found, reasons=probing.reasons, calls=box.calls)


def take_structure(probing: Probing, order: Order, structure: Structure) -> None:
    """Write down the order; where parts are joined, a longer K tells promotion from split K."""
    probing.found |= {"kind": structure.kind, "fused": structure.fused or None, "tree": order.tree and canonical(order.tree)}
    if not structure.fused:
        probing.reasons["fused"] = "groups of different sizes: see the tree"
    probing.found |= {"parts": 0, "split": 0, "ways": max(1, len(structure.ways))}
    if len(structure.parts) == 1:
        return
    if structure.joined is None:
        probing.found["parts"] = probing.found["split"] = None
        probing.reasons["parts"] = f"parts of {', '.join(str(len(part)) for part in structure.parts)} products"
        return
    longer = structure_of(find_order(probing.box, k=2 * probing.box.k))
    if longer is None or longer.joined is None:
        probing.found["parts"] = probing.found["split"] = None
        probing.reasons["parts"] = f"parts of {structure.joined} at K = {probing.box.k}, and no order at twice that K"
    elif longer.joined == structure.joined:
        probing.found["parts"] = structure.joined
    elif len(longer.parts) == len(structure.parts):
        probing.found["split"] = len(structure.parts)
    else:
        probing.found["parts"] = probing.found["split"] = None
        probing.reasons["parts"] = f"{len(structure.parts)} parts at K = {probing.box.k}, {len(longer.parts)} at twice that K"


def take_precision(probing: Probing, structure: Structure) -> None:
    """Write down bits and roundings, as far as the structure lets them be probed."""
    if not structure.groups:
        return
    if structure.kind == "fused" and len(structure.groups[-1]) >= MASKING:
        take_alignment(probing, structure)
    take_results(probing, structure)
    if len(structure.parts) > 1:
        kept = single(probing.box, structure.parts[0][0], structure.parts[1][0])
        probing.keep("join_bits", "join_round", kept, "the joining of parts")


def take_alignment(probing: Probing, structure: Structure) -> None:
    """Write down how the terms of a group are aligned: its products, every other product, and the sum so far."""
    box, groups = probing.box, structure.groups
    last = groups[-1]
    probing.keep("bits", "align", alignment(box, last), "the alignment of products")
    other = alignment(box, (last[0], last[2], last[1]))
    if len(other.rounding) == 1:
        probing.found["other_align"] = other.rounding[0]
    if len(groups) > 1:
        carry = carried(box, groups[-2][0], last)
        probing.keep("carry_bits", "carry_align", carry, "the alignment of the sum so far")
        probing.found["carry_dropped"] = carry.dropped or 0
    if "bits" in probing.found:
        probing.found["normalised"] = normalisation(box, last, probing.found["bits"])


def take_results(probing: Probing, structure: Structure) -> None:
    """Write down how a group's result is rounded."""
    box, groups, grid = probing.box, structure.groups, probing.found.get("bits")
    last = groups[-1]
    if structure.kind == "fused" and grid is None:
        probing.reasons.setdefault("out_bits", "the grid that terms are aligned to is not known, and would hide it")
        return
    if structure.kind in {"fused", "exact"} and len(last) > 1:
        kept = result(box, last[:-1], last[-1], bits=grid, normalised=bool(probing.found.get("normalised")))
    elif structure.kind == "pairs":
        kept = single(box, last[0], last[1])
    elif len(groups) > 1:
        kept = single(box, groups[-2][0], last[0])
    else:
        return
    probing.keep("out_bits", "out_round", kept, "the rounding of results")
