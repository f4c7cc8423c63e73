"""From runs to units of a fleet: which device or node a figure belongs to, and which of them has none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from assay.harness.errors import StoreError
from assay.harness.rundir import RunDir
from assay.results.coverage import FAILED, said
from assay.results.document import judged
from assay.results.fleet import CODES, STATUSES, Finding, Limits, Unit, judge_case
from assay.results.record import METRICS, Record, read_records
from assay.results.side import optional

TIME = "time"

Peers = tuple[str, str, str, str]  # case, metric, hardware class, software class


@dataclass(frozen=True)
class Fleet:
    """What some runs say of a fleet.

    Attributes:
        units: every unit that took part, by name: where it was seen.
        values: by group of peers and unit, one a run.
        limits: of a figure, by group of peers and unit.
        failures: by case and unit, why a run has no figure.
        notes: what could not be used, in words.

    """

    units: dict[str, set[str]] = field(default_factory=dict)
    values: dict[Peers, dict[str, list[float]]] = field(default_factory=dict)
    limits: dict[tuple[Peers, str], float] = field(default_factory=dict)
    failures: dict[tuple[str, str], str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def read_fleet(runs: Iterable[RunDir], *, metrics: Sequence[str] = (TIME,)) -> Fleet:
    """Read runs; one that cannot be read is a note. Runs with planted faults belong to no fleet unless all have some."""
    fleet = Fleet()
    found = [(run, optional(run, "run.json")) for run in sorted(set(runs), key=lambda run: run.id)]
    planted = [run.id for run, said in found if said.get("inject")]
    mixed = 0 < len(planted) < len(found)
    for run, described in found:
        if not described:
            fleet.notes.append(f"{run.id}: run.json cannot be read, so nobody knows what it measured")
        elif mixed and described.get("inject"):
            fleet.notes.append(f"{run.id} is left out: a fault was planted in it")
        else:
            add_run(fleet, run, described, metrics)
    return fleet


def add_run(fleet: Fleet, run: RunDir, described: Mapping[str, Any], metrics: Sequence[str]) -> None:
    """Add one run's figures and failures."""
    names, host = names_of(run), str(described.get("host") or run.id)
    hosts = {place.split(" ")[0] for _, place in names.values()} or {host}
    for name, place in names.values():
        fleet.units.setdefault(name, set()).add(place)
    for record in records_of(run, fleet):
        unit = unit_of(record, names, hosts)
        if record.metric not in metrics or unit is None:
            continue
        fleet.units.setdefault(unit, set())
        peers = (record.key, record.metric, record.hw_class, record.sw_class)
        fleet.values.setdefault(peers, {}).setdefault(unit, []).append(record.value)
        if record.limit is not None:
            fleet.limits[peers, unit] = record.limit
    add_failures(fleet, run, names, hosts)


def names_of(run: RunDir) -> dict[int, tuple[str, str]]:
    """Give (name, place) of every rank's device: its UUID or serial number where the driver tells one, else host and number."""
    found: dict[int, tuple[str, str]] = {}
    for rank in run.ranks():
        told = rank.get("device")
        device: Mapping[str, Any] = told if isinstance(told, Mapping) else {}
        host, local = str(rank.get("host") or "?"), rank.get("local_rank", rank.get("rank"))
        identity = next((str(device[key]) for key in ("serial", "uuid") if device.get(key)), f"{host}/device{local}")
        slot = device.get("pci") or device.get("pci_bus_id") or local
        found[int(rank.get("rank", len(found)))] = (identity, f"{host} {slot}")
    return found


def unit_of(record: Record, names: Mapping[int, tuple[str, str]], hosts: set[str]) -> str | None:
    """Name the unit that a figure is about: a device, or the node that all ranks share; None for a figure of several nodes."""
    if record.subject.startswith("device") and record.subject[6:].isdecimal():
        number = int(record.subject[6:])
        return names[number][0] if number in names else f"{next(iter(sorted(hosts)))}/{record.subject}"
    return f"node {next(iter(hosts))}" if record.subject == "cluster" and len(hosts) == 1 else None


def records_of(run: RunDir, fleet: Fleet) -> list[Record]:
    """Read a run's figures; without its file they are derived anew."""
    try:
        records, problems = read_records(run)
    except StoreError:
        return list(judged(run).records)
    fleet.notes.extend(f"{run.id}: {problem}" for problem in problems)
    return records


def add_failures(fleet: Fleet, run: RunDir, names: Mapping[int, tuple[str, str]], hosts: set[str]) -> None:
    """Write down whose cases failed: of the rank that is to blame where one is named, else of every unit of the run."""
    coverage = optional(run, "verdicts.json").get("coverage") or judged(run).coverage.as_dict()
    bad = {
        str(row["key"]): f"{row['status']}: {row['reason']}" for row in coverage.get("rows", []) if row["status"] in (*FAILED, "missing")
    }
    if not bad:
        return
    everyone = [name for name, _ in names.values()] or [f"node {next(iter(sorted(hosts)))}"]
    measured = {one.case.key: one for one in run.measurements().measurements if one.case.key in bad}
    for key, reason in bad.items():
        one = measured.get(key)
        rank = None if one is None else one.checked.rank if one.status == "wrong" else one.fault.rank if one.fault else None
        blamed = [names[rank][0]] if rank is not None and rank in names else everyone
        text = reason if one is None else f"{one.status}: {said(one)}"
        for name in blamed:
            fleet.failures.setdefault((key, name), f"{text} (run {run.id})")


def judge_fleet(fleet: Fleet, limits: Limits, *, expected: Sequence[str] = ()) -> list[Finding]:
    """Judge every group of peers; units and expected hosts without any figure are rows too. Worst first."""
    found: list[Finding] = []
    seen: set[str] = set()
    for peers, values in sorted(fleet.values.items()):
        case, metric, _, _ = peers
        unit, better = METRICS.get(metric, ("1", "lower"))
        if better == "none":
            continue
        units = [
            Unit(name, tuple(own), fleet.limits.get((peers, name)), fleet.failures.get((case, name), "")) for name, own in values.items()
        ]
        seen |= {(case + "\0" + one.name) for one in units}
        found += judge_case(units, case=case, metric=metric, unit=unit, better=better, limits=limits, cases=len(fleet.values))
    for (case, name), reason in sorted(fleet.failures.items()):
        if f"{case}\0{name}" not in seen:
            found.append(Finding(name, case, "", "failed", reason))
    measured = {one.unit for one in found}
    for name, places in sorted(fleet.units.items()):
        if name not in measured:
            where = ", ".join(sorted(places)) or "this fleet"
            found.append(Finding(name, "", "", "untested", f"took part on {where}, but no figure of it came"))
    hosts = {place.split(" ")[0] for places in fleet.units.values() for place in places} | {n.removeprefix("node ") for n in measured}
    found += [Finding(f"node {host}", "", "", "untested", "expected, but no run came from it") for host in sorted(set(expected) - hosts)]
    return sorted(found, key=lambda one: (STATUSES.index(one.status), -(one.deficit or 0.0), one.unit, one.case))


def worst_of(findings: Sequence[Finding]) -> dict[str, str]:
    """Give each unit's worst status."""
    found: dict[str, str] = {}
    for one in sorted(findings, key=lambda one: STATUSES.index(one.status)):
        found.setdefault(one.unit, one.status)
    return found


def exit_code(findings: Sequence[Finding]) -> int:
    """Give the exit code: 2 something failed or was not tested, 1 something is flagged, 4 too little to tell, 0 all are sound."""
    codes = {CODES[one.status] for one in findings}
    return next((code for code in (2, 1, 4, 0) if code in codes), 4)
