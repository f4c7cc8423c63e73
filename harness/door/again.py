"""What a gate measures again: cases that nobody could decide get more pairs, and what is suspected gets fresh ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from assay.harness.door.console import tell
from assay.harness.door.sides import Side
from assay.harness.door.turns import Table, Turn, keys_file, pairs, take_turn
from assay.harness.rundir import RunDir

if TYPE_CHECKING:
    from assay.harness.door.gating import Gate
    from assay.results.gate_report import Cost
    from assay.results.gate_rows import Judged, Row

Taken = Sequence[tuple[Turn, Turn]]
# Numbers of the turns' logs.
EXTENDING, CONFIRMING = 300, 500


def decided(gate: Gate, table: Table, sides: tuple[Side, Side], taken: Taken, cost: Cost) -> tuple[Judged, Cost]:
    """Judge the first pass, give undecided cases more pairs if the gate was asked to, and hold every suspicion against fresh pairs."""
    from assay.results.gate_pairs import read_pairs
    from assay.results.gate_rows import confirm_rows, judge_pass, suspects

    judged = judge_pass(read_pairs(runs_of(taken), across=gate.across), gate.thresholds, planted=gate.planted)
    judged, cost = extended(gate, table, sides, taken, judged, cost)
    doubtful = suspects(judged.rows)
    if not doubtful:
        return judged, cost
    cost = replace(cost, suspected=len(doubtful), confirmed=len(doubtful))
    if not gate.confirm:
        return replace(judged, notes=(*judged.notes, "no confirming pass was made (--no-confirm)")), cost
    tell(f"measuring {len(doubtful)} suspected of {len(judged.rows)} again")
    fresh, seconds = fresh_pairs(gate, table, sides, taken, doubtful, count=gate.pairs, number=CONFIRMING)
    rows = confirm_rows(judged.rows, read_pairs(runs_of(fresh), across=gate.across), gate.thresholds)
    left = len(suspects(rows))
    return replace(judged, rows=rows), replace(cost, confirmed=left, confirm_turns=2 * len(fresh), confirm_seconds=seconds)


def extended(gate: Gate, table: Table, sides: tuple[Side, Side], taken: Taken, judged: Judged, cost: Cost) -> tuple[Judged, Cost]:
    """Give undecided cases up to ``gate.extend`` more pairs, as many as fit into the time budget."""
    from assay.results.gate_extend import extended as extend_rows
    from assay.results.gate_extend import undecided
    from assay.results.gate_pairs import read_pairs

    chosen = undecided(judged.rows, gate.extend) if gate.extend else []
    if not chosen:
        return judged, cost
    tell(f"measuring {len(chosen)} undecided of {len(judged.rows)} in up to {gate.extend} more pairs")

    def enough(done: int, spent: float) -> bool:
        return gate.seconds is not None and cost.warm_seconds + cost.seconds + spent + spent / done > gate.seconds

    more, seconds = fresh_pairs(gate, table, sides, taken, chosen, count=gate.extend, number=EXTENDING, after=len(taken), enough=enough)
    rows = extend_rows(judged.rows, chosen, read_pairs(runs_of(more), across=gate.across), gate.thresholds)
    still = {(row.key, row.subject) for row in rows if row.status == "inconclusive"}
    settled = sum((row.key, row.subject) not in still for row in chosen)
    cost = replace(cost, extended=len(chosen), settled=settled, extend_turns=2 * len(more), extend_seconds=seconds)
    return replace(judged, rows=rows), cost


def fresh_pairs(
    gate: Gate,
    table: Table,
    sides: tuple[Side, Side],
    taken: Taken,
    rows: Sequence[Row],
    *,
    count: int,
    number: int,
    after: int = 0,
    enough: Callable[[int, float], bool] = lambda _done, _seconds: False,
) -> tuple[list[tuple[Turn, Turn]], float]:
    """Measure pairs of some cases only (of everything where a command decides what it measures); gives (pairs, seconds)."""
    again = replace(table, options=[word for word in table.options if not word.startswith(("--budget", "--shard", "--case"))])
    files = [
        own_keys(table.folder, side, [turn.runs for turn in turns], rows, gate.across)
        for side, turns in zip(sides, zip(*taken, strict=True), strict=True)
    ]

    def take(side: int, turn: int) -> Turn:
        extra = [] if sides[side].command else [f"--cases={files[side]}"]
        return take_turn(again, sides[side], number=number + turn, extra=extra)

    return pairs(take, count, after=after, enough=enough)


def own_keys(folder: Path, side: Side, runs: Sequence[Sequence[RunDir]], rows: Sequence[Row], across: Sequence[str]) -> Path:
    """Write the cases of some rows by the keys that this side knows them by."""
    from assay.results.gate_pairs import own_names

    names = own_names([run for turn in runs[:1] for run in turn], across)
    kept = folder / side.name
    kept.mkdir(exist_ok=True)
    return keys_file(kept, [own for row in rows for own in names.get(row.key, [row.key])])


def runs_of(taken: Taken) -> list[tuple[tuple[RunDir, ...], tuple[RunDir, ...]]]:
    """Give the runs of every pair."""
    return [(base.runs, head.runs) for base, head in taken]
