"""Which plane, node, network card or link makes pairs slow: localisation from a few rounds of pairs. Pure.

Every pair of a round is measured on each rail by itself (NIC k to NIC k). The model is::

    log bandwidth = plane (rail) + ends (node, NIC) + link + noise

Effects are medians, from the largest component to the smallest: plane, node, NIC, single link. The first level with a significant one is
blamed, its effect is subtracted, and all begins again, so that several faults are found one after the other. Bandwidth is the smallest of
what its parts can do, so faults only lower it, and medians over partners beat least squares.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median, median_high

from assay.results.robust import LEAST_SPREAD, MAD_SIGMA

Cell = tuple[int, int, str, str]  # round, rail, host, host
LEVELS = ("plane", "node", "nic", "link")
FALSE_NAMES = 0.005  # expected on a sound fabric, for each level
MOST_FAULTS = 16
PARTNERS = 3  # a median of fewer cannot tell one bad link from a bad end
HALF_EFFICIENCY = 0.37  # degrees of freedom a cell gives to a noise that is taken from the faster half
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


@dataclass(frozen=True)
class Fault:
    """One thing found slow.

    Attributes:
        candidates: what it may be; more than one where these rounds cannot tell them apart.
        deficit: share of bandwidth that is missing.
        cells: measurements that show it.
        z: how many standard deviations of noise it is away.

    """

    candidates: tuple[Component, ...]
    deficit: float
    cells: int
    z: float

    @property
    def certain(self) -> bool:
        """Tell whether one component is named."""
        return len(self.candidates) == 1

    @property
    def sentence(self) -> str:
        """Say it to a technician."""
        lost = f"{100 * self.deficit:.2g} % slower than its peers in {self.cells} measurement{'s' if self.cells != 1 else ''}"
        if not self.certain:
            return (
                f"cannot tell which: {' or '.join(map(str, self.candidates))}: {lost}; measure each with a partner that is known to be good"
            )
        one = self.candidates[0]
        again = "; measure this pair three times before a cable is changed" if one.level == "link" and self.cells < PARTNERS else ""
        return f"{one}: {lost}{again}"


@dataclass(frozen=True)
class Blame:
    """What was found in some rounds of pairs.

    Attributes:
        faults: worst level first, in the order found.
        failed: cells without a positive finite bandwidth.
        noise: standard deviation of one cell, relative.
        rounds: how many there were.
        hosts: how many took part.
        pairs: pairs of hosts measured, and how many there are.

    """

    faults: tuple[Fault, ...]
    failed: tuple[Cell, ...]
    noise: float
    rounds: int
    hosts: int
    pairs: tuple[int, int]

    @property
    def coverage(self) -> str:
        """Say what this rests on; a sound result says nothing about links that no pair used."""
        return f"{self.hosts} hosts, {self.rounds} rounds, {self.pairs[0]} of {self.pairs[1]} pairs of hosts measured"


def find_blame(bandwidths: Mapping[Cell, float], *, min_deficit: float = 0.01) -> Blame:
    """Name what is slow.

    Args:
        bandwidths: by (round, rail, host, host), in any unit; what is no positive finite number failed and is listed as such.
        min_deficit: share that must be missing before anything is blamed.

    """
    good = {cell: math.log(value) for cell, value in bandwidths.items() if math.isfinite(value) and value > 0}
    logs: dict[Cell, float] = {(r, k, min(a, b), max(a, b)): value for (r, k, a, b), value in sorted(good.items())}
    failed = tuple(sorted(cell for cell, v in bandwidths.items() if not (math.isfinite(v) and v > 0)))
    members = membership(logs)
    found: list[Fault] = []
    noise = LEAST_SPREAD
    for _ in range(MOST_FAULTS):
        rest, noise = residuals(logs)
        fault = worst(logs, rest, members, noise, min_deficit) if logs else None
        if fault is None:
            break
        found.append(fault)
        lift = -math.log1p(-fault.deficit)
        logs |= {cell: logs[cell] + lift for cell in members[fault.candidates[0].level][fault.candidates[0]]}
    hosts = {host for _, _, *ends in bandwidths for host in ends}
    pairs = {(min(a, b), max(a, b)) for _, _, a, b in logs}
    rounds = len({r for r, *_ in bandwidths})
    return Blame(tuple(found), failed, noise, rounds, len(hosts), (len(pairs), len(hosts) * (len(hosts) - 1) // 2))


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


def worst(
    logs: Mapping[Cell, float],
    rest: Mapping[Cell, float],
    members: Mapping[str, Mapping[Component, Sequence[Cell]]],
    noise: float,
    min_deficit: float,
) -> Fault | None:
    """Give the worst component of the first level that has a significant one."""
    planes = {part: centre([logs[cell] for cell in cells], noise) for part, cells in members["plane"].items()}
    healthy = median_high(planes.values())
    for level in LEVELS:
        shown = {cell: math.expm1(value - healthy) for cell, value in logs.items()} if level == "plane" else rest
        if level == "plane" and len(planes) == 1:
            continue  # nothing to hold the only plane against
        fault = worst_of(members, level, shown, noise, min_deficit)
        if fault is not None:
            return fault
    return None


def worst_of(
    members: Mapping[str, Mapping[Component, Sequence[Cell]]], level: str, rest: Mapping[Cell, float], noise: float, min_deficit: float
) -> Fault | None:
    """Give the most significant component of one level, with whatever has the same cells."""
    parts = members[level]
    usual = spread_of({part: median(rest[cell] for cell in cells) for part, cells in parts.items()})
    freedom = max(HALF_EFFICIENCY * (len(rest) - len(members["plane"])), 1.0)
    found: list[tuple[float, float, Component]] = []
    for part, cells in parts.items():
        values = [rest[cell] for cell in cells]
        effect, limit = median(values), critical(len(cells), len(parts), freedom)
        z = median_high(values) / noise
        if z < -limit and effect < -usual * critical(1, len(parts), freedom) and -effect > min_deficit:
            found.append((z / limit, effect, part))
    if not found:
        return None
    _, effect, part = min(found, key=lambda row: (row[0], row[1], str(row[2])))
    cells = parts[part]
    return Fault(alike(members, part), -effect, len(cells), effect / (noise / math.sqrt(len(cells))))


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


def alike(members: Mapping[str, Mapping[Component, Sequence[Cell]]], part: Component) -> tuple[Component, ...]:
    """List the component and all that these rounds cannot tell from it.

    In one round both ends of a pair (and its link) have the same cells. A median of one or two partners cannot tell a bad link from a NIC
    that was bad once, so a link whose ends met fewer than three partners is named beside them.
    """
    own = set(members[part.level][part])
    same = [other for level in LEVELS for other, cells in members[level].items() if other != part and set(cells) == own]
    if part.level == "link":
        ends = [Component("nic", (host,), part.rail) for host in part.hosts]
        same += [end for end in ends if end not in same and len({cell[2:] for cell in members["nic"][end]}) < PARTNERS]
    return (part, *same)
