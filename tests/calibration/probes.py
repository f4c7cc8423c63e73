"""Blind recovery: units with random parameters as black boxes, and whether the probes read every parameter back, say "undetermined", or err."""

from __future__ import annotations

import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from assay.suites.numerics.formats.format import FORMATS
from assay.suites.numerics.probes.box import Box
from assay.suites.numerics.probes.card import Card, fingerprint
from assay.suites.numerics.probes.published import FIELDS, expected
from assay.suites.numerics.units.options import make
from assay.suites.numerics.units.presets import PRESETS, preset
from assay.suites.numerics.units.unit import Unit
from tests.calibration.models import proportion

SPECIAL = {True: "flushed", False: "kept"}


@dataclass
class Tally:
    """What came of some units: fields right, undetermined (with the reasons), wrong (with the unit)."""

    units: int = 0
    exact: int = 0
    fields: Counter[str] = field(default_factory=Counter)
    open: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    calls: int = 0
    seconds: float = 0.0

    def add(self, name: str, unit: Unit, *, k: int = 256) -> Card:
        """Take one unit's fingerprint and hold it against its parameters."""
        begun = time.perf_counter()
        card = fingerprint(Box(unit.gemm, FORMATS[unit.a], FORMATS[unit.b], k=k))
        self.seconds += time.perf_counter() - begun
        wanted: dict[str, Any] = expected(unit)
        seen = {one: getattr(card, one) for one in FIELDS} | {"inputs": card.specials.inputs}
        wanted["inputs"] = SPECIAL[unit.flush_in] if min(FORMATS[unit.a].fraction, FORMATS[unit.b].fraction) else None
        missing = [one for one in wanted if seen[one] is None and wanted[one] is not None]
        bad = [
            f"{one} {seen[one]}, is {wanted[one]}" for one in wanted if None not in (seen[one], wanted[one]) and seen[one] != wanted[one]
        ]
        self.units += 1
        self.calls += card.calls
        self.exact += not missing and not bad
        self.fields["right"] += sum(seen[one] == wanted[one] for one in wanted if wanted[one] is not None)
        for one in missing:
            self.open[f"{one}: {card.reasons.get(one) or card.reasons.get('kind') or 'not reached'}"] += 1
        self.wrong += [f"{name}: {told}" for told in bad]
        return card


def random_unit(source: np.random.Generator) -> Unit:
    """Draw a unit: width, bits, roundings, results, promotion, order, and what it does with subnormal numbers; the format follows from that."""
    fused = int(source.choice([4, 8, 16, 32]))
    flush = bool(source.integers(2))
    period = None
    order = "natural"
    late = False
    if source.random() < 0.3:
        order = str(source.choice(["pairs", "strided"]))
        period = 2 * fused if order == "strided" else max(2 * fused, 8)
        late = bool(source.integers(2))
    promote = None if late else [None, 64, 128][int(source.integers(3))]
    return make(
        # A unit that flushes subnormal numbers leaves E4M3 28 octaves of products; the wider format has 60.
        a=str(source.choice(["e5m2"] if flush else ["e4m3", "e5m2"])),
        fused=fused,
        bits=int(source.integers(13, 28)),
        align=str(source.choice(["rz", "rne", "rd"])),
        round=str(source.choice(["rz", "rne"])),
        out=str(source.choice(["e8m13", "fp32"])),
        normalised=bool(source.integers(2)),
        flush_in=flush,
        promote=promote,
        order=order,
        period=period,
        late=late,
        split=1 if promote or late else int(source.choice([1, 1, 2])),
    )


def presets() -> Tally:
    """Probe every published unit without block scales."""
    tally = Tally()
    for name, one in PRESETS.items():
        if not one.options.get("scale"):
            tally.add(name, preset(name), k=128 if one.options["family"] in {"e_fdpa", "pairwise"} else 256)
    return tally


def random_units(seed: int, size: int) -> Tally:
    """Probe ``size`` random units."""
    source, tally = np.random.default_rng(seed), Tally()
    for number in range(size):
        tally.add(f"unit {number}", random_unit(source))
    return tally


def main(seed: int, size: int) -> None:
    """Print the table."""
    sys.stdout.write(text(seed, size))


def text(seed: int, size: int) -> str:
    """Write what was recovered as Markdown."""
    lines = [
        "| units | exact in every field | fields right | fields undetermined | fields wrong [95 % of units] | products a unit | seconds a unit |",
        "|---|---|---|---|---|---|---|",
    ]
    tallies = {"published, without block scales": presets(), f"random, seed {seed}": random_units(seed, size)}
    for name, tally in tallies.items():
        low, high = proportion(len({told.partition(":")[0] for told in tally.wrong}), tally.units)
        lines.append(
            f"| {tally.units} {name} | {tally.exact} | {tally.fields['right']} | {sum(tally.open.values())} "
            f"| {len(tally.wrong)} [{low:.4f}, {high:.4f}] | {tally.calls / tally.units:.0f} | {tally.seconds / tally.units:.1f} |"
        )
    for tally in tallies.values():
        lines += ["", *(f"- {count} x {told}" for told, count in tally.open.most_common()), *(f"- WRONG {told}" for told in tally.wrong)]
    return "\n".join(lines) + "\n"
