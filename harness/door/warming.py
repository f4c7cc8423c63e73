"""The turns before a gate's measured ones: each side fills compiler caches of its own, and what compiling took is written down."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from assay.harness.door import caches
from assay.harness.door.console import tell
from assay.harness.door.sides import Side
from assay.harness.door.turns import Table, Turn, take_turn
from assay.results.store import Store

# A warming turn is there for its side effects: kernels compiled, files in the page cache, refusals early.
SHORT = ("budget.seconds=0.01", "budget.warmup_seconds=0.01", "budget.min_reps=3")
FIRST_NUMBER = 900  # of a warming turn's log, so that it stands apart from measured ones

Steps = dict[str, dict[str, list[float]]]


def warmed(
    table: Table, sides: tuple[Side, Side], *, runs: int, pin: bool, across: Sequence[str]
) -> tuple[tuple[Side, Side], float, Steps]:
    """Give each side a cache of its own, and turns that do not count; gives (sides, seconds, first steps with cold caches).

    Args:
        table: where turns go.
        sides: base and head.
        runs: turns of each side, in the order A B B A; the first fills the cache that measured turns use, each other one a fresh cache.
        pin: whether the head gets the choices that the base's autotuners made.
        across: parameters that differ between the sides on purpose.

    """
    homes = {side.name: table.folder / "caches" / side.name for side in sides}
    both = tuple(in_cache(side, homes[side.name], pin=pin) for side in sides)
    steps: Steps = {}
    seconds = 0.0
    for number in range(runs):
        for place in (0, 1) if number % 2 == 0 else (1, 0):
            side = both[place] if number == 0 else in_cache(sides[place], table.folder / "caches" / "cold", pin=pin)
            turn = cold_turn(table, side, number=FIRST_NUMBER + 2 * number + place, of=f"{number + 1} of {runs}" if runs > 1 else "")
            seconds += turn.seconds
            for key, first in first_steps(turn, across).items():
                steps.setdefault(key, {"base": [], "head": []})[side.name].append(first)
            if number:
                shutil.rmtree(table.folder / "caches" / "cold")
            elif pin and place == 0:
                caches.pin(homes["base"], homes["head"])
    return (both[0], both[1]), seconds, {key: found for key, found in steps.items() if found["base"] and found["head"]}


def in_cache(side: Side, folder: Path, *, pin: bool) -> Side:
    """Let a side's compilers keep what they make in this folder."""
    return replace(side, environ=dict(side.environ) | caches.variables(folder, pin=pin))


def cold_turn(table: Table, side: Side, *, number: int, of: str) -> Turn:
    """Take one turn that does not count."""
    tell(f"{side.name}: {f'compiling, {of}' if of else 'warming up'} ({side.label})")
    return take_turn(table, side, number=number, extra=() if side.command else SHORT, store=Store(table.folder / "warm"))


def first_steps(turn: Turn, across: Sequence[str]) -> dict[str, float]:
    """Give the seconds of each case's very first step, slowest rank: with cold caches that is mostly compiling."""
    from assay.results.gate_pairs import renamed, shared_names
    from assay.results.side import read_side

    found = {}
    for run in turn.runs:
        renamed(read_side(run), run, across)  # refuses keys that become one
        names = shared_names(run, across)
        for measurement in run.measurements().measurements:
            rows = measurement.warmups.rows
            if rows and rows[0]:
                own = measurement.case.key
                found[names.get(own, own)] = max(row[0] for row in rows)
    return found
