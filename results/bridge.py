"""A bridge between two pieces of software on the same nodes: by which factor each case changed, so that a history can be carried across.

Runs are compared node by node, so that what differs between nodes cancels; with several nodes the node is the unit, with one its runs are.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from assay.harness.errors import RefusalError
from assay.harness.rundir import RunDir, finite, write_atomic
from assay.results.cause import flatten
from assay.results.effect import measure_effect
from assay.results.side import SOFTWARE, differing, optional, read_side
from assay.results.store import Store
from assay.results.tags import user
from assay.results.units import plain

FOLDER = "bridges"
SOFTWARE_FACTS = ("driver", *SOFTWARE)


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
    """All factors between two sets of runs on the same nodes.

    ``software`` holds, for ``old`` and ``new``, the facts that differ between the sides, each the same in every run of its side.
    """

    old: tuple[str, ...]
    new: tuple[str, ...]
    nodes: tuple[str, ...]
    differs: str
    factors: tuple[Factor, ...]
    unmatched: tuple[str, ...]
    hw_class: str = ""
    software: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Stored:
    """A bridge as a history uses it: by the facts that differ between its sides, factors by (key, subject)."""

    name: str
    old: Mapping[str, str]
    new: Mapping[str, str]
    hw_class: str
    factors: Mapping[tuple[str, str], Factor]


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
    told = differing([read["old"][nodes[0]][0], read["new"][nodes[0]][0]], names=SOFTWARE_FACTS)
    ids = tuple(run.id for run in old), tuple(run.id for run in new)
    kept = tuple(f for f in factors if f)
    return Bridge(*ids, tuple(nodes), told, kept, tuple(left), everyone[0].hw_class, software(old, new))


def software(old: Sequence[RunDir], new: Sequence[RunDir]) -> dict[str, dict[str, str]]:
    """Give the software that differs between two sets of runs; nothing of what is not the same within each of them."""
    sides = [
        [flatten({name: facts.get(name) for name in SOFTWARE_FACTS if name in facts}) for facts in map(machine, runs)]
        for runs in (old, new)
    ]
    names = sorted({name for side in sides for one in side for name in one})
    values = {name: [{one.get(name, "") for one in side} for side in sides] for name in names}
    differing_ones = {name: two for name, two in values.items() if len(two[0]) == len(two[1]) == 1 and two[0] != two[1]}
    return {side: {name: next(iter(two[i])) for name, two in differing_ones.items()} for i, side in enumerate(("old", "new"))}


def machine(run: RunDir) -> Mapping[str, Any]:
    """Read the facts of a run, empty where they are gone."""
    return optional(run, "facts.json")


def read_bridges(store: Store) -> tuple[list[Stored], list[str]]:
    """Read every bridge of a store, oldest first, and say which cannot be used and why.

    A bridge of before the software was written into it is read by the facts of its runs.
    """
    found, problems = [], []
    for path in sorted((store.root / FOLDER).glob("*.json")):
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            sides = [[RunDir(store.root / run) for run in data[side]] for side in ("old", "new")]
            told = data.get("software") or software(*sides)
            factors = {(one["key"], one["subject"]): factor_of(one) for one in data["factors"]}
            hw_class = str(data.get("hw_class") or optional(sides[0][0], "run.json").get("hw_class") or "")
            one = Stored(path.stem, dict(told["old"]), dict(told["new"]), hw_class, factors)
        except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
            problems.append(f"bridge {path.stem} cannot be read and is not used: {error}")
            continue
        if not one.old:
            problems.append(f"bridge {path.stem} does not say which software differs between its sides, and is not used")
        elif all(factor.interval is None for factor in factors.values()):
            problems.append(f"bridge {path.stem} has no intervals (one run a side), and is not used")
        else:
            found.append(one)
    return found, problems


def factor_of(data: Mapping[str, Any]) -> Factor:
    """Read one factor; ValueError for one that is no positive number or lies outside its interval."""
    ends = data["interval"]
    interval = None if ends is None else (float(ends[0]), float(ends[1]))
    made = Factor(str(data["key"]), str(data["subject"]), float(data["factor"]), interval, int(data["nodes"]), tuple(data["runs"]))
    low, high = interval or (made.factor, made.factor)
    if not 0 < low <= made.factor <= high < math.inf:
        message = f"factor {made.factor} {interval} of {made.key} is none"
        raise ValueError(message)
    return made


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
