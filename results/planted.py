"""How many planted slowdowns the gate finds in a machine's own noise, and how often it finds one that is not there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assay.results.gate import hold, look
from assay.results.thresholds import Thresholds

if TYPE_CHECKING:
    import numpy as np

    from assay.results.gate_report import GateReport
    from assay.results.paired import Floats

STEPS = (0.0, 0.01, 0.02, 0.05, 0.10)


@dataclass(frozen=True)
class Rate:
    """How often a slowdown of ``step`` was called slower: ``found`` of ``trials``; without a step every alarm counts."""

    step: float
    found: int
    trials: int

    @property
    def interval(self) -> tuple[float, float]:
        """Give the exact 95 % interval of the rate (Clopper and Pearson, Biometrika 26, 1934), as if trials shared no noise."""
        from scipy.stats import beta

        low = 0.0 if not self.found else float(beta.ppf(0.025, self.found, self.trials - self.found + 1))
        high = 1.0 if self.found == self.trials else float(beta.ppf(0.975, self.found + 1, self.trials - self.found))
        return low, high


def rates(report: GateReport, thresholds: Thresholds, *, trials: int = 100, seed: int = 0) -> list[Rate]:
    """Plant slowdowns into measured A/A pairs and count what the rule, with its confirming pass, says.

    In an A/A pair base and head may be swapped: nothing tells them apart. Every trial swaps a random half of the pairs, multiplies the head
    by 1 + step, and takes another such swapping for the confirming pass. The noise is this machine's own, and the truth is known.

    """
    import numpy as np

    whole = [row.values for row in report.rows if len(row.values) == report.pairs]
    if not whole:
        return []
    rng = np.random.default_rng(seed)
    table = np.array(whole)  # cases x pairs x (base, head)
    found = []
    for step in STEPS:
        hits = total = 0
        for _ in range(trials):
            statuses = trial(table, step, thresholds, rng)
            hits += sum(status in ({"slower"} if step else {"slower", "faster"}) for status in statuses)
            total += len(statuses)
        found.append(Rate(step, hits, total))
    return found


def trial(table: Floats, step: float, thresholds: Thresholds, rng: np.random.Generator) -> Sequence[str]:
    """Judge one swapping of all cases, and another one of those that were flagged; gives each case's status."""
    base, head = swapped(table, rng)
    statuses = []
    again = swapped(table, rng)
    for i, first in enumerate(look(base, head * (1 + step), thresholds)):
        status = first.status
        if status in {"slower", "faster"}:
            status = hold(first, again[0][i : i + 1], again[1][i : i + 1] * (1 + step), thresholds)[0].status
        statuses.append(status)
    return statuses


def swapped(table: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Swap base and head in a random half of the pairs, alike in all cases: what a pair's runs share stays together."""
    import numpy as np

    flip = rng.random(table.shape[1]) < 0.5  # noqa: PLR2004 - either way with equal chance
    base, head = table[:, :, 0], table[:, :, 1]
    return np.where(flip, head, base), np.where(flip, base, head)
