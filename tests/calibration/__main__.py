"""Regenerate the published tables: ``python -m tests.calibration PART SIZE [SEED]``; a fresh seed each time, printed, unless one is given."""

from __future__ import annotations

import contextlib
import io
import secrets
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from tests.calibration import blame, fleet, formats, gate, gates, growth, history, probes, vectors, versus

MEASURED = Path(__file__).parents[2] / "docs" / "measured"
HEADS = {
    "formats": "# LogFMT's validation list, measured",
    "gate": "# The gate's error rates, measured",
    "gates": "# Silent data corruption: what each gate finds, measured",
    "fleet": "# The fleet rule's error rates, measured",
    "blame": "# The localiser's error rates, measured",
    "growth": "# FP8 in figures: growth with K, recipes, a unit with one bit less",
    "history": "# The history's error rates, measured",
    "probes": "# Recovery of units by the probes, measured",
    "vectors": "# Published results of real hardware against the emulated units",
    "versus": "# The vendor comparison's error rates, measured",
}
WORDS = {
    "formats": "LogFMT-nBit as the ISCA 2025 paper, section 3.2, describes it, in float64; formats beside each other: [fp8.md](../fp8.md).",
    "gate": "What the columns are: [ci.md](../ci.md). Drift is a random walk from run to run that all cases share; every rule sees the same suites.",
    "gates": "Gates and faults: [fp8.md](../fp8.md). A dash: not tried. The last three columns before G6 are what other tools look at, on N(0,1) numbers.",
    "fleet": "What the columns are: [fleet.md](../fleet.md). Every rule sees the same sweeps.",
    "blame": "Node, network card, plane and link, named from the bandwidths of pairs that all talked at once ([fleet.md](../fleet.md)).",
    "growth": "Everything is computed by the emulated units and the quantisers ([fp8.md](../fp8.md)); nothing here is a GPU's.",
    "history": 'What the columns are: [history.md](../history.md). "notice" counts alerts too.',
    "probes": "A card is held against the parameters of the unit that it was taken from; the probes see products only ([fp8.md](../fp8.md)).",
    "vectors": "Rows of the published sets ([fp8.md](../fp8.md)); nothing is drawn, so there is no seed to choose. No row may differ; the other columns say whether a unit that is a step off would be seen.",
    "versus": "What is compared: [versus.md](../versus.md). Vendors have known speeds; nodes and sessions differ by chance, each session in all nodes of a vendor alike.",
}
TABLES: dict[str, Callable[[int, int], None]] = {
    "formats": formats.main,
    "gate": gate.main,
    "gates": gates.main,
    "fleet": fleet.main,
    "blame": blame.main,
    "growth": growth.main,
    "history": history.main,
    "probes": probes.main,
    "vectors": vectors.main,
    "versus": versus.main,
}


def main(words: list[str]) -> None:
    """Make the tables of one part and write them to docs/measured."""
    part, size = words[0], int(words[1])
    seed = int(words[2]) if len(words) > 2 else secrets.randbelow(10**6)
    started = time.monotonic()
    with contextlib.redirect_stdout(io.StringIO()) as body:
        TABLES[part](seed, size)
    minutes = (time.monotonic() - started) / 60
    made = f"Printed by `nox -s calibration -- {part} {size} {seed}` on {datetime.now(UTC):%Y-%m-%d}, in {minutes:.1f} minutes on one core."
    text = f"{HEADS[part]}\n\n{made} Without a seed it draws a fresh one.\n{WORDS[part]}\n\n{body.getvalue()}"
    (MEASURED / f"{part}.md").write_text(text.rstrip("\n") + "\n", encoding="utf-8")
    sys.stdout.write(text)


if __name__ == "__main__":
    main(sys.argv[1:])
