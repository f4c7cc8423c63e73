"""Fingerprints in stored runs: what a unit was found to be, what has changed since, and how it is told."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assay.harness.errors import StoreError
from assay.harness.measurement import Measurement
from assay.harness.rundir import RunDir
from assay.results.store import Store

SUITE = "fingerprint"
# What is expected of a unit, and numbers drawn to see whether it is repeatable, are no part of what is asked of it.
ASIDE = {"expect", "seed"}
# What is said of a card beside its fields, and no part of the arithmetic.
BESIDE = {"calls", "reasons"}
LONG = 72


@dataclass(frozen=True)
class Fingerprint:
    """One card of a run: its case's ``key``, what was ``asked`` (device, parameters), unit and formats in words, verdict, fields."""

    run: str
    key: str
    unit: str
    formats: str
    verdict: str
    card: Mapping[str, Any]
    asked: Mapping[str, Any]
    kernel: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Give plain JSON types."""
        return {
            "run": self.run,
            "key": self.key,
            "unit": self.unit,
            "formats": self.formats,
            "kernel": self.kernel,
            "verdict": self.verdict,
            "card": dict(self.card),
        }


def fingerprints(run: RunDir) -> list[Fingerprint]:
    """Give the cards of a run; what holds none is passed over."""
    return [found for measurement in run.measurements().measurements if (found := fingerprint_of(run.id, measurement)) is not None]


def fingerprint_of(run: str, measurement: Measurement) -> Fingerprint | None:
    """Read the card of one case, or None where there is none."""
    notes, case = measurement.notes, measurement.case
    try:
        card = json.loads(notes["card"])
    except (KeyError, ValueError):
        return None
    if case.suite != SUITE or not isinstance(card, dict):
        return None
    asked = {"device": case.device} | {name: value for name, value in case.params.items() if name not in ASIDE}
    unit, formats, said, kernel = (notes.get(name, "") for name in ("unit", "formats", "verdict", "kernel"))
    return Fingerprint(run, case.key, unit, formats, said, card, asked, kernel)


def before(store: Store, run: RunDir, found: Fingerprint) -> Fingerprint | None:
    """Find the last earlier card of the same unit, asked the same way, on the same kind of machine."""
    mine = run.read_json("run.json")
    for info in reversed(store.runs()):
        if info.id >= run.id or info.status != "finished" or info.hw_class != mine["hw_class"] or info.inject:
            continue
        try:
            earlier = [one for one in fingerprints(RunDir(store.root / info.id)) if one.asked == found.asked]
        except (OSError, StoreError):
            continue
        if earlier:
            return earlier[0]
    return None


def changes(old: Mapping[str, Any], new: Mapping[str, Any], path: str = "") -> dict[str, tuple[Any, Any]]:
    """Give every field of the arithmetic that two cards know and differ in: field -> (old, new).

    A field that one card could not tell is no change: it stays open.
    """
    found: dict[str, tuple[Any, Any]] = {}
    for name in old.keys() & new.keys() - BESIDE:
        one, other = old[name], new[name]
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            found |= changes(one, other, f"{path}{name}.")
        elif one is not None and other is not None and one != other:
            found[f"{path}{name}"] = ("another", "order") if name == "tree" else (one, other)
    return found


def card_lines(found: Fingerprint) -> Iterator[str]:
    """Write one card for people, every field with what it means."""
    card, reasons = found.card, found.card.get("reasons") or {}
    yield f"{found.unit}, {found.formats}"
    yield f"  {found.verdict}"
    if found.kernel and found.kernel != "emulated":
        yield f"  {'kernel':30} {found.kernel}"
    rows: tuple[tuple[str, str, Mapping[Any, str]], ...] = (
        ("adds", "kind", {"fused": "groups of products in one rounding", "chain": "one product at a time", "pairs": "two by two in a tree",
                          "exact": "groups exactly, rounded between them", "other": "in its own order"}),
        ("products in one group", "fused", {}),
        ("aligned to", "bits", {}),
        ("alignment rounds", "align", ROUNDINGS),
        ("every other product", "other_align", ROUNDINGS),
        ("sum so far aligned to", "carry_bits", {}),
        ("its alignment rounds", "carry_align", ROUNDINGS),
        ("1.5 x 1.5 raises the exponent", "normalised", {True: "yes", False: "no: exponents are sums"}),
        ("results keep", "out_bits", {}),
        ("results round", "out_round", ROUNDINGS),
        ("moved to a total every", "parts", {0: "never"}),
        ("K in parts (split-K)", "split", {0: "no"}),
        ("the total keeps", "join_bits", {}),
        ("the total rounds", "join_round", ROUNDINGS),
        ("signs turn results", "symmetric", {True: "yes", False: "no"}),
        ("the same bits each time", "deterministic", {True: "yes", False: "NO"}),
    )  # fmt: skip
    for label, name, words in rows:
        value = card.get(name)
        if value is None and name not in reasons:
            continue
        said = f"undetermined: {reasons[name]}" if value is None else str(words.get(value, value))
        yield f"  {label:30} {said}{unit_of(name) if value is not None and value not in words else ''}"
    special = {name: value for name, value in (card.get("specials") or {}).items() if value is not None}
    if special:
        told = ", ".join(f"{name.replace('_', ' ')} {hex(value) if name == 'nan' else value}" for name, value in special.items())
        yield f"  {'special numbers':30} {told}"
    yield from (f"  {line}" for line in drawn(card.get("tree")))


ROUNDINGS = {"rz": "towards zero (truncated)", "rne": "to nearest, ties to even", "rd": "down", "ru": "up", "ra": "away from zero",
             "rna": "to nearest, ties away", "rnz": "to nearest, ties to zero", "ro": "to odd"}  # fmt: skip


def unit_of(name: str) -> str:
    """Name what a field counts."""
    return " fraction bits" if name.endswith("bits") else " products" if name in {"parts", "fused"} else ""


def drawn(tree: Any) -> Iterator[str]:
    """Draw an order of addition: a chain of groups a line, joined parts below each other."""
    if not isinstance(tree, list):
        return
    chain = chain_of(tree)
    if chain:
        yield f"order: {shortened(' > '.join(spans(group) for group in chain))}"
        return
    yield "order: parts that are joined"
    for part in tree:
        inner = chain_of(part) if isinstance(part, list) else [[part]]
        yield f"  {shortened(' > '.join(spans(group) for group in inner) if inner else nested(part))}"


def chain_of(tree: Any) -> list[list[int]]:
    """Give the groups of a chain, first added first; empty where it is none."""
    groups: list[list[int]] = []
    while isinstance(tree, list):
        inner = [child for child in tree if isinstance(child, list)]
        leaves = [child for child in tree if not isinstance(child, list)]
        if len(inner) > 1 or not leaves:
            return []
        groups.append(leaves)
        tree = inner[0] if inner else None
    return groups[::-1]


def spans(group: Sequence[int]) -> str:
    """Write positions, runs of them shortened."""
    parts: list[list[int]] = []
    for position in sorted(group):
        if parts and position == parts[-1][-1] + 1:
            parts[-1].append(position)
        else:
            parts.append([position])
    return "{" + ",".join(f"{part[0]}-{part[-1]}" if len(part) > 1 else str(part[0]) for part in parts) + "}"


def nested(tree: Any) -> str:
    """Write a tree with brackets."""
    return "(" + " ".join(map(nested, tree)) + ")" if isinstance(tree, list) else str(tree)


def shortened(text: str) -> str:
    """Cut a long line in its middle."""
    return text if len(text) <= 2 * LONG else f"{text[:LONG]} ... {text[-LONG:]}"
