"""The confirming pass: whom to measure again beside whom, and whether the fresh figures bear out what was found first."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from statistics import fmean, median
from typing import Any

from assay.results.fleet import FLAGGED
from assay.results.fleet_runs import Class, Reading, Sighting
from assay.results.peers import lacking
from assay.results.sweep_rows import Row, Sweep

CONTROLS = 2
AGAIN = (*FLAGGED, "failed", "untested")
ONE_SIDED = 2.326  # normal quantile of 0.99


@dataclass(frozen=True)
class Recheck:
    """One suspect to be measured again, and two sound ones of its class beside it.

    Attributes:
        subject: identity of the suspect.
        level: ``device`` or ``node``.
        host: where it is.
        slot: its place there.
        found: what it was flagged for.
        keys: the cases to run again.
        controls: identity and place of each control; fewer than two where the class has no more.
        pairs: who runs with whom, in order, by identity: the suspect changes its place and its partner, the last pair has no suspect.

    """

    subject: str
    level: str
    host: str
    slot: str
    found: tuple[str, ...]
    keys: tuple[str, ...]
    controls: tuple[tuple[str, str], ...]
    pairs: tuple[tuple[str, str], ...]

    def as_dict(self) -> dict[str, Any]:
        """Give it as plain JSON types."""
        told = asdict(self)
        return {
            name: [list(v) if isinstance(v, tuple) else v for v in value] if isinstance(value, tuple) else value
            for name, value in told.items()
        }


def rechecks(found: Sweep) -> list[Recheck]:
    """List whom to measure again, worst first, each with the two controls of its class that are nearest to their peers' median.

    A host that was never measured needs no second look but a first one, and is left out.
    """
    rows: dict[str, list[Row]] = {}
    for row in found.rows:
        rows.setdefault(row.seen.identity, []).append(row)
    worst = found.worst
    sound = {identity: own for identity, own in rows.items() if worst[identity] == "sound" and own[0].standing.z is not None}
    return [recheck(own, sound) for identity, own in rows.items() if worst[identity] in AGAIN and any(row.key for row in own)]


def recheck(own: Sequence[Row], sound: Mapping[str, Sequence[Row]]) -> Recheck:
    """Choose the controls of one suspect."""
    seen, bad = own[0].seen, [row for row in own if row.standing.status in AGAIN]
    chosen = controls(own[0].peers, seen.level, seen.host, sound)
    names = [identity for identity, _ in chosen]
    pairs = [(seen.identity, names[0])] if names else []
    if len(names) == CONTROLS:
        pairs += [(names[1], seen.identity), (names[0], names[1])]
    found = tuple(dict.fromkeys(row.standing.status for row in bad))
    keys = tuple(row.key for row in bad if row.key)
    return Recheck(seen.identity, seen.level, seen.host, seen.slot, found, keys, tuple(chosen), tuple(pairs))


def controls(peers: Class, level: str, host: str, sound: Mapping[str, Sequence[Row]]) -> list[tuple[str, str]]:
    """Choose two sound subjects of the same class, on other hosts than the suspect's and each other's where there are any."""
    able = [own for own in sound.values() if own[0].peers == peers and own[0].seen.level == level]
    able.sort(key=lambda own: (max(abs(row.standing.z or 0.0) for row in own), own[0].seen.identity))
    chosen: list[Row] = []
    for elsewhere in (True, False):
        for own in able:
            taken = {host, *(row.seen.host for row in chosen)}
            new = own[0].seen.identity not in {row.seen.identity for row in chosen}
            if len(chosen) < CONTROLS and new and (not elsewhere or own[0].seen.host not in taken):
                chosen.append(own[0])
    return [(row.seen.identity, f"{row.seen.host} {row.seen.slot}".strip()) for row in chosen]


def borne_out(
    fresh: Sequence[float], beside: Sequence[Sequence[float]], *, better: str, deficit: float, scale: float, min_deficit: float
) -> bool:
    """Tell whether fresh figures of a suspect bear out that it is slow.

    Its fresh median must lack at least half of what it lacked first, and half of the practical floor, against the controls' fresh medians,
    and one-sided p < 0.01: recurrence is the signal, a second look needs less proof than the first.

    Args:
        fresh: the suspect's values, one a fresh run.
        beside: each control's values in the same session.
        better: ``higher`` or ``lower``.
        deficit: what it lacked in the first pass.
        scale: standard deviation of a healthy subject's median on the log scale, from the first pass.
        min_deficit: the practical floor.

    """
    sign = 1.0 if better == "higher" else -1.0
    own = sign * math.log(median(fresh))
    centre = fmean(sign * math.log(median(values)) for values in beside)
    away = (centre - own) / (scale * math.sqrt(1 + 1 / len(beside)))
    return away > ONE_SIDED and lacking(own, centre) >= max(deficit, min_deficit) / 2


def confirm(found: Sweep, fresh: Reading) -> Sweep:
    """Judge what was slow by a second look: what the fresh runs bear out stays ``slow``, what they do not becomes ``not confirmed``.

    The two controls are those that ``rechecks`` names. A slow subject that was not measured again beside a control stays slow, and says so.
    Every other verdict stays as it is.
    """
    beside = {one.subject: [identity for identity, _ in one.controls] for one in rechecks(found)}
    rows = [
        row if row.standing.status != "slow" else second_look(row, beside[row.seen.identity], fresh.sightings, found) for row in found.rows
    ]
    runs = sorted({*found.runs, *(one.run for one in fresh.sightings)})
    return replace(found, rows=tuple(rows), runs=tuple(runs), notes=tuple(dict.fromkeys((*found.notes, *fresh.notes))))


def second_look(row: Row, beside: Sequence[str], fresh: Sequence[Sighting], found: Sweep) -> Row:
    """Judge one slow subject by its fresh figures and its controls'."""
    own = fresh_values(row, row.seen.identity, fresh)
    held = [values for identity in beside if (values := fresh_values(row, identity, fresh))]
    standing = row.standing
    if not own or not held or not standing.z or standing.deficit is None:
        return with_reason(row, "slow", f"{standing.reasons['slow']}; not measured again beside a control yet")
    scale = math.log1p(-standing.deficit) / standing.z
    better = "lower" if standing.peers is not None and (standing.value or 0.0) > standing.peers else "higher"
    kept = borne_out(own, held, better=better, deficit=standing.deficit, scale=scale, min_deficit=found.min_deficit)
    runs = f"{len(own)} fresh run{'s' if len(own) != 1 else ''} beside {len(held)} control{'s' if len(held) != 1 else ''}"
    if kept:
        return with_reason(row, "slow", f"{standing.reasons['slow']}; borne out by {runs}")
    return with_reason(row, "not confirmed", f"{standing.reasons['slow']}, but {runs} do not bear it out")


def fresh_values(row: Row, identity: str, fresh: Sequence[Sighting]) -> list[float]:
    """Give a subject's values in the fresh runs of a row's case and metric, one a run."""
    there = {
        one.run: one.records[row.metric].value
        for one in fresh
        if one.key == row.key and one.seen.identity == identity and row.metric in one.records
    }
    return [value for value in there.values() if math.isfinite(value) and value > 0]


def with_reason(row: Row, status: str, reason: str) -> Row:
    """Give a slow row another status (or the same) and reason; what else was found comes first if it is worse."""
    others = row.standing.also
    reasons = {name: text for name, text in row.standing.reasons.items() if name != "slow"} | {status: reason}
    if status == "not confirmed" and others:
        return replace(row, standing=replace(row.standing, status=others[0], also=(*others[1:], status), reasons=reasons))
    return replace(row, standing=replace(row.standing, status=status, reasons=reasons))
