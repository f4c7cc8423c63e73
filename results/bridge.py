"""A bridge between two pieces of software on the same nodes: by which factor each case changed, so that a history can be carried across.

Runs are compared node by node, so that what differs between nodes cancels; with several nodes the node is the unit, with one its runs are.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from assay.harness.errors import RefusalError
from assay.harness.rundir import RunDir, finite, write_atomic
from assay.results.effect import measure_effect
from assay.results.side import SOFTWARE, differing, optional, read_side
from assay.results.store import Store
from assay.results.tags import user
from assay.results.units import plain

FOLDER = "bridges"


@dataclass(frozen=True)
class Factor:
    """One case: ``factor`` is new / old in time, ``interval`` its 95 % interval or None, ``nodes`` how many it rests on."""

    key: str
    subject: str
    factor: float
    interval: tuple[float, float] | None
    nodes: int
    runs: tuple[int, int]


@dataclass(frozen=True)
class Bridge:
    """All factors between two sets of runs on the same nodes."""

    old: tuple[str, ...]
    new: tuple[str, ...]
    nodes: tuple[str, ...]
    differs: str
    factors: tuple[Factor, ...]
    unmatched: tuple[str, ...]


def bridge(old: Sequence[RunDir], new: Sequence[RunDir]) -> Bridge:
    """Measure the factors.

    RefusalError where the nodes are not the same, where their hardware differs, or where no case is on both sides: method versions are part
    of a case's key, so another method is another case.
    """
    sides = {"old": by_node(old), "new": by_node(new)}
    nodes = sorted(set(sides["old"]) & set(sides["new"]))
    strange = sorted(set(sides["old"]) ^ set(sides["new"]))
    if strange or not nodes:
        message = f"the nodes are not the same: {', '.join(strange) or 'none'} is on one side only"
        raise RefusalError(message, where="OLD, NEW", fix="Measure the same nodes under both, and name those runs.")
    read = {side: {node: [read_side(run) for run in runs] for node, runs in own.items()} for side, own in sides.items()}
    everyone = [one for own in read.values() for ones in own.values() for one in ones]
    if len({one.hw_class for one in everyone}) > 1:
        message = f"the hardware differs: {differing(everyone)}"
        raise RefusalError(message, where="OLD, NEW", fix="A bridge compares software on the same hardware.")
    names = {side: {name for ones in own.values() for one in ones for name in one.times} for side, own in read.items()}
    shared = sorted(names["old"] & names["new"])
    if not shared:
        message = "no case is on both sides"
        raise RefusalError(message, where="OLD, NEW", fix="Run the same plan, with the same version of its methods, on both.")
    factors = [factor(name, nodes, read) for name in shared]
    left = [f"{key} {subject}" for key, subject in sorted(names["old"] ^ names["new"])]
    told = differing([read["old"][nodes[0]][0], read["new"][nodes[0]][0]], names=SOFTWARE)
    return Bridge(
        tuple(run.id for run in old), tuple(run.id for run in new), tuple(nodes), told, tuple(f for f in factors if f), tuple(left)
    )


def by_node(runs: Sequence[RunDir]) -> dict[str, list[RunDir]]:
    """Group runs by host."""
    found: dict[str, list[RunDir]] = {}
    for run in sorted(set(runs), key=lambda run: run.id):
        found.setdefault(str(optional(run, "run.json").get("host") or "?"), []).append(run)
    return found


def factor(name: tuple[str, str], nodes: Sequence[str], read: Any) -> Factor | None:
    """Measure one case; None where no node has it on both sides."""
    pairs = []
    counts = [0, 0]
    for node in nodes:
        values = [[one.times[name].value for one in read[side][node] if name in one.times] for side in ("old", "new")]
        if all(values):
            pairs.append(values)
            counts = [counts[0] + len(values[0]), counts[1] + len(values[1])]
    if not pairs:
        return None
    ratios = [fmean(map(math.log, new)) - fmean(map(math.log, old)) for old, new in pairs]
    middle = fmean(ratios)
    ends: tuple[float, float] | None = None
    if len(ratios) > 1:
        from scipy.special import stdtrit

        half = float(stdtrit(len(ratios) - 1, 0.975)) * stdev(ratios) / math.sqrt(len(ratios))
        ends = (math.exp(middle - half), math.exp(middle + half))
    else:
        found = measure_effect(*pairs[0]).ci95
        ends = None if found is None else (1 + found[0], 1 + found[1])
    return Factor(*name, math.exp(middle), ends, len(ratios), (counts[0], counts[1]))


def keep(store: Store, found: Bridge) -> Path:
    """Write a bridge into the store, for whoever carries a history across."""
    moment = datetime.now(UTC)
    path = store.root / FOLDER / f"{moment:%Y%m%d-%H%M%S-%f}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    data = {"schema": "assay.bridge/1", "who": user(), "when": moment.isoformat(timespec="seconds"), **asdict(found)}
    write_atomic(path, json.dumps(finite(data), indent=1) + "\n")
    return path


def bridge_lines(found: Bridge) -> list[str]:
    """Write it for a terminal, largest change first."""
    lines = [f"{len(found.factors)} factors from {len(found.nodes)} nodes: {found.differs or 'the software is said to be the same'}"]
    for one in sorted(found.factors, key=lambda one: -abs(math.log(one.factor))):
        span = "no interval: one run a side on one node" if one.interval is None else f"[{one.interval[0]:.4f}, {one.interval[1]:.4f}]"
        lines.append(f"  x {one.factor:.4f} {span} n={one.nodes} nodes, {one.runs[0]}+{one.runs[1]} runs  {one.key} {one.subject}")
    lines += [f"  on one side only: {name}" for name in found.unmatched]
    return [plain(line) for line in lines]
