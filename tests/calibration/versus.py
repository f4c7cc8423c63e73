"""How often the vendor comparison misses the truth: vendors whose speeds are known, on nodes and in sessions that differ by chance.

Node and session are crossed random factors: every node takes part in every session, all of a vendor's nodes share what a session does to
them. On top come run noise of a model, shared by the cases of a run, and a little noise of each case. Beside ours stands the rule that this
page was begun with: nodes are the units (Welch), sessions are averaged inside them.
"""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import fmean, variance

import numpy as np
from scipy.special import stdtrit

from assay.results.contender import Contender, Figure
from assay.results.versus import versus
from tests.calibration.models import MODELS, proportion

CASES, RUNS = 5, 2  # cases, and runs of each node in each session
CASE_SD = 0.003
TRUTHS = (1.0, 1.03, 1.05, 1.10)
NOISES = ("normal", "lognormal", "student", "spikes", "bimodal", "ar0.5")
SHAPES = ((3, 2), (5, 2), (3, 3), (8, 3), (8, 5))
HEADS = (
    "noise",
    "nodes x sessions",
    "node/session/run sd in %",
    "coverage [95 %]",
    "nodes only: coverage",
    "width in %",
    "equal: ranked apart [95 %]",
    "3 % faster: ranked right",
    "5 %",
    "10 %",
    "ranked the wrong way round [95 %]",
)


@dataclass(frozen=True)
class Setting:
    """What vendors are made of: the model of the noise between runs, how many nodes and sessions, and three standard deviations."""

    model: str = "normal"
    nodes: int = 3
    sessions: int = 2
    node: float = 0.01
    session: float = 0.003
    run: float = 0.005


def vendor(rng: np.random.Generator, label: str, speed: float, of: Setting) -> Contender:
    """Draw one vendor."""
    nodes = of.node * rng.standard_normal(of.nodes)
    sessions = of.session * rng.standard_normal(of.sessions)
    count = of.nodes * of.sessions * RUNS
    noise = MODELS[of.model](rng, count, of.run).reshape(of.nodes, of.sessions, RUNS)
    own = CASE_SD * rng.standard_normal((CASES, of.nodes, of.sessions, RUNS))
    rates = speed * np.exp(nodes[:, None, None] + sessions[None, :, None] + own) / (1 + noise)
    figures = {
        f"case{k}": Figure(
            "flop_rate",
            "FLOP/s",
            {(f"{label}{i}", f"{label}-{j}"): rates[k, i, j].tolist() for i in range(of.nodes) for j in range(of.sessions)},
        )
        for k in range(CASES)
    }
    names = tuple(f"{label}{i}" for i in range(of.nodes)), tuple(f"{label}-{j}" for j in range(of.sessions))
    return Contender(label, (label,), figures, nodes=names[0], sessions=names[1])


def nodes_only(a: Contender, b: Contender, truth: float) -> bool:
    """Tell whether Welch's interval over nodes holds the truth (log of b over a)."""
    sides = []
    for one in (a, b):
        by_node = [figure.by_node for figure in one.figures.values()]
        sides.append([fmean(own[node] for own in by_node) for node in one.nodes])
    parts = [variance(side) / len(side) for side in sides]
    freedom = sum(parts) ** 2 / sum(part**2 / (len(side) - 1) for part, side in zip(parts, sides, strict=True))
    half = float(stdtrit(freedom, 0.975)) * math.sqrt(sum(parts))
    return abs(fmean(sides[1]) - fmean(sides[0]) - math.log(truth)) <= half


@dataclass
class Count:
    """What some comparisons of one setting came to."""

    trials: int = 0
    covered: int = 0
    nodes_only: int = 0
    width: float = 0.0
    outcomes: dict[float, Counter[str]] | None = None

    def rate(self, truth: float, outcome: str) -> float:
        """Give the share of one outcome at one truth."""
        own = (self.outcomes or {})[truth]
        return own[outcome] / own.total()

    def share(self, truth: float, outcome: str) -> str:
        """Write it with its interval."""
        own = (self.outcomes or {})[truth]
        return written(own[outcome], own.total())


def written(hits: int, trials: int) -> str:
    """Write a counted rate with its exact 95 % interval."""
    low, high = proportion(hits, trials)
    return f"{hits / trials:.3f} [{low:.3f}, {high:.3f}]"


def outcome(ranking: list[list[str]], truth: float) -> str:
    """Say what a ranking of ``a`` and ``b`` came to, where b is ``truth`` times as fast: together, right or wrong."""
    if len(ranking) == 1:
        return "together"
    return "right" if truth > 1 and ranking[0] == ["b"] else "wrong"


def cell(rng: np.random.Generator, of: Setting, size: int) -> Count:
    """Compare ``size`` pairs of vendors at each truth."""
    found = Count(outcomes={truth: Counter() for truth in TRUTHS})
    assert found.outcomes is not None
    for truth in TRUTHS:
        for _ in range(size):
            a, b = vendor(rng, "a", 1.0, of), vendor(rng, "b", truth, of)
            told = versus([a, b])
            ends = told.ratios[1].interval
            assert ends is not None
            found.trials += 1
            found.covered += ends[0] <= truth <= ends[1]
            found.nodes_only += nodes_only(a, b, truth)
            found.width += math.log(ends[1] / ends[0])
            found.outcomes[truth][outcome([list(group) for group in told.ranking], truth)] += 1
    return found


def settings() -> Iterator[Setting]:
    """List the rows of the table."""
    for model in NOISES:
        yield Setting(model)
    for nodes, sessions in SHAPES:
        for node, session in ((0.01, 0.0), (0.01, 0.003), (0.005, 0.005), (0.003, 0.01)):
            yield Setting("normal", nodes, sessions, node, session)


def row(of: Setting, found: Count) -> str:
    """Write one row."""
    right = [found.share(truth, "right") for truth in TRUTHS[1:]]
    faster = [(found.outcomes or {})[truth] for truth in TRUTHS[1:]]
    turned = sum(counted["wrong"] for counted in faster)
    cells = (
        of.model,
        f"{of.nodes} x {of.sessions}",
        f"{100 * of.node:g} / {100 * of.session:g} / {100 * of.run:g}",
        written(found.covered, found.trials),
        f"{found.nodes_only / found.trials:.3f}",
        f"{100 * found.width / found.trials:.1f}",
        found.share(1.0, "wrong"),
        *right,
        written(turned, sum(counted.total() for counted in faster)),
    )
    return f"| {' | '.join(cells)} |"


def main(seed: int, size: int) -> None:
    """Print the table as Markdown; ``size`` is how many pairs of vendors are drawn at each truth."""
    rng = np.random.default_rng(seed)
    sys.stdout.write(
        f"{size} pairs of vendors at each of four truths (equal, and 3, 5 and 10 % faster), {CASES} cases, {RUNS} runs of each node in each "
        f"session. Coverage counts all {len(TRUTHS) * size} of a row.\n\n| {' | '.join(HEADS)} |\n|{'---|' * len(HEADS)}\n"
    )
    for of in settings():
        sys.stdout.write(row(of, cell(rng, of, size)) + "\n")
