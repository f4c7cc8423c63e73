"""Who should be there: hosts that were expected and not seen, seen and not expected, or of another kind than most."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from assay.results.fleet import Standing
from assay.results.fleet_runs import Class, Seen, Sighting
from assay.results.hosts import alike
from assay.results.sweep_rows import Row

NO_CLASS = Class("", "", "")
NAMED = 6


def absences(hosts: Mapping[str, int], sightings: Sequence[Sighting]) -> list[Row]:
    """Give a row for every host that should be there and is not, or has fewer devices than it should."""
    last = {one.seen.identity: one.seen.host for one in sorted(sightings, key=lambda one: one.run) if one.seen.level == "device"}
    devices, there = Counter(last.values()), {one.seen.host for one in sightings}
    rows = []
    for host, wanted in hosts.items():
        names = [name for name in there if alike(host, name)]
        seen = sum(devices[name] for name in names)
        if not names:
            rows.append(absent(host, "expected, but in none of these runs"))
        elif 0 < seen < wanted:
            rows.append(absent(names[0], f"{seen} of {wanted} expected devices were seen"))
    return rows


def absent(host: str, reason: str) -> Row:
    """Give the row of a host that should be there and is not, or not as a whole."""
    return Row("", "", "", Seen(host, "node", host, ""), NO_CLASS, Standing(host, "untested", reasons={"untested": reason}))


def strangers(hosts: Mapping[str, int], sightings: Sequence[Sighting]) -> list[str]:
    """Note hosts that nobody expected."""
    there = {one.seen.host for one in sightings}
    odd = [name for name in there if hosts and not any(alike(host, name) for host in hosts)]
    return [f"measured though nobody expected them: {shortlist(odd)}"] if odd else []


def splits(sightings: Iterable[Sighting]) -> list[str]:
    """Note hosts whose class is not that of most: they are judged apart."""
    hosts: dict[Class, set[str]] = {}
    for one in sightings:
        if one.peers.model:  # ranks that never came up are of no model
            hosts.setdefault(one.peers, set()).add(one.seen.host)
    ordered = sorted(hosts.items(), key=lambda item: (-len(item[1]), str(item[0])))
    notes = []
    for peers, names in ordered[1:]:
        first = ordered[0][0]
        what = [name for name in ("hardware", "software", "model") if getattr(peers, name) != getattr(first, name)]
        notes.append(f"{shortlist(names)}: other {' and '.join(what)} than most, so judged apart")
    return notes


def shortlist(names: Iterable[str]) -> str:
    """Name some, a few at most."""
    ordered = sorted(names)
    return ", ".join(ordered[:NAMED]) + (f" and {len(ordered) - NAMED} more" if len(ordered) > NAMED else "")
