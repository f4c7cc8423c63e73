"""How often the fleet rule flags a healthy unit, and how many sick ones it finds, beside the rules of peers on the same sweeps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from assay.results.fleet import Limits, Unit, confirm_list, confirmed, judge_case
from tests.calibration.models import proportion

Values = NDArray[np.float64]
LIMITS = Limits()
NORMAL = 700.0  # of what is measured, TFLOP/s say


@dataclass(frozen=True)
class Kind:
    """A fleet: spread between units, noise between runs of one unit, and how often a run hiccups (by 5 to 15 %)."""

    node: float
    run: float
    hiccups: float = 0.0

    @property
    def name(self) -> str:
        """Write it as in the tables of the literature."""
        return f"{100 * self.node:g} % / {100 * self.run:g} %" + (f" + {100 * self.hiccups:g} % hiccups" if self.hiccups else "")


KINDS = (Kind(0.003, 0.003), Kind(0.01, 0.01), Kind(0.003, 0.01, 0.05))


def sweep(rng: np.random.Generator, kind: Kind, units: Values, runs: int) -> Values:
    """Measure every unit so many times; ``units`` are their true rates."""
    noise = kind.run * rng.standard_normal((len(units), runs))
    hit = rng.random((len(units), runs)) < kind.hiccups
    return units[:, None] * (1 + noise) * (1 - hit * rng.uniform(0.05, 0.15, (len(units), runs)))


def fleet(rng: np.random.Generator, kind: Kind, size: int, bad: int, deficit: float) -> Values:
    """Draw the true rates; the first ``bad`` units lack ``deficit``."""
    rates = NORMAL * (1 + kind.node * rng.standard_normal(size))
    rates[:bad] *= 1 - deficit
    return rates


def ours(rng: np.random.Generator, kind: Kind, rates: Values, values: Values) -> tuple[set[int], set[int]]:
    """Give (units called slow, units still called slow after the confirming pass of 5 runs beside two controls)."""
    found = judge_case(
        [Unit(f"{i:05d}", tuple(row)) for i, row in enumerate(values)],
        case="gemm",
        metric="flop_rate",
        unit="FLOP/s",
        better="higher",
        limits=LIMITS,
    )
    slow = {int(one.unit): one for one in found if one.status == "slow"}
    plan = {int(row["unit"]): [int(name) for name in row["with"]] for row in confirm_list(found)}
    kept = set()
    for unit, one in slow.items():
        fresh = sweep(rng, kind, rates[[unit, *plan[unit]]], 5)
        if confirmed(one, fresh[0].tolist(), fresh[1:].ravel().tolist(), better="higher", limits=LIMITS):
            kept.add(unit)
    return set(slow), kept


def three_sigma(values: Values) -> set[int]:
    """Mean minus three standard deviations of the units' means."""
    means = values.mean(axis=1)
    return set(np.flatnonzero(means < means.mean() - 3 * means.std(ddof=1)))


def fixed(share: float) -> Callable[[Values], set[int]]:
    """Make the rule "more than so much under the median of the fleet"."""
    return lambda values: set(np.flatnonzero(np.median(values, axis=1) < (1 - share) * np.median(values)))


def fences(values: Values) -> set[int]:
    """Tukey's lower fence: a quarter quantile minus 1.5 interquartile ranges."""
    scores = np.median(values, axis=1)
    low, high = np.quantile(scores, [0.25, 0.75])
    return set(np.flatnonzero(scores < low - 1.5 * (high - low)))


PEERS: Mapping[str, Callable[[Values], set[int]]] = MappingProxyType(
    {"mean - 3 sigma": three_sigma, "5 % under median": fixed(0.05), "3 % under median": fixed(0.03), "IQR fences": fences}
)


def cell(
    rng: np.random.Generator, kind: Kind, *, size: int, runs: int, bad: int, deficit: float, sweeps: int
) -> dict[str, tuple[int, int]]:
    """Count (sick units found, healthy units flagged) of every rule over some sweeps."""
    counts = dict.fromkeys(("assay", "assay, confirmed", *PEERS), (0, 0))
    for _ in range(sweeps):
        rates = fleet(rng, kind, size, bad, deficit)
        values = sweep(rng, kind, rates, runs)
        flagged = dict(zip(("assay", "assay, confirmed"), ours(rng, kind, rates, values), strict=True))
        flagged |= {name: rule(values) for name, rule in PEERS.items()}
        for name, units in flagged.items():
            hits = sum(unit < bad for unit in units)
            counts[name] = (counts[name][0] + hits, counts[name][1] + len(units) - hits)
    return counts


def main(seed: int, size: int) -> str:
    """Write the table as Markdown; ``size`` is sweeps a row."""
    rng = np.random.default_rng(seed)
    names = ["assay", "assay, confirmed", *PEERS]
    lines = [
        f"{size} sweeps a row. Nothing planted: false flags a sweep [95 % of ours, confirmed]; else the share of the sick units found.",
        "",
        f"| units | node / run spread | runs | planted | {' | '.join(names)} |",
        "|" + "---|" * (4 + len(names)),
    ]
    for units in (128, 512, 2048):
        for kind in KINDS:
            for runs in (1, 5):
                rows = [("nothing", 0, 0.0), *(((f"1/64 of them {100 * d:g} %", units // 64, d)) for d in (0.02, 0.05, 0.10))]
                rows.append(("1/8 of them 5 %", units // 8, 0.05))
                for planted, bad, deficit in rows if units == 128 else rows[:1]:
                    counts = cell(rng, kind, size=units, runs=runs, bad=bad, deficit=deficit, sweeps=size)
                    if bad:
                        cells = [f"{hits / (bad * size):.2f}" for hits, _ in counts.values()]
                    else:
                        cells = [f"{wrong / size:.2f}" for _, wrong in counts.values()]
                        low, high = (end * units for end in proportion(counts["assay, confirmed"][1], size * units))
                        cells[1] += f" [{low:.2f}, {high:.2f}]"
                    lines.append(f"| {units} | {kind.name} | {runs} | {planted} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
