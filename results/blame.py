"""Which node, network card, plane or link is to blame, from bandwidths of pairs that all talked at once.

Every pair (a, b) of hosts talks on every rail k (network card k to network card k, which is plane k). A fault of a component lowers every
cell it takes part in: a plane all cells of its rail, a node all cells of its own, a card the cells of one host and rail, a link one cell.
The component that explains the deficits best is named, its part is taken out, and the search goes on; what the schedule cannot tell apart
is named together.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean, median

from assay.harness.errors import RefusalError
from assay.results.units import percent

Cell = tuple[int, str, str, int]  # round, host a, host b, rail
MAD = 1.4826
FALSE_NAMES = 0.01  # expected false names in one sweep of a healthy fleet, were the noise normal
CLOSE = 6.0  # twice the log likelihood ratio under which two explanations are both named: one is less than 20 times as likely
MOST_FAULTS = 16
LEAST_NOISE = 1e-4


@dataclass(frozen=True)
class Suspect:
    """A component, or several that these measurements cannot tell apart.

    Attributes:
        kind: ``plane``, ``node``, ``nic`` or ``link``; of the first candidate.
        names: candidates, most likely first; more than one means that nobody can tell.
        deficit: share of bandwidth that it lacks.
        cells: measurements that it explains.
        evidence: twice the log likelihood ratio against "nothing is wrong".

    """

    kind: str
    names: tuple[str, ...]
    deficit: float
    cells: int
    evidence: float

    @property
    def sentence(self) -> str:
        """Say it to a technician."""
        if len(self.names) == 1:
            return f"{self.names[0]} lacks {percent(self.deficit)} of its bandwidth ({self.cells} measurements)"
        return (
            f"cannot tell {' from '.join(self.names)}: one of them lacks {percent(self.deficit)} ({self.cells} measurements); add a round"
        )


def schedule(hosts: Sequence[str], rounds: int, *, seed: int = 0) -> list[list[tuple[str, str]]]:
    """Give rounds of disjoint pairs by the circle method, from a start that the seed permutes; with an odd host one rests each round.

    RefusalError for fewer than two hosts, or for more rounds than there are different ones.
    """
    if len(hosts) < 2:  # noqa: PLR2004 - a pair takes two
        message = "a pair takes two hosts"
        raise RefusalError(message, value=len(hosts), where="hosts", fix="Name more hosts.")
    ring: list[str | None] = [*hosts]
    random.Random(seed).shuffle(ring)  # noqa: S311 - a schedule, no secret
    if len(ring) % 2:
        ring.append(None)
    if not 1 <= rounds < len(ring):
        message = f"{len(hosts)} hosts have 1 to {len(ring) - 1} different rounds"
        raise RefusalError(message, value=rounds, where="rounds", fix="Three are enough to tell a node from a card from a link.")
    found = []
    for _ in range(rounds):
        half = len(ring) // 2
        pairs = [(a, b) for a, b in zip(ring[:half], reversed(ring[half:]), strict=True) if a is not None and b is not None]
        found.append(pairs)
        ring = [ring[0], ring[-1], *ring[1:-1]]
    return found


def blame(bandwidths: Mapping[Cell, float], *, min_deficit: float = 0.01) -> list[Suspect]:
    """Name the components that explain the deficits, worst first; none for a healthy fleet.

    Args:
        bandwidths: by (round, host a, host b, rail), positive; repeat a pair and give the median before a single link is to be named.
        min_deficit: what is less than this is never named.

    Noise s is taken from the measurements themselves (MAD). A component whose n cells lack d on average has the evidence n d^2 / s^2, twice
    the log likelihood ratio of a shift of these cells against none. RefusalError for a bandwidth that is not positive.

    """
    values = checked(bandwidths)
    if not values:
        return []
    rest = centred(values)
    noise = max(MAD * median(abs(value) for value in rest.values()), LEAST_NOISE)
    parts = components(rest)
    bar = NormalDist().inv_cdf(1 - FALSE_NAMES / len(parts)) ** 2
    found: list[Suspect] = []
    while len(found) < MOST_FAULTS:
        ranked = sorted(scored(parts, rest, noise, min_deficit), key=lambda row: (-row[0], len(row[1]), row[1]))
        if not ranked or ranked[0][0] < bar:
            break
        best, name, deficit = ranked[0]
        close = [other for evidence, other, _ in ranked if evidence > best - CLOSE and set(parts[other]) & set(parts[name])]
        found.append(Suspect(name.split(" ")[0], tuple(close), -math.expm1(-deficit), len(parts[name]), best))
        rest = {cell: value + deficit if cell in parts[name] else value for cell, value in rest.items()}
    return found


def checked(bandwidths: Mapping[Cell, float]) -> dict[Cell, float]:
    """Take logarithms; RefusalError names a value that has none."""
    for cell, value in bandwidths.items():
        if not 0 < value < math.inf:
            message = "must be a positive finite number"
            raise RefusalError(message, value=value, where=f"bandwidth of {cell}", fix="A pair that did not talk at all is a failure.")
    return {cell: math.log(value) for cell, value in sorted(bandwidths.items())}


def centred(values: Mapping[Cell, float]) -> dict[Cell, float]:
    """Take out what is normal here: the median over rails of each rail's median."""
    rails: dict[int, list[float]] = {}
    for cell, value in values.items():
        rails.setdefault(cell[3], []).append(value)
    normal = median(median(own) for own in rails.values())
    return {cell: value - normal for cell, value in values.items()}


def components(cells: Mapping[Cell, float]) -> dict[str, frozenset[Cell]]:
    """Give every component with the cells that it takes part in."""
    found: dict[str, set[Cell]] = {}
    for cell in cells:
        for name in takes_part(cell):
            found.setdefault(name, set()).add(cell)
    return {name: frozenset(own) for name, own in found.items()}


def takes_part(cell: Cell) -> Iterator[str]:
    """Name the components of one cell."""
    _, a, b, rail = cell
    yield f"plane {rail}"
    for host in (a, b):
        yield f"node {host}"
        yield f"nic {host}:{rail}"
    yield f"link {min(a, b)}-{max(a, b)}:{rail}"


def scored(
    parts: Mapping[str, frozenset[Cell]], rest: Mapping[Cell, float], noise: float, least: float
) -> Iterator[tuple[float, str, float]]:
    """Yield (evidence, component, mean deficit as a log ratio) of every component that lacks enough."""
    for name, cells in parts.items():
        deficit = -fmean(rest[cell] for cell in cells)
        if deficit > -math.log1p(-least):
            yield len(cells) * (deficit / noise) ** 2, name, deficit
