"""One gate from sides to outcome: warm both, measure pairs, judge, confirm what is suspected, keep everything."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.harness.door import caches
from assay.harness.door.again import decided
from assay.harness.door.console import tell
from assay.harness.door.sides import Side
from assay.harness.door.turns import Table, Turn, pairs, take_turn
from assay.harness.door.warming import warmed
from assay.harness.errors import RefusalError, StoreError
from assay.harness.rundir import finite, write_atomic
from assay.results.store import new_id

if TYPE_CHECKING:
    from assay.results.gate_report import GateReport
    from assay.results.thresholds import Thresholds

FOLDER = "gates"
SHARE = 0.8  # of a time budget that measuring may plan with; the rest is for starting processes


@dataclass(frozen=True)
class Gate:
    """What a gate is asked to do.

    Attributes:
        sides: base and head.
        pairs: of the first pass, and of the confirming one.
        thresholds: what counts.
        across: parameters that differ between the sides on purpose.
        seconds: for all of it; None for as long as it takes.
        warm: whether each side gets a turn that does not count first.
        extend: pairs that undecided cases get besides; 0 for none.
        confirm: whether suspicions are measured again.
        compile_runs: turns of each side with cold caches; the first of them warms what is measured.
        pin_autotune: whether the head gets the base's choices.
        planted: whether planted faults may be compared (self-test).
        options: what the outcome says besides (shard, advisory, ...).

    """

    sides: tuple[Side, Side]
    pairs: int
    thresholds: Thresholds
    across: Sequence[str] = ()
    seconds: float | None = None
    warm: bool = True
    extend: int = 0
    confirm: bool = True
    compile_runs: int = 1
    pin_autotune: bool = False
    planted: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)


def make_folder(root: Path) -> Path:
    """Make the folder of one gate in a store; StoreError if that cannot be written."""
    path = root / FOLDER / new_id(datetime.now(UTC), secrets.token_hex(3))
    try:
        path.mkdir(parents=True)
    except OSError as error:
        message = f"cannot make {path}: {error.strerror}. Choose a store that you may write (--store DIR or ASSAY_STORE)"
        raise StoreError(message) from error
    return path


def hold_gate(gate: Gate, table: Table) -> GateReport:
    """Measure and judge; the outcome is written to ``gate.json`` in the gate's folder."""
    from assay.results.gate_report import Cost, GateReport

    when = datetime.now(UTC).isoformat(timespec="seconds")
    sides, warm_seconds, compiled = warmed(
        table, gate.sides, runs=gate.compile_runs if gate.warm else 0, pin=gate.pin_autotune, across=gate.across
    )
    budgeted = (
        table if gate.seconds is None else replace(table, options=[*table.options, *per_turn(gate, sides, gate.seconds - warm_seconds)])
    )
    enough = (lambda done, spent: stop_now(gate, done, spent + warm_seconds)) if gate.seconds and sides[0].command else lambda _d, _s: False
    taken, seconds = pairs(lambda side, number: take_turn(budgeted, sides[side], number=number), gate.pairs, enough=enough)
    cost = Cost(turns=2 * len(taken), seconds=seconds, warm_seconds=warm_seconds)
    judged, cost = decided(gate, budgeted, sides, taken, cost)
    found = caches.told(table.folder / "caches" / "base", table.folder / "caches" / "head")
    notes = [*judged.notes, *caches.notes(found, pinned=gate.pin_autotune), *shortened(gate, taken)]
    report = GateReport(
        id=table.folder.name,
        when=when,
        base=sides[0].as_dict(),
        head=sides[1].as_dict(),
        command=list(sides[0].command) or ["assay", "run", *table.overrides],
        pairs=len(taken),
        thresholds=gate.thresholds,
        rows=judged.rows,
        notes=notes,
        aa=judged.aa,
        cost=cost,
        caches=found,
        compiled=compiled,
        machine=machine_of(taken),
        **gate.options,
    )
    keep(report, table.folder)
    return report


def keep(report: GateReport, folder: Path) -> None:
    """Write the outcome of a gate."""
    from assay.results.gate_report import FILE

    write_atomic(folder / FILE, json.dumps(finite(report.as_dict()), indent=1, allow_nan=False) + "\n")


def per_turn(gate: Gate, sides: tuple[Side, Side], seconds: float) -> list[str]:
    """Share a time budget out to the turns of a plan, which leave out what does not fit; commands get fewer pairs instead."""
    if sides[0].command:
        return []
    share = SHARE * seconds / (2 * (gate.pairs + gate.extend))
    if share <= 0:
        message = "is spent on warming up already"
        raise RefusalError(message, value=f"{gate.seconds:g} s", where="--budget", fix="Give more time, or say --no-warm.")
    return [f"--budget={share:.1f}s"]


def stop_now(gate: Gate, done: int, spent: float) -> bool:
    """Tell whether another pair would no longer fit into the budget."""
    return gate.seconds is not None and spent + spent / done > SHARE * gate.seconds


def shortened(gate: Gate, taken: Sequence[tuple[Turn, Turn]]) -> list[str]:
    """Say that the budget cut the pairs."""
    if len(taken) == gate.pairs:
        return []
    return [f"the time budget ended the gate after {len(taken)} of {gate.pairs} pairs"]


def machine_of(taken: Sequence[tuple[Turn, Turn]]) -> str:
    """Give the hardware class of the first run."""
    return str(taken[0][0].runs[0].read_json("run.json").get("hw_class") or "")


def store_root(url: str | None) -> Path:
    """Find the store that a gate lies in."""
    from assay.results.store import locate

    return locate(url, os.environ).absolute()


def past(root: Path) -> list[GateReport]:
    """Read every gate of a store that can be read, oldest first."""
    from assay.results.gate_report import FILE, read_report

    found = []
    for path in sorted((root / FOLDER).glob(f"*/{FILE}")):
        try:
            found.append(read_report(path))
        except StoreError as error:
            tell(f"note: {error}")
    return found
