"""How often localisation names the exact component, a wrong one, or says that it cannot tell: statistics.md, experiment E7.

N hosts with 8 rails in a few rounds of pairs, each cell with normal noise; one component slow, its share taken off every cell it touches.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np

from assay.results.blame import find_blame
from assay.results.fabric import Cell, Component
from assay.results.pairing import pair_rounds
from tests.calibration.models import proportion

RAILS = 8
FAULTS = (("none", 0.0), ("node", 0.03), ("nic", 0.05), ("nic", 0.10), ("plane", 0.03), ("link", 0.10))
ANSWERS = ("exact", "cannot tell", "missed", "wrong")


def parts_of(rail: int, a: str, b: str) -> list[Component]:
    """List the components that a cell uses."""
    ends = [part for host in (a, b) for part in (Component("node", (host,)), Component("nic", (host,), rail))]
    return [Component("plane", (), rail), Component("link", tuple(sorted((a, b))), rail), *ends]


def trial(rng: np.random.Generator, *, hosts: int, rounds: int, noise: float, level: str, lost: float) -> str:
    """Plant one fault (or none) and say how the answer is: one of ``ANSWERS``."""
    names = [f"h{i:03d}" for i in range(hosts)]
    plan = pair_rounds(names, rounds=rounds, seed=int(rng.integers(2**31)))
    a, b = plan[int(rng.integers(rounds))][int(rng.integers(hosts // 2))]
    used = {part.level: part for part in parts_of(int(rng.integers(RAILS)), a, b)}
    bad = used.get(level)
    cells: dict[Cell, float] = {}
    for number, pairs in enumerate(plan):
        drawn = 1 + noise * rng.standard_normal((len(pairs), RAILS))
        for (left, right), row in zip(pairs, drawn, strict=True):
            for rail in range(RAILS):
                hit = bad is not None and bad in parts_of(rail, left, right)
                cells[number, rail, left, right] = float(row[rail]) * (1 - lost * hit)
    return grade(bad, [fault.candidates for fault in find_blame(cells).faults])


def grade(bad: Component | None, found: list[tuple[Component, ...]]) -> str:
    """Grade an answer: anything named that was not planted is wrong, whatever else was found."""
    if bad is None or not found:
        return "exact" if bad is None and not found else "missed" if not found else "wrong"
    if len(found) > 1 or bad not in found[0]:
        return "wrong"
    return "exact" if len(found[0]) == 1 else "cannot tell"


def table(seed: int, size: int) -> Iterator[str]:
    """Yield E7's table, line by line: exact / cannot tell / missed / wrong, and the interval of the exact ones."""
    yield "| noise | N | rounds | " + " | ".join(f"{level} {lost:.0%}" if lost else level for level, lost in FAULTS) + " |"
    yield "|---|---|---|" + "---|" * len(FAULTS)
    for noise in (0.01, 0.02):
        for hosts in (16, 64):
            for rounds in (1, 2, 3, 4, 8):
                cells = [row_cell(seed, size, hosts, rounds, noise, index) for index in range(len(FAULTS))]
                yield f"| {noise:.0%} | {hosts} | {rounds} | " + " | ".join(cells) + " |"


def row_cell(seed: int, size: int, hosts: int, rounds: int, noise: float, index: int) -> str:
    """Write one cell of the table."""
    level, lost = FAULTS[index]
    rng = np.random.default_rng([seed, hosts, rounds, round(1000 * noise), index])
    found = Counter(trial(rng, hosts=hosts, rounds=rounds, noise=noise, level=level, lost=lost) for _ in range(size))
    low, high = proportion(found["exact"], size)
    return "/".join(f"{found[answer] / size:.2f}" for answer in ANSWERS) + f" ({low:.2f}-{high:.2f})"


def main(seed: int, size: int) -> None:
    """Print the table as Markdown; ``size`` is the number of trials in each cell."""
    print(f"Each cell: {' / '.join(ANSWERS)} (95 % interval of the first).\n")  # noqa: T201 - a table is what this prints
    for line in table(seed, size):
        print(line, flush=True)  # noqa: T201
