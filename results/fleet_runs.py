"""Runs of a store -> what each device (or node) showed in each case, what it failed at, and what it should have shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from assay.harness.errors import StoreError
from assay.harness.measurement import Measurement
from assay.harness.rundir import RunDir
from assay.results.coverage import FAILED, cover
from assay.results.metrics import derive
from assay.results.places import Place, seating
from assay.results.record import Record, read_records
from assay.results.side import optional

# A case has one figure by which its peers are judged: the first of these that it has. All rates of a case follow from its time.
PREFERRED = ("busbw", "flop_rate", "memory_rate", "algbw", "time")
NO_GAP = ("not_applicable", "skipped")


@dataclass(frozen=True)
class Class:
    """Whose figures may be held against each other: the same hardware, software and kind of device."""

    hardware: str
    software: str
    model: str


@dataclass(frozen=True)
class Seen:
    """One subject (a device, or a node as a whole) where it was last seen."""

    identity: str
    level: str
    host: str
    slot: str


@dataclass(frozen=True)
class Sighting:
    """One run of one case with one subject in it.

    Attributes:
        run: id of the run.
        key: of the case.
        peers: the class that it belongs to.
        seen: who, and where.
        records: its figures by metric; empty where it has none.
        failed: why it gave a wrong answer or none.
        untested: why nobody can say anything of it.

    """

    run: str
    key: str
    peers: Class
    seen: Seen
    records: Mapping[str, Record] = field(default_factory=dict)
    failed: str = ""
    untested: str = ""


@dataclass(frozen=True)
class Reading:
    """What was read of some runs."""

    sightings: tuple[Sighting, ...]
    notes: tuple[str, ...] = ()


def read_fleet(runs: Sequence[RunDir]) -> Reading:
    """Read every run once; StoreError for one whose ``run.json`` cannot be read. Damaged lines become notes."""
    sightings: list[Sighting] = []
    notes: list[str] = []
    for run in dict.fromkeys(runs):
        read = read_one(run)
        sightings += read.sightings
        notes += read.notes
    return Reading(tuple(sightings), tuple(sorted(set(notes))))


def read_one(run: RunDir) -> Reading:
    """Read one run."""
    described = run.read_json("run.json")
    if not isinstance(described, Mapping):
        message = f"{run.path / 'run.json'} is no run"
        raise StoreError(message)
    records, problems = records_of(run, described)
    notes = [f"{run.id}: {problem}" for problem in problems]
    if described.get("inject"):
        notes.append("faults were planted in some of these runs: their figures say nothing about the machine")
    seats = seating(run)
    standing, measurements = gaps(run)
    if standing is None:
        notes.append(f"{run.id}: neither its verdicts nor its plan can be read, so nobody knows what it should have measured")
        standing = {}
    by_key: dict[str, dict[str, dict[str, Record]]] = {}
    for record in records:
        by_key.setdefault(record.key, {}).setdefault(record.subject, {}).setdefault(record.metric, record)
    found: list[Sighting] = []
    for key in dict.fromkeys([*by_key, *standing]):
        sat = seats(key)
        if not sat:
            notes.append(f"{run.id}: nobody wrote down where its ranks sat, so its figures belong to no device")
            found.append(unseated(run.id, key, described, standing.get(key, ("", ""))))
            continue
        one = Case(run.id, key, sat, described, by_key.get(key, {}), standing.get(key, ("", "")), measurements.get(key))
        found += one.sightings()
        if one.spread_out:
            notes.append("collectives over several nodes judge no single node: their figures are left out (assay compare has them)")
    return Reading(tuple(found), tuple(notes))


def records_of(run: RunDir, described: Mapping[str, Any]) -> tuple[list[Record], list[str]]:
    """Read a run's records; those of a run that was not judged yet are derived from its measurements."""
    try:
        return read_records(run)
    except StoreError:
        lines = run.measurements()
        classes = {"hw_class": str(described.get("hw_class") or ""), "sw_class": str(described.get("sw_class") or "")}
        return derive(lines.measurements, run=run.id, hardware={}, **classes), list(lines.problems)


def unseated(run: str, key: str, described: Mapping[str, Any], standing: tuple[str, str]) -> Sighting:
    """Lay a case of ranks that never came up, or whose places were lost, at the door of the host where the run was started."""
    host = str(described.get("host") or "unknown host")
    status, reason = standing
    peers = Class(str(described.get("hw_class") or ""), str(described.get("sw_class") or ""), "")
    plain = Sighting(run, key, peers, Seen(host, "node", host, ""))
    if status in FAILED:
        return replace(plain, failed=f"{status}: {reason} (started there; no rank says where it sat)")
    return replace(plain, untested=f"{status or 'measured'}: {reason or 'no rank says where it sat'}")


