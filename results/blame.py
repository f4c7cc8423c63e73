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

from assay.results.fabric import LEVELS, Cell, Component, centre, critical, membership, residuals, spread_of
from assay.results.robust import LEAST_SPREAD

MOST_FAULTS = 16
PARTNERS = 3  # a median of fewer cannot tell one bad link from a bad end
HALF_EFFICIENCY = 0.37  # degrees of freedom a cell gives to a noise that is taken from the faster half


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
