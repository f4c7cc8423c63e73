"""Compile times of a gate: each case's very first step with cold caches, a metric of its own that never mixes with the verdict on steps."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

from assay.results.gate import FEWEST, Look, look
from assay.results.thresholds import Thresholds
from assay.results.units import duration, percent, signed

if TYPE_CHECKING:
    from assay.results.gate_report import GateReport

# Seconds of each case's first step, one number a cold run: {key: {"base": [...], "head": [...]}}.
Compiled = Mapping[str, Mapping[str, Sequence[float]]]
WORDS = {"slower": "looks slower (not confirmed)", "faster": "looks faster (not confirmed)"}


@dataclass(frozen=True)
class CompileTime:
    """One case's compile time on both sides, geometric means in seconds; ``look`` says what its runs say, where they are enough."""

    key: str
    base: float
    head: float
    runs: tuple[int, int]
    spreads: tuple[float | None, float | None]
    look: Look | None

    @property
    def status(self) -> str:
        """Give ``slower``, ``faster``, ``same`` or ``inconclusive``; ``inconclusive`` too where there are too few runs to ask."""
        return self.look.status if self.look else "inconclusive"

    @property
    def counted(self) -> str:
        """Say how many cold runs there were, and how far they spread."""
        number = f"{self.runs[0]}" if self.runs[0] == self.runs[1] else f"{self.runs[0]} and {self.runs[1]}"
        known = [percent(spread) for spread in self.spreads if spread is not None]
        return f"{number} cold run{'' if number == '1' else 's'} a side" + (f", spread {' and '.join(known)}" if known else "")

    @property
    def said(self) -> str:
        """Say in words what the runs tell."""
        if self.look is None:
            return f"from under {FEWEST} runs nobody can tell (--compile-runs 5)"
        return WORDS.get(self.look.status, self.look.status) + ("" if self.look.p >= 1 else f", p {self.look.p:.2g}")


def compile_times(compiled: Compiled, thresholds: Thresholds) -> list[CompileTime]:
    """Give every case's compile time; those with ``FEWEST`` cold runs a side or more are judged by the gate's first pass, unconfirmed.

    Cold runs were made in the order A B B A, as pairs are.
    """
    import numpy as np

    counts = {key: min(len(sides["base"]), len(sides["head"])) for key, sides in compiled.items()}
    looks: dict[str, Look] = {}
    for count in {count for count in counts.values() if count >= FEWEST}:
        keys = [key for key, number in counts.items() if number == count]
        base, head = (np.array([compiled[key][side][:count] for key in keys]) for side in ("base", "head"))
        looks |= dict(zip(keys, look(base, head, thresholds), strict=True))
    return [timed(key, sides["base"], sides["head"], looks.get(key)) for key, sides in compiled.items() if counts[key]]


def timed(key: str, base: Sequence[float], head: Sequence[float], found: Look | None) -> CompileTime:
    """Sum up one case's cold runs."""
    means = [math.exp(fmean(map(math.log, side))) for side in (base, head)]
    spreads = [stdev(map(math.log, side)) if len(side) > 1 else None for side in (base, head)]
    return CompileTime(key, means[0], means[1], (len(base), len(head)), (spreads[0], spreads[1]), found)


def compile_rows(report: GateReport) -> list[CompileTime]:
    """Give the compile times that are worth telling: those of a gate in which a compiler wrote into its cache."""
    filled = any(report.caches.get("files", {}).values())
    return compile_times(report.compiled, report.thresholds) if filled else []


def compile_lines(report: GateReport) -> list[str]:
    """Write them for a terminal."""
    rows = compile_rows(report)
    lines = ["compile time (first step, caches cold; no part of the verdict):"] if rows else []
    return lines + [f"  {row.key}  {change(row)}, {row.counted}: {row.said}" for row in rows]


def change(row: CompileTime) -> str:
    """Write both sides with their unit and the change, with its interval where there is one."""
    text = f"{duration(row.base)} -> {duration(row.head)}  {signed(row.head / row.base - 1)}"
    if row.look is not None and row.look.interval is not None:
        text += f" [{signed(row.look.interval[0])}, {signed(row.look.interval[1])}]"
    return text


def read_compiled(data: Mapping[str, Any]) -> dict[str, dict[str, list[float]]]:
    """Read compile times; older files have one (base, head) a case. KeyError, TypeError or ValueError for anything else."""
    found = {}
    for key, value in data.items():
        sides = value if isinstance(value, dict) else {"base": [value[0]], "head": [value[1]]}
        found[key] = {name: [float(seconds) for seconds in sides[name]] for name in ("base", "head")}
    return found