def gaps(run: RunDir) -> tuple[dict[str, tuple[str, str]] | None, dict[str, Measurement]]:
    """Give status and reason of every planned case without a figure, and what was written down of those that broke.

    None where neither verdicts nor plan can be read.
    """
    coverage = optional(run, "verdicts.json").get("coverage")
    told = coverage.get("rows") if isinstance(coverage, Mapping) else None
    if not isinstance(told, list) or not all(isinstance(row, Mapping) for row in told):
        told = covered(run)
    if told is None:
        return None, {}
    rows = [row for row in told if row.get("status") not in NO_GAP]
    found = {str(row.get("key")): (str(row.get("status")), str(row.get("reason") or "")) for row in rows}
    if not any(status in FAILED for status, _ in found.values()):
        return found, {}
    return found, {m.case.key: m for m in run.measurements().measurements if m.case.key in found}


def covered(run: RunDir) -> list[Mapping[str, Any]] | None:
    """Hold the measurements of a run without readable verdicts against its plan; None where that is no plan either."""
    plan = optional(run, "plan.json")
    try:
        rows: list[Mapping[str, Any]] = cover(plan, run.measurements().measurements).as_dict()["rows"]
    except (KeyError, TypeError, AttributeError):
        return None
    return rows if isinstance(plan.get("cases"), list) else None


@dataclass(frozen=True)
class Case:
    """One case of one run: its ranks' places, its records by subject and metric, its status where it has no figure."""

    run: str
    key: str
    places: Sequence[Place]
    described: Mapping[str, Any]
    records: Mapping[str, Mapping[str, Record]]
    standing: tuple[str, str]
    measurement: Measurement | None

    @property
    def figures(self) -> dict[str, Mapping[str, Record]]:
        """Give the subjects that have a figure by which peers are judged."""
        return {subject: own for subject, own in self.records.items() if any(metric in own for metric in PREFERRED)}

    @property
    def spread_out(self) -> bool:
        """Tell whether its only figure is that of several nodes together."""
        return "cluster" in self.figures and len({place.host for place in self.places}) > 1

    @property
    def level(self) -> str:
        """Tell whether it judges devices or the node as a whole."""
        scope = self.measurement.scope if self.measurement is not None else ""
        return "node" if "cluster" in self.figures or (not self.figures and scope == "world") else "device"

    def sightings(self) -> Iterator[Sighting]:
        """Yield one sighting a subject; a figure of several nodes together is nobody's, a failure that names a rank is its node's."""
        status, reason = self.standing
        rank = self.guilty
        for place in self.subjects():
            own = self.records.get("cluster" if self.level == "node" else f"device{place.rank}", {})
            plain = Sighting(self.run, self.key, self.peers(place), self.seen(place))
            if status not in FAILED:
                if not self.spread_out and (own or status):
                    yield replace(plain, records=own, untested="" if own else f"{status}: {reason}")
                elif not own and not self.spread_out:
                    yield replace(plain, untested="it has no figure though others have")
            elif rank is None or self.is_of(rank, place):
                whose = "" if rank is not None or len(self.places) == 1 else " (the run does not say on which device)"
                yield replace(plain, failed=f"{status}: {reason}{whose}")
            else:
                yield replace(plain, untested=f"the case failed on {self.places[rank].label}")

    @property
    def guilty(self) -> int | None:
        """Give the rank that a failure names, or None."""
        if self.measurement is None:
            return None
        fault, checked = self.measurement.fault, self.measurement.checked
        rank = fault.rank if fault is not None else checked.rank
        return rank if rank is not None and 0 <= rank < len(self.places) else None

    def subjects(self) -> list[Place]:
        """List who is judged: every device, or one place for each node."""
        if self.level == "device":
            return list(self.places)
        return list({place.host: place for place in reversed(self.places)}.values())

    def is_of(self, rank: int, place: Place) -> bool:
        """Tell whether a rank belongs to a subject."""
        return self.places[rank].host == place.host if self.level == "node" else rank == place.rank

    def seen(self, place: Place) -> Seen:
        """Give the subject at a place."""
        if self.level == "node":
            return Seen(place.host, "node", place.host, "")
        return Seen(place.identity, "device", place.host, place.slot)

    def peers(self, place: Place) -> Class:
        """Give the class of a place."""
        return Class(str(self.described.get("hw_class") or ""), str(self.described.get("sw_class") or ""), place.model)
