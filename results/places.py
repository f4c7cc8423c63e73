"""Which device stood behind each rank of a run: its identity for ever, its host and its slot."""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assay.harness.rundir import BAD_LINE, RunDir, read_line

Ranks = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Place:
    """One device in one run.

    Attributes:
        rank: whose device it was.
        host: where it stood.
        slot: its PCI address, or its index on the host.
        uuid: as its driver tells it, in lower case and without ``gpu-``; empty where it has none.
        serial: its serial number; empty where nobody told it.
        model: what kind of device it is.
        identity: what it is known by: UUID, else serial number, else host and index.

    """

    rank: int
    host: str
    slot: str
    uuid: str
    serial: str
    model: str
    identity: str

    @property
    def label(self) -> str:
        """Say where it is."""
        return f"{self.host} {self.slot}"


def bare(text: object) -> str:
    """Write a UUID or serial number so that two ways of telling it are equal: torch leaves out the ``GPU-`` that NVML writes."""
    return str(text or "").strip().lower().removeprefix("gpu-")


def places(ranks: Ranks) -> list[Place]:
    """Read the places of one launch from its header; two devices never share an identity there."""
    found: list[Place] = []
    counted: Counter[tuple[str, str]] = Counter()
    for number, row in enumerate(ranks):
        device = row.get("device")
        facts: Mapping[str, Any] = device if isinstance(device, Mapping) else {}
        host, home = str(row.get("host") or "unknown host"), str(row.get("boot_id") or "")
        index = counted[host, home]
        counted[host, home] += 1
        found.append(place_of(facts, rank=number, host=host, index=index))
    names = Counter(place.identity for place in found)
    return [place if names[place.identity] == 1 else apart(place) for place in found]


def place_of(facts: Mapping[str, Any], *, rank: int, host: str, index: int) -> Place:
    """Describe one device from what its driver told."""
    uuid, serial, pci = bare(facts.get("uuid")), bare(facts.get("serial")), str(facts.get("pci") or "")
    kind = str(facts.get("kind") or "device")
    own = facts.get("index")
    slot = f"{kind}{own if type(own) is int else index}"
    model = str(facts.get("name") or kind)
    return Place(rank, host, pci or slot, uuid, serial, model, uuid or serial or f"{host}/{slot}")


def apart(place: Place) -> Place:
    """Tell two devices of one run apart that claim the same identity, by their rank."""
    return Place(
        place.rank, place.host, place.slot, place.uuid, place.serial, place.model, f"{place.identity}#rank{place.rank}@{place.host}"
    )


def seating(rundir: RunDir) -> Callable[[str], list[Place]]:
    """Give a function from a case's key to the places of the launch that measured it.

    After a requeue a later launch may sit on other hosts than the one before; a case that nobody measured is looked for on the last.
    """
    files = [path for path in rundir.measurement_files() if not path.stem.endswith("-door")]
    last = places(rundir.ranks())
    if len(files) < 2:  # noqa: PLR2004 - one launch seats every case
        return lambda _key: last
    by_key: dict[str, list[Place]] = {}
    for path in files:
        lines = path.read_bytes().split(b"\n")
        seats = header_places(lines[0])
        for key in filter(None, map(key_of, lines[1:])):
            by_key.setdefault(key, seats)
    return lambda key: by_key.get(key, last)


def seats_of(rundir: RunDir) -> list[Place]:
    """List every place that a run had, of all its launches, the latest last; each device and slot once. Reads headers only."""
    found: list[Place] = []
    for path in rundir.measurement_files():
        if path.stem.endswith("-door"):
            continue
        with contextlib.suppress(OSError), path.open("rb") as file:
            found += header_places(file.readline())
    return list(dict.fromkeys(found))


def header_places(line: bytes) -> list[Place]:
    """Read the places of one header line; none where it was cut short."""
    try:
        ranks = json.loads(line)["ranks"]
        return places(ranks)
    except BAD_LINE:
        return []


def key_of(line: bytes) -> str:
    """Give the key of a case's line; empty for any other line."""
    try:
        found = read_line(line)
    except BAD_LINE:
        return ""
    return "" if found is None or isinstance(found, int) else found.case.key
