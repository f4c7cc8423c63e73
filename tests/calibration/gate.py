"""How often the gate cries wolf, and what it finds: a suite of cases with known slowdowns, noise of every model, drift that all cases share.

The peers' rules see the very same runs: one run a side and a 5 % threshold, a t-test on the iterations of one run a side, asv's and
pytest-benchmark's way of comparing two stored results, and a Mann-Whitney test on runs that were measured one side after the other.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.results.gate import hold, look
from assay.results.thresholds import Thresholds
from tests.calibration.models import MODELS, proportion, walk

Values = NDArray[np.float64]
CASES, SLOW = 200, 10
ITERATIONS = 100
ITERATION_CV = 0.01
HEADS = (
    "noise",
    "drift",
    "step",
    "pairs",
    "assay gate: recall [95 %]",
    "false flags a suite [95 %]",
    "measured again",
    "same, of the unchanged",
    "Mann-Whitney, A then B",
    "asv compare",
    "one run, 5 %",
    "t-test, single runs",
)
NOISES = ("normal", "lognormal", "student", "spikes", "bimodal")


@dataclass(frozen=True)
class Suite:
    """Runs of a suite, cases x runs in seconds; the first ``SLOW`` cases of the head are slower. ``cvs`` is each case's noise between runs."""

    base: Values
    head: Values
    cvs: Values


def runs_of(rng: np.random.Generator, cvs: Values, steps: Values, pairs: int, *, model: str, drift: float, order: str = "ABBA") -> Suite:
    """Draw the per-run medians of both sides: 1 ms, noise of ``model`` between runs, a random walk of ``drift`` a run that all cases share."""
    count = 2 * pairs
    noise = np.array([MODELS[model](rng, count, cv) for cv in cvs])
    times = 1e-3 * np.maximum(1 + noise, 0.2) * np.exp(walk(rng, count, drift) if drift else np.zeros(count))
    if order == "ABBA":
        first = np.array([2 * i + i % 2 for i in range(pairs)])
        second = np.array([2 * i + 1 - i % 2 for i in range(pairs)])
    else:  # all of A, then all of B
        first, second = np.arange(pairs), np.arange(pairs, count)
    return Suite(times[:, first], times[:, second] * (1 + steps)[:, None], cvs)


def spreads(rng: np.random.Generator, *, spread: float) -> Values:
    """Draw each case's noise: 1 %, lognormal over the cases with this ``spread`` (0: all alike)."""
    return 0.01 * np.exp(spread * rng.standard_normal(CASES))


def ours(rng: np.random.Generator, suite: Suite, steps: Values, *, model: str, drift: float) -> tuple[set[int], int, int]:
    """Give (cases called slower or faster, cases that were measured again, unchanged cases called the same)."""
    thresholds = Thresholds()
    pairs = suite.base.shape[1]
    found = set()
    looks = look(suite.base, suite.head, thresholds)
    doubtful = [i for i, one in enumerate(looks) if one.status in {"slower", "faster"}]
    if doubtful:
        fresh = runs_of(rng, suite.cvs[doubtful], steps[doubtful], pairs, model=model, drift=drift)
        for row, i in enumerate(doubtful):
            verdict, _ = hold(looks[i], fresh.base[row : row + 1], fresh.head[row : row + 1], thresholds)
            if verdict.status in {"slower", "faster"}:
                found.add(i)
    return found, len(doubtful), sum(one.status == "same" for one in looks[SLOW:])


def threshold(suite: Suite) -> set[int]:
    """One run a side, 5 % (pytest-benchmark's --benchmark-compare-fail, torchbench's 7 % in kind)."""
    return set(np.flatnonzero(np.abs(suite.head[:, 0] / suite.base[:, 0] - 1) > 0.05))


def pooled(rng: np.random.Generator, suite: Suite) -> set[int]:
    """Welch's t-test on 100 iterations of one run a side, as if iterations were independent (p < 0.05)."""
    from scipy.stats import ttest_ind

    sides = [values[:, :1] * (1 + ITERATION_CV * rng.standard_normal((CASES, ITERATIONS))) for values in (suite.base, suite.head)]
    return set(np.flatnonzero(ttest_ind(sides[0], sides[1], axis=1, equal_var=False).pvalue < 0.05))


