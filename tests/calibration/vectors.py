"""Published results of real hardware against the emulated units: rows that differ, and how many would with one parameter off by one step."""

from __future__ import annotations

import sys
from pathlib import Path

from assay.harness.errors import RefusalError
from assay.suites.numerics.units import vectors
from assay.suites.numerics.units.options import changed
from assay.suites.numerics.units.presets import preset
from assay.suites.numerics.units.unit import Unit

FILE = Path(__file__).parents[3] / "shared" / "data" / "tensor-core-vectors" / "vectors.npz"


def off(unit: Unit, one: vectors.Vectors, **options: object) -> str:
    """Count mismatches of a unit with other options; a word where there is no such unit."""
    try:
        return str(vectors.mismatches(changed(unit, **options), one))
    except RefusalError:
        return "-"


def text() -> str:
    """Write the table."""
    lines = [
        "| set | rows | unit | rows that differ | one alignment bit less | one more | half the products in a block | twice |",
        "|---|---:|---|---:|---:|---:|---:|---:|",
    ]
    for one in vectors.read(FILE):
        for name in vectors.published_as(one.name):
            unit = preset(name)
            counts = [
                str(vectors.mismatches(unit, one)),
                *(off(unit, one, bits=unit.bits + by) for by in (-1, 1)),
                *(off(unit, one, fused=fused) for fused in (unit.fused // 2, unit.fused * 2)),
            ]
            lines.append(f"| {one.name} | {len(one.d)} | `{name}` | {' | '.join(counts)} |")
    return "\n".join(lines) + "\n"


def main(seed: int, size: int) -> None:  # noqa: ARG001 - nothing is drawn
    """Print the table."""
    sys.stdout.write(text())
