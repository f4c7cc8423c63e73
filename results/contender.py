"""One vendor's machine in a comparison: its runs, its figures case by case, and what it got wrong."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean
from typing import Any

from assay.harness.case import Case
from assay.harness.errors import StoreError
from assay.harness.rundir import RunDir
from assay.results.coverage import FAILED
from assay.results.document import judged
from assay.results.limits import CALIBRATION
from assay.results.record import Record, read_records
from assay.results.side import optional
from assay.results.twoway import Place

# What a case is compared by, the first that it has; times are turned into steps a second, so that more is better everywhere.
RATES = ("flop_rate", "busbw", "memory_rate", "algbw")


@dataclass(frozen=True)
class Figure:
    """One case on one contender: a rate of each run (its slowest device's), with where and when; ``watts`` where telemetry told."""

    metric: str
    unit: str
    rates: Mapping[Place, Sequence[float]]
    shares: Sequence[float] = ()
    watts: Sequence[float] = ()

    @property
    def by_node(self) -> dict[str, float]:
        """Give each node's mean log rate: sessions are averaged first, so that a long session does not outvote a short one."""
        sessions: dict[str, list[float]] = {}
        for (node, _), rates in self.rates.items():
            sessions.setdefault(node, []).append(fmean(map(math.log, rates)))
        return {node: fmean(values) for node, values in sorted(sessions.items())}

    @property
    def log(self) -> float:
        """Give the mean log rate over nodes."""
        return fmean(self.by_node.values())

    @property
    def runs(self) -> int:
        """Count runs."""
        return sum(len(rates) for rates in self.rates.values())


@dataclass(frozen=True)
class Contender:
    """One vendor.

    Attributes:
        label: its name.
        runs: ids of its runs.
        figures: by case (with the device left out of the key).
        cases: what each of these cases is, as planned.
        wrong: by case, why there is no figure that could be trusted.
        scores: by case, the worst error score as a share of what is allowed.
        nodes: hosts.
        sessions: sessions of measuring.
        origin: ``own`` or ``vendor-supplied``.
        hardware: names of the devices, for the reader.

    """

    label: str
    runs: tuple[str, ...]
    figures: Mapping[str, Figure] = field(default_factory=dict)
    cases: Mapping[str, Case] = field(default_factory=dict)
    wrong: Mapping[str, str] = field(default_factory=dict)
    scores: Mapping[str, float] = field(default_factory=dict)
    nodes: tuple[str, ...] = ()
    sessions: tuple[str, ...] = ()
    origin: str = "own"
    hardware: str = ""


def read_contender(label: str, runs: Sequence[RunDir]) -> Contender:
    """Read one contender; StoreError for a run that cannot be read. Planted faults speak of no vendor and are refused by ``versus``."""
    rates: dict[str, dict[Place, list[float]]] = {}
    kept: dict[str, dict[str, Any]] = {}
    found = Contender(label, tuple(run.id for run in runs))
    cases: dict[str, Case] = {}
    wrong: dict[str, str] = {}
    scores: dict[str, float] = {}
    places: set[Place] = set()
    origins: set[str] = set()
    for run in runs:
        described, shared = described_of(run)
        place = str(described.get("host") or "?"), str(described.get("session") or run.id)
        places.add(place)
        origins.add(str(described.get("origin") or "own"))
        cases |= {name: case for name, case in shared.values() if case.suite != CALIBRATION}
        for name, reason in failures(run, shared).items():
            wrong.setdefault(name, reason)
        for name, records in by_case(run, shared).items():
            scores[name] = max([scores.get(name, 0.0), *(r.share or 0.0 for r in records if r.agg.startswith("max_check"))])
            chosen = rate_of(records)
            if chosen is not None:
                rates.setdefault(name, {}).setdefault(place, []).append(chosen[2])
                own = kept.setdefault(name, {"metric": chosen[0], "unit": chosen[1], "shares": [], "watts": []})
                own["shares"] += [chosen[3]] if chosen[3] is not None else []
                own["watts"] += [r.value for r in records if r.metric == "power"]
    figures = {
        name: Figure(kept[name]["metric"], kept[name]["unit"], own, kept[name]["shares"], kept[name]["watts"])
        for name, own in rates.items()
        if name not in wrong and name in cases
    }
    nodes, sessions = sorted({node for node, _ in places}), sorted({session for _, session in places})
    return replace(
        found,
        figures=figures,
        cases=cases,
        wrong={name: reason for name, reason in wrong.items() if name in cases},
        scores=scores,
        nodes=tuple(nodes),
        sessions=tuple(sessions),
        origin="+".join(sorted(origins)),
        hardware=hardware_of(runs),
    )


def described_of(run: RunDir) -> tuple[Mapping[str, Any], dict[str, tuple[str, Case]]]:
    """Give a run's description and, by key, the shared name and the case; StoreError if its plan cannot be read."""
    described = optional(run, "run.json")
    if described.get("inject"):
        message = f"{run.id}: faults were planted in it, so it says nothing about any vendor"
        raise StoreError(message)
    try:
        cases = [Case.from_dict(data) for data in run.read_json("plan.json")["cases"]]
    except (KeyError, TypeError) as error:
        message = f"{run.id}: plan.json is no plan"
        raise StoreError(message) from error
    # The kind of device is what is compared, so it is no part of the name; everything else is.
    return described, {case.key: (replace(case, device="any").key, case) for case in cases}


def failures(run: RunDir, shared: Mapping[str, tuple[str, Case]]) -> dict[str, str]:
    """Give why cases of a run have no figure."""
    rows = (optional(run, "verdicts.json").get("coverage") or judged(run).coverage.as_dict()).get("rows", [])
    bad = [row for row in rows if row["status"] in (*FAILED, "missing") and row["key"] in shared]
    return {shared[row["key"]][0]: f"{row['status']}: {row['reason']} (run {run.id})" for row in bad}


def by_case(run: RunDir, shared: Mapping[str, tuple[str, Case]]) -> dict[str, list[Record]]:
    """Group a run's records by the shared name of their case."""
    try:
        records = read_records(run)[0]
    except StoreError:
        records = list(judged(run).records)
    found: dict[str, list[Record]] = {}
    for record in records:
        if record.key in shared:
            found.setdefault(shared[record.key][0], []).append(record)
    return found


def rate_of(records: Sequence[Record]) -> tuple[str, str, float, float | None] | None:
    """Give (metric, unit, rate, share of its limit) of one case in one run: of its slowest device, as everybody waits for that one."""
    for metric in RATES:
        own = [record for record in records if record.metric == metric]
        if own:
            slowest = min(own, key=lambda record: record.value)
            return metric, slowest.unit, slowest.value, slowest.share
    times = [record.value for record in records if record.metric == "time"]
    return ("step rate", "1/s", 1 / max(times), None) if times else None


def hardware_of(runs: Sequence[RunDir]) -> str:
    """Name the devices of some runs."""
    names = {
        str(rank["device"].get("name") or rank["device"].get("kind") or "")
        for run in runs
        for rank in run.ranks()
        if isinstance(rank.get("device"), dict)
    }
    facts = {str(optional(run, "facts.json").get("cpu_model") or "") for run in runs}
    return ", ".join(sorted(name for name in names if name)) + (f" beside {', '.join(sorted(facts - {''}))}" if facts - {""} else "")