def asv_compare(rng: np.random.Generator, suite: Suite) -> set[int]:
    """Asv continuous: Mann-Whitney on the samples of two processes a side, p < 0.002, and a factor of 1.05 (asv.statistics, asv.commands.compare)."""
    from scipy.stats import mannwhitneyu

    sides = [
        (values[:, :2, None] * (1 + ITERATION_CV * rng.standard_normal((CASES, 2, ITERATIONS // 2)))).reshape(CASES, -1)
        for values in (suite.base, suite.head)
    ]
    p = mannwhitneyu(sides[0], sides[1], axis=1).pvalue
    ratio = np.median(sides[1], axis=1) / np.median(sides[0], axis=1)
    return set(np.flatnonzero((p < 0.002) & ((ratio > 1.05) | (ratio < 1 / 1.05))))


def sequential(suite: Suite) -> set[int]:
    """Mann-Whitney on run medians, p < 0.05 and over 1 %, all of A measured before all of B."""
    from scipy.stats import mannwhitneyu

    p = mannwhitneyu(suite.base, suite.head, axis=1, method="exact").pvalue
    ratio = np.median(suite.head, axis=1) / np.median(suite.base, axis=1)
    return set(np.flatnonzero((p < 0.05) & (np.abs(ratio - 1) > 0.01)))


@dataclass
class Count:
    """What a rule did in all suites of a cell."""

    suites: int = 0
    found: int = 0
    slow: int = 0
    wrong: int = 0
    again: int = 0
    same: int = 0

    def add(self, flagged: set[int], again: int = 0, same: int = 0) -> None:
        """Count one suite's flags; the first ``SLOW`` cases are truly slower."""
        hits = {i for i in flagged if i < SLOW}
        self.suites += 1
        self.found += len(hits)
        self.slow += SLOW
        self.wrong += len(flagged - hits)
        self.again += again
        self.same += same

    @property
    def recall(self) -> float:
        """Share of slower cases that were found."""
        return self.found / self.slow

    @property
    def false_flags(self) -> float:
        """False flags a suite of 200 cases."""
        return self.wrong / self.suites * CASES / (CASES - SLOW)


def cell(rng: np.random.Generator, *, model: str, drift: float, step: float, pairs: int, suites: int, spread: float) -> dict[str, Count]:
    """Count every rule over some suites of one kind."""
    counts: dict[str, Count] = {}
    for _ in range(suites):
        cvs, steps = spreads(rng, spread=spread), np.zeros(CASES)
        steps[:SLOW] = step
        suite = runs_of(rng, cvs, steps, pairs, model=model, drift=drift)
        straight = runs_of(rng, cvs, steps, pairs, model=model, drift=drift, order="AABB")
        counts.setdefault("assay gate", Count()).add(*ours(rng, suite, steps, model=model, drift=drift))
        counts.setdefault("Mann-Whitney, A then B", Count()).add(sequential(straight))
        counts.setdefault("asv compare", Count()).add(asv_compare(rng, straight))
        counts.setdefault("one run, 5 %", Count()).add(threshold(straight))
        counts.setdefault("t-test, single runs", Count()).add(pooled(rng, straight))
    return counts


def cells(size: int) -> Iterator[dict[str, float | int | str]]:
    """List the cells of the table; ``size`` is suites a cell."""
    for model in NOISES:
        for drift in (0.0, 0.01):
            for step in (0.02, 0.05):
                yield {"model": model, "drift": drift, "step": step, "pairs": 10, "suites": size, "spread": 0.0}
    for drift in (0.0, 0.01):
        for step in (0.02, 0.05):
            yield {"model": "normal", "drift": drift, "step": step, "pairs": 10, "suites": size, "spread": 0.5}
    for pairs in (5, 8, 20):
        yield {"model": "normal", "drift": 0.01, "step": 0.02, "pairs": pairs, "suites": size, "spread": 0.0}


def main(seed: int, size: int) -> None:
    """Print the table, and those of more pairs and of what is called the same."""
    from tests.calibration.gate_looks import text as looks

    sys.stdout.write(text(seed, size))
    sys.stdout.write("\n" + looks(seed + 1, size))


def text(seed: int, size: int) -> str:
    """Write the table as Markdown, Monte-Carlo intervals (95 %, exact) beside our own figures."""
    rng = np.random.default_rng(seed)
    lines = [
        f"{size} suites of {CASES} cases a row, {SLOW} of them truly slower, noise between runs 1 %. Other columns: recall / false flags a suite.",
        "",
        f"| {' | '.join(HEADS)} |",
        "|" + "---|" * len(HEADS),
    ]
    for chosen in cells(size):
        counts = cell(rng, **chosen)  # type: ignore[arg-type]
        own = counts["assay gate"]
        low, high = proportion(own.found, own.slow)
        wrong = [end * CASES for end in proportion(own.wrong, own.suites * (CASES - SLOW))]
        noise = f"{chosen['model']}{', cases differ' if chosen['spread'] else ''}"
        others = [f"{counts[name].recall:.2f} / {counts[name].false_flags:.2f}" for name in list(counts)[1:]]
        lines.append(
            f"| {noise} | {100 * float(chosen['drift']):g} % | {100 * float(chosen['step']):g} % | {chosen['pairs']} "
            f"| {own.recall:.3f} [{low:.3f}, {high:.3f}] | {own.false_flags:.2f} [{wrong[0]:.2f}, {wrong[1]:.2f}] "
            f"| {own.again / own.suites:.1f} cases | {own.same / own.suites / (CASES - SLOW):.2f} | {' | '.join(others)} |"
        )
    return "\n".join(lines) + "\n"
