"""One device through all runs of a store: where it stood, what it showed beside its peers, what was marked, and when it moved."""

from __future__ import annotations

import difflib
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from statistics import median
from typing import Any

from assay.harness.errors import RefusalError, StoreError
from assay.harness.rundir import RunDir
from assay.results.fleet_runs import PREFERRED, Sighting, read_one
from assay.results.peers import lacking
from assay.results.places import Place, bare, seats_of
from assay.results.runinfo import read_info
from assay.results.sweep import tells

SHOWN = 5


@dataclass(frozen=True)
class Figure:
    """One figure of the device in one run.

    Attributes:
        key: of the case.
        metric: what was measured.
        unit: its unit.
        value: the device's.
        peers: median of the other devices of its class in the same case of the same run; None where there were none.
        n_peers: how many others.
        deficit: share of the peers' speed that it lacks; negative if it was faster; None without peers.
        marks: what telemetry said of it.

    """

    key: str
    metric: str
    unit: str
    value: float
    peers: float | None
    n_peers: int
    deficit: float | None
    marks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Stay:
    """One run with the device in it.

    Attributes:
        run: id of the run.
        started: UTC, or empty.
        host: where it stood.
        slot: in which place there.
        figures: what it showed.
        failures: what it failed at or has no figure for, by case.
        moved: from where it came since the run before; empty if it stayed.

    """

    run: str
    started: str
    host: str
    slot: str
    figures: tuple[Figure, ...]
    failures: tuple[tuple[str, str], ...] = ()
    moved: str = ""


@dataclass(frozen=True)
class DeviceHistory:
    """Every run that one device was in, oldest first."""

    identity: str
    uuid: str
    serial: str
    model: str
    stays: tuple[Stay, ...]
    notes: tuple[str, ...] = ()

    @property
    def moves(self) -> list[Stay]:
        """List the runs before which it moved."""
        return [stay for stay in self.stays if stay.moved]

    def as_dict(self) -> dict[str, Any]:
        """Give it as plain JSON types."""
        return {"schema": "assay.device/1"} | asdict(self) | {"moves": [stay.run for stay in self.moves]}


def device_history(runs: Sequence[RunDir], text: str) -> DeviceHistory:
    """Find one device by its UUID, serial number, or host and slot (or the start of one of these) and follow it through runs.

    RefusalError if no run knows such a device, or several begin like this. A run that cannot be read becomes a note.
    """
    seen = {run: seats_of(run) for run in runs}
    place = the_one(text, [place for seats in seen.values() for place in seats])
    stays, notes = [], []
    for run, seats in seen.items():
        if not any(same(place, other) for other in seats):
            continue
        try:
            stays += stays_in(run, {other.identity for other in seats if same(place, other)})
        except StoreError as error:
            notes.append(str(error))
    stays.sort(key=lambda stay: (stay.started, stay.run))
    return DeviceHistory(place.identity, place.uuid, place.serial, place.model, tuple(with_moves(stays)), tuple(notes))


def same(place: Place, other: Place) -> bool:
    """Tell whether two places held one device; a UUID or serial number decides where both are known."""
    if place.uuid and other.uuid:
        return place.uuid == other.uuid
    if place.serial and other.serial:
        return place.serial == other.serial
    return place.identity == other.identity


def the_one(text: str, places: Sequence[Place]) -> Place:
    """Choose the device that a user means, as it was last seen."""
    wanted = bare(text)
    names = {name: place for place in places for name in names_of(place)}
    found = {place.identity: place for name, place in names.items() if wanted and name.startswith(wanted)}
    if wanted in names:
        return names[wanted]
    if len(found) == 1:
        return next(iter(found.values()))
    if found:
        shown = ", ".join(sorted(found)[:SHOWN]) + (f" and {len(found) - SHOWN} more" if len(found) > SHOWN else "")
        message = f"begins the names of {len(found)} devices: {shown}"
        raise RefusalError(message, value=text, where="DEVICE", fix="Write more of it.")
    close = difflib.get_close_matches(wanted, [*names], n=3, cutoff=0.6)
    message = "no run of this store had such a device" + (f"; did you mean {' or '.join(close)}?" if close else "")
    known = len({place.identity for place in places})
    fix = f"The store knows {known} devices: give a UUID, a serial number, or HOST/SLOT (assay fleet RUN --json lists them)."
    raise RefusalError(message, value=text, where="DEVICE", fix=fix)


def names_of(place: Place) -> list[str]:
    """List what a device may be called."""
    return [name for name in (place.uuid, place.serial, bare(place.identity), bare(f"{place.host}/{place.slot}")) if name]


def stays_in(run: RunDir, identities: set[str]) -> list[Stay]:
    """Read what a device did in one run; after a requeue it may have had two places."""
    sightings = [one for one in read_one(run).sightings if one.seen.level == "device"]
    own = [one for one in sightings if one.seen.identity in identities]
    where = dict.fromkeys((one.seen.host, one.seen.slot) for one in own)
    started = read_info(run.path).started
    return [
        stay(run.id, started, place, [one for one in own if (one.seen.host, one.seen.slot) == place], sightings)
        for place in where or {(seat.host, seat.slot): None for seat in seats_of(run) if seat.identity in identities}
    ]


def stay(run: str, started: str, place: tuple[str, str], own: Sequence[Sighting], everyone: Sequence[Sighting]) -> Stay:
    """Describe one run at one place."""
    figures = tuple(found for one in own if (found := figure(one, everyone)) is not None)
    failures = tuple((one.key, one.failed or one.untested) for one in own if one.failed or one.untested)
    return Stay(run, started, *place, figures, failures)


def figure(one: Sighting, everyone: Sequence[Sighting]) -> Figure | None:
    """Give the device's figure in a case beside its peers' median; None where it has none."""
    metric = next((name for name in PREFERRED if name in one.records), None)
    if metric is None:
        return None
    record = one.records[metric]
    others = [
        other.records[metric].value
        for other in everyone
        if other.key == one.key and other.peers == one.peers and other.seen != one.seen and metric in other.records
    ]
    usual = median(others) if others else None
    marks = tuple(dict.fromkeys(flag for flag in record.flags if tells(flag)))
    deficit = None if usual is None else deficit_of(record.value, usual, better=record.better)
    return Figure(one.key, metric, record.unit, record.value, usual, len(others), deficit, marks)


def deficit_of(value: float, usual: float, *, better: str) -> float | None:
    """Give the share of the peers' speed that is missing; None for figures that are not positive."""
    if value <= 0 or usual <= 0:
        return None
    away = math.log(value / usual)
    return lacking(away if better == "higher" else -away, 0.0)


def with_moves(stays: Sequence[Stay]) -> list[Stay]:
    """Say in each run from where the device came."""
    found = list(stays[:1])
    for before, now in pairwise(stays):
        changed = (before.host, before.slot) != (now.host, now.slot)
        found.append(replace(now, moved=f"{before.host} {before.slot}") if changed else now)
    return found
