"""How far off a mean over nodes and sessions may be, when machines differ and days differ and both do so by chance."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import fmean, variance

Place = tuple[str, str]  # node, session
Part = tuple[float, float]  # a variance of the mean, and its degrees of freedom
SWEEPS = 50
FEWEST = 2  # of anything that a variance is taken over


def parts(cells: Mapping[Place, float]) -> list[Part]:
    """Give the independent parts of the variance of a level: the mean over nodes of each node's mean over its sessions.

    Nodes and sessions are crossed random factors. With a nodes, b sessions and nothing missing the variance is (MS_nodes + MS_sessions -
    MS_residual) / ab (Searle, Casella and McCulloch, Variance Components, 1992, two-way crossed model); its node part is the variance of
    the node means over a, its session part what the session means vary beyond the residual, never under zero. A session that only one
    node took part in lies inside that node, whose mean has it already. Where cells are missing, sums are weighted as the level weighs them
    (clusters in two ways: Cameron, Gelbach and Miller, JBES 29, 2011). Empty with fewer than two nodes.
    """
    sessions: dict[str, list[Place]] = {}
    nodes: dict[str, list[Place]] = {}
    for place in sorted(cells):
        nodes.setdefault(place[0], []).append(place)
        sessions.setdefault(place[1], []).append(place)
    if len(nodes) < FEWEST:
        return []
    means = [fmean(cells[place] for place in own) for own in nodes.values()]
    found = [(variance(means) / len(means), len(means) - 1.0)]
    shared = [own for own in sessions.values() if len(own) >= FEWEST]
    if len(shared) >= FEWEST:
        middle = dict(zip(nodes, means, strict=True))
        weights = {place: 1 / (len(nodes) * len(own)) for own in nodes.values() for place in own}
        # From each node's own mean: where nothing is missing it comes to the same; a fast node that is absent makes no session slow.
        sums = [sum(weights[place] * (cells[place] - middle[place[0]]) for place in own) for own in shared]
        between = sum(one**2 for one in sums) * len(shared) / (len(shared) - 1)
        found.append((max(0.0, between - residual(cells, [*nodes.values()], [*sessions.values()], weights)), len(shared) - 1.0))
    return found


def residual(
    cells: Mapping[Place, float], nodes: Sequence[Sequence[Place]], sessions: Sequence[Sequence[Place]], weights: Mapping[Place, float]
) -> float:
    """Give what is left of the variance of the level once nodes and sessions are fitted as sums; zero where nothing is left to tell."""
    freedom = len(cells) - len(nodes) - len(sessions) + 1
    if freedom <= 0:
        return 0.0
    left = dict(cells)
    for _ in range(SWEEPS):  # alternating means: one sweep is exact where no cell is missing
        for group in (*nodes, *sessions):
            middle = fmean(left[place] for place in group)
            left |= {place: left[place] - middle for place in group}
        if max(abs(fmean(left[place] for place in group)) for group in nodes) < 1e-12 * max(map(abs, cells.values()), default=0.0):
            break
    return sum((weights[place] * left[place]) ** 2 for place in cells) * len(cells) / freedom


def interval(difference: float, a: Sequence[Part], b: Sequence[Part], level: float = 0.95) -> tuple[float, float] | None:
    """Give the interval of exp(difference of two levels) whose variances have these parts.

    Degrees of freedom by Satterthwaite (Biometrics Bulletin 2, 1946). None where a side has no part, or nothing varies at all.
    """
    whole = [*a, *b]
    total = sum(part for part, _ in whole)
    if not a or not b or total == 0:
        return None
    from scipy.special import stdtrit

    freedom = total**2 / sum(part**2 / own for part, own in whole)
    half = float(stdtrit(freedom, 0.5 + level / 2)) * math.sqrt(total)
    low, high = (min(max(difference + sign * half, -700.0), 700.0) for sign in (-1, 1))
    return math.exp(low), math.exp(high)
