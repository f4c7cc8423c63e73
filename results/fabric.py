"""The parts of a fabric, the measurements that use each, and how much a sound part's measurements vary. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median, median_high

from assay.results.robust import LEAST_SPREAD, MAD_SIGMA

Cell = tuple[int, int, str, str]  # round, rail, host, host
LEVELS = ("plane", "node", "nic", "link")
FALSE_NAMES = 0.005  # expected on a sound fabric, for each level
PEERS = 8  # components from which their own spread is known


@dataclass(frozen=True)
class Component:
    """One part of the fabric.

    Attributes:
        level: ``plane``, ``node``, ``nic`` or ``link``.
        hosts: none for a plane, one for a node or NIC, both ends of a link.
        rail: None for a node.

    """

    level: str
    hosts: tuple[str, ...] = ()
    rail: int | None = None

    def __str__(self) -> str:
        """Name it."""
        rail = "" if self.rail is None else f" on rail {self.rail}"
        where = " to ".join(self.hosts)
        return {
            "plane": f"plane of rail {self.rail}",
            "node": f"node {where}",
            "nic": f"NIC of {where}{rail}",
            "link": f"link {where}{rail}",
        }[self.level]


def membership(cells: Mapping[Cell, float]) -> dict[str, dict[Component, list[Cell]]]:
    """Give the cells of every component, level by level."""
    found: dict[str, dict[Component, list[Cell]]] = {level: {} for level in LEVELS}
    for cell in cells:
        _, rail, *ends = cell
        parts = [Component("plane", (), rail), Component("link", tuple(ends), rail)]
        parts += [part for host in ends for part in (Component("node", (host,)), Component("nic", (host,), rail))]
        for part in parts:
            found[part.level].setdefault(part, []).append(cell)
    return found


def residuals(logs: Mapping[Cell, float]) -> tuple[dict[Cell, float], float]:
    """Give each cell's relative distance from what is usual in its plane, and the noise of one cell.

    Distances are shares, not logarithms: the logarithm of a bandwidth has a longer lower tail, and that is where faults are looked for.
    """
    planes: dict[int, list[float]] = {}
    for (_, rail, *_), value in logs.items():
        planes.setdefault(rail, []).append(value)
    middles = {rail: median_high(values) for rail, values in planes.items()}
    noise = cell_noise([[math.expm1(value - middles[rail]) for value in values] for rail, values in planes.items()])
    centres = {rail: centre(values, noise) for rail, values in planes.items()}
    return {cell: math.expm1(value - centres[cell[1]]) for cell, value in logs.items()}, noise


def centre(values: Sequence[float], noise: float) -> float:
    """Give the higher median, which slow cells move least, less what it lies above the middle of an even number of normal values."""
    from scipy.special import ndtri

    n = len(values)
    return median_high(values) - noise * float(ndtri((n // 2 + 0.625) / (n + 0.25)))


def cell_noise(planes: Sequence[Sequence[float]]) -> float:
    """Give the standard deviation of one cell, from the faster half of each plane: faults only slow down, and may touch half the cells.

    The sum by which sorted values exceed their median over that of normal scores (Phi^-1((i - 3/8) / (n + 1/4)), Blom 1958).
    """
    from scipy.special import ndtri

    above, expected = 0.0, 0.0
    for values in planes:
        ordered, n = sorted(values), len(values)
        middle = n // 2
        scores = ndtri([(i + 0.625) / (n + 0.25) for i in range(middle, n)])
        above += sum(value - ordered[middle] for value in ordered[middle:])
        expected += float(sum(scores) - len(scores) * scores[0])
    return max(above / expected, LEAST_SPREAD) if expected > 0 else LEAST_SPREAD


def critical(cells: int, parts: int, freedom: float) -> float:
    """Give how far, in standard deviations, the higher median of a sound component's cells lies below zero with chance FALSE_NAMES / parts.

    The higher median of m values lies below -t if m // 2 + 1 of them do, which is a binomial tail of each one's chance, inverted by the
    incomplete beta function; exact for every m, one cell included. That chance is Student's, since the noise is estimated.
    """
    from scipy.special import betaincinv, stdtrit

    needed = cells // 2 + 1
    return -float(stdtrit(freedom, float(betaincinv(needed, cells - needed + 1, FALSE_NAMES / parts))))


def spread_of(effects: Mapping[Component, float]) -> float:
    """Give how much components of a level differ by themselves, from the faster half; 0 where they are too few to tell."""
    if len(effects) < PEERS:
        return 0.0
    centre = median(effects.values())
    return MAD_SIGMA * median(value - centre for value in effects.values() if value >= centre)
