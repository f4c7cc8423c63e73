"""One device through all its runs: where it sat, what it reached beside its peers, what was marked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from assay.harness.errors import RefusalError
from assay.harness.rundir import RunDir
from assay.results.fleet_units import Fleet, names_of, records_of, unit_of
from assay.results.record import METRICS
from assay.results.side import optional
from assay.results.units import plain, quantity, signed


@dataclass(frozen=True)
class Sighting:
    """One figure of the device in one run; ``beside`` is the change against the median of the other devices in that run, or None."""

    run: str
    started: str
    place: str
    case: str
    metric: str
    value: float
    unit: str
    beside: float | None
    peers: int
    flags: tuple[str, ...]


def device_history(runs: Iterable[RunDir], name: str, *, metric: str = "time") -> tuple[str, list[Sighting]]:
    """Give (identity, sightings in the order of the runs) of one device: its UUID or serial number, the start of one, or host/deviceN.

    RefusalError for a name that fits none, or several.
    """
    ordered = sorted(set(runs), key=lambda run: run.id)
    named = {run.id: names_of(run) for run in ordered}
    identity = resolve(name, sorted({own for names in named.values() for own, _ in names.values()}))
    return identity, [found for run in ordered for found in sightings(run, named[run.id], identity, metric)]


def resolve(name: str, known: Sequence[str]) -> str:
    """Find the one identity that is meant."""
    fits = [own for own in known if own == name] or [
        own for own in known if own.startswith(name) or own.removeprefix("GPU-").startswith(name)
    ]
    if len(fits) == 1:
        return fits[0]
    message = f"means {len(fits)} devices: {', '.join(fits[:5])}" if fits else "no run of this store was made on it"
    known_ones = f"Known: {', '.join(known[:8])}{' ...' if len(known) > 8 else ''}." if known else "The store has no runs."  # noqa: PLR2004
    raise RefusalError(message, value=name, where="DEVICE", fix="Write more of it." if fits else known_ones)


def sightings(run: RunDir, names: dict[int, tuple[str, str]], identity: str, metric: str) -> list[Sighting]:
    """Give the device's figures in one run."""
    place = next((place for own, place in names.values() if own == identity), None)
    if place is None:
        return []
    started = str(optional(run, "run.json").get("started") or "")
    hosts = {where.split(" ")[0] for _, where in names.values()}
    by_case: dict[str, dict[str, Any]] = {}
    for record in records_of(run, Fleet()):
        unit = unit_of(record, names, hosts)
        if record.metric == metric and unit is not None and not unit.startswith("node "):
            by_case.setdefault(record.key, {})[unit] = record
    found = []
    for case, records in sorted(by_case.items()):
        if identity in records:
            own = records[identity]
            others = [record.value for unit, record in records.items() if unit != identity]
            beside = own.value / median(others) - 1 if others else None
            found.append(Sighting(run.id, started, place, case, metric, own.value, own.unit, beside, len(others), own.flags))
    return found


def history_lines(identity: str, found: Sequence[Sighting]) -> list[str]:
    """Write a device's history: a heading wherever it moved, one line a figure."""
    lines = [f"{identity}: {len({one.run for one in found})} runs, {len({one.place for one in found})} places"]
    place = ""
    for one in found:
        if one.place != place:
            lines.append(f"{'moved to' if place else 'on'} {one.place} ({one.started[:10]})")
            place = one.place
        worse = "" if one.beside is None else f"  {signed(one.beside)} beside the median of {one.peers} others"
        marks = f"  [{'; '.join(one.flags)}]" if one.flags else ""
        lines.append(f"  {one.run}  {quantity(one.value, one.unit)}{worse}  {one.case}{marks}")
    return [plain(line) for line in lines]


def document(identity: str, found: Sequence[Sighting]) -> dict[str, Any]:
    """Give it as plain JSON types."""
    unit, better = METRICS[found[0].metric] if found else ("", "")
    return {"schema": "assay.device/1", "device": identity, "unit": unit, "better": better, "sightings": [asdict(one) for one in found]}
