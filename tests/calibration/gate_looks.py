"""What more pairs for undecided cases bring and cost, and how often cases that differ by the whole margin are called the same."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from assay.results.gate import Look, hold, look
from assay.results.gate_extend import REACH
from assay.results.thresholds import Thresholds
from tests.calibration.gate import CASES, NOISES, SLOW, Count, Suite, Values, runs_of, spreads
from tests.calibration.models import proportion

PAIRS = 10
EDGE = 0.05  # the margin of the second table, and how far its cases truly lie apart
FLAGS = {"slower", "faster"}


@dataclass
class Looked(Count):
    """What the gate did in all suites of a row, ``more`` pairs besides."""

    undecided: int = 0
    extended: int = 0


def looked(
    rng: np.random.Generator, suite: Suite, steps: Values, more: int, thresholds: Thresholds, *, model: str, drift: float
) -> tuple[list[Look], int]:
    """Give (each case's look after at most two, how many had two)."""
    looks = look(suite.base, suite.head, thresholds)
    reach = REACH * (suite.base.shape[1] + more)
    open_ones = [i for i, one in enumerate(looks) if one.status == "inconclusive" and one.needed is not None and one.needed <= reach]
    if not more or not open_ones:
        return looks, 0
    fresh = runs_of(rng, suite.cvs[open_ones], steps[open_ones], more, model=model, drift=drift)
    again = look(np.hstack([suite.base[open_ones], fresh.base]), np.hstack([suite.head[open_ones], fresh.head]), thresholds)
    for i, one in zip(open_ones, again, strict=True):
        looks[i] = one
    return looks, len(open_ones)


def extend_row(rng: np.random.Generator, *, model: str, drift: float, more: int, suites: int) -> Looked:
    """Count a whole gate with ``more`` pairs for undecided cases over some suites; steps of 2 %."""
    thresholds = Thresholds(looks=2 if more else 1)
    counted = Looked()
    for _ in range(suites):
        cvs, steps = spreads(rng, spread=0.0), np.zeros(CASES)
        steps[:SLOW] = 0.02
        suite = runs_of(rng, cvs, steps, PAIRS, model=model, drift=drift)
        looks, extended = looked(rng, suite, steps, more, thresholds, model=model, drift=drift)
        doubtful = [i for i, one in enumerate(looks) if one.status in FLAGS]
        if doubtful:
            fresh = runs_of(rng, cvs[doubtful], steps[doubtful], PAIRS, model=model, drift=drift)
            for row, i in enumerate(doubtful):
                looks[i], _ = hold(looks[i], fresh.base[row : row + 1], fresh.head[row : row + 1], thresholds)
        flagged = {i for i, one in enumerate(looks) if one.status in FLAGS}
        counted.add(flagged, len(doubtful), sum(one.status == "same" for one in looks[SLOW:]))
        counted.undecided += sum(one.status == "inconclusive" for one in looks)
        counted.extended += extended
    return counted


def edge_row(rng: np.random.Generator, *, model: str, more: int, suites: int) -> tuple[int, int]:
    """Count (cases called the same, cases) where every second case truly differs by the margin."""
    thresholds = Thresholds(min_effect=EDGE, looks=2 if more else 1)
    steps = np.where(np.arange(CASES) % 2, EDGE, 0.0)
    called = total = 0
    for _ in range(suites):
        suite = runs_of(rng, np.full(CASES, 0.015), steps, PAIRS, model=model, drift=0.0)
        looks, _ = looked(rng, suite, steps, more, thresholds, model=model, drift=0.0)
        called += sum(one.status == "same" for one in looks[1::2])
        total += CASES // 2
    return called, total


def text(seed: int, size: int) -> str:
    """Write both tables as Markdown."""
    rng = np.random.default_rng(seed)
    lines = [
        f"More pairs for undecided cases (`--extend`): {size} suites a row as above, steps of 2 %, {PAIRS} pairs and up to so many more. Undecided: of {CASES}.",
        "",
        "| noise | drift | more | recall [95 %] | false flags a suite [95 %] | same, of the unchanged | undecided | got more pairs |",
        "|" + "---|" * 8,
    ]
    for model in NOISES:
        for drift in (0.0, 0.01):
            for more in (0, 10, 20):
                own = extend_row(rng, model=model, drift=drift, more=more, suites=size)
                low, high = proportion(own.found, own.slow)
                wrong = [end * CASES for end in proportion(own.wrong, own.suites * (CASES - SLOW))]
                lines.append(
                    f"| {model} | {100 * drift:g} % | {more} | {own.recall:.3f} [{low:.3f}, {high:.3f}] "
                    f"| {own.false_flags:.2f} [{wrong[0]:.2f}, {wrong[1]:.2f}] | {own.same / own.suites / (CASES - SLOW):.2f} "
                    f"| {own.undecided / own.suites:.1f} | {own.extended / own.suites:.1f} |"
                )
    lines += [
        "",
        f"Cases that differ by the whole margin ({100 * EDGE:g} %), noise 1.5 %: how many are called the same. 5 % may be, over all looks together.",
        "",
        "| noise | no more pairs [95 %] | --extend 10 [95 %] |",
        "|---|---|---|",
    ]
    for model in NOISES:
        shares = []
        for more in (0, 10):
            called, total = edge_row(rng, model=model, more=more, suites=max(1, size // 2))
            low, high = proportion(called, total)
            shares.append(f"{100 * called / total:.1f} % [{100 * low:.1f}, {100 * high:.1f}]")
        lines.append(f"| {model} | {' | '.join(shares)} |")
    return "\n".join(lines) + "\n"
