"""A fleet judged: every device (or node) in every case against its peers, its specification, and what should be there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from assay.harness.errors import RefusalError
from assay.results.attendance import absences, splits, strangers
from assay.results.fleet import STATUSES, Figures, Spec, Standing, judge
from assay.results.fleet_runs import PREFERRED, Class, Reading, Sighting
from assay.results.record import METRICS, SCALES, Record, finite_float
from assay.results.robust import critical_z
from assay.results.sweep_rows import Row, Sweep
from assay.results.telemetry import NO_THROTTLE


def sweep(
    reading: Reading,
    *,
    min_deficit: float = 0.02,
    specs: Mapping[str, Spec] | None = None,
    hosts: Mapping[str, int] | None = None,
) -> Sweep:
    """Judge everything that was read.

    Args:
        reading: the runs.
        min_deficit: share of the peers' speed that must be missing before it matters.
        specs: absolute floors by metric.
        hosts: hosts that should be there, each with how many devices it should have (0: not said); what was not seen is ``untested``.

    RefusalError for a deficit outside 0 to 1, and for a specification of what no run has.

    """
    check_deficit(min_deficit)
    wanted = specs or {}
    groups = grouped(reading.sightings)
    chosen = {place: metrics_of(group, wanted) for place, group in groups.items()}
    check_specs(wanted, {metric for metrics in chosen.values() for metric in metrics}, reading.sightings)
    tests = sum(len({one.seen.identity for one in group}) * len(chosen[place]) for place, group in groups.items())
    rows = [
        row
        for place, group in groups.items()
        for metric in chosen[place] or ["time"]
        for row in judge_group(group, metric, spec=wanted.get(metric), min_deficit=min_deficit, tests=tests)
    ]
    rows += absences(hosts or {}, reading.sightings)
    rows.sort(key=lambda row: (STATUSES.index(row.standing.status), -(row.standing.deficit or 0.0), row.seen.identity, row.key))
    most = max((row.standing.n_peers for row in rows), default=0)
    runs = tuple(sorted({one.run for one in reading.sightings}))
    notes = (*reading.notes, *strangers(hosts or {}, reading.sightings), *splits(reading.sightings))
    return Sweep(runs, tuple(rows), min_deficit, critical_z(most, tests) if most else 0.0, tuple(hosts or {}), notes)


def check_deficit(value: float) -> None:
    """Refuse a practical floor that could flag everything or nothing."""
    if not 0 < (finite_float(value) or 0.0) < 1:
        message = "must be a share between 0 and 1"
        raise RefusalError(message, value=value, where="--min-deficit", fix="The default is 0.02: two per cent of the peers' speed.")


def check_specs(specs: Mapping[str, Spec], judged: set[str], sightings: Iterable[Sighting]) -> None:
    """Refuse a specification that judges nothing."""
    for metric in specs:
        if metric not in judged:
            there = sorted({name for one in sightings for name in one.records if name in METRICS})
            message = "no device has a figure of this metric in these runs"
            raise RefusalError(message, value=metric, where="--spec", fix=f"They have {', '.join(there) or 'none'}.")


def grouped(sightings: Iterable[Sighting]) -> dict[tuple[str, Class], list[Sighting]]:
    """Sort sightings by case and class; a subject of a class in which others have a case should have it too."""
    found: dict[tuple[str, Class], list[Sighting]] = {}
    everyone: dict[tuple[Class, str], dict[str, Sighting]] = {}
    for one in sorted(sightings, key=lambda one: (one.key, one.run, one.seen.identity)):
        found.setdefault((one.key, one.peers), []).append(one)
        everyone.setdefault((one.peers, one.seen.level), {})[one.seen.identity] = one
    for (key, peers), group in found.items():
        there = {one.seen.identity for one in group}
        for level in {one.seen.level for one in group}:
            for identity, one in everyone[peers, level].items():
                if identity not in there:
                    group.append(Sighting(one.run, key, peers, one.seen, untested="its runs did not plan this case"))
    return found


def metrics_of(group: Sequence[Sighting], specs: Mapping[str, Spec]) -> list[str]:
    """Choose by which figures a case is judged: one of its rates or its time, and whatever else has a specification."""
    there = {name: record for one in group for name, record in one.records.items()}
    named = [metric for metric in specs if metric in there and there[metric].better != "none"]
    if any(metric in PREFERRED for metric in named):
        return named
    return [*[metric for metric in PREFERRED if metric in there][:1], *named]


def judge_group(group: Sequence[Sighting], metric: str, *, spec: Spec | None, min_deficit: float, tests: int) -> list[Row]:
    """Judge one class in one case by one metric."""
    by_subject: dict[str, list[Sighting]] = {}
    for one in group:
        by_subject.setdefault(one.seen.identity, []).append(one)
    told = [one.records[metric] for one in group if metric in one.records]
    unit, better = one_scale(told, metric)
    standings = judge(
        [figures(identity, own, metric) for identity, own in by_subject.items()],
        better=better,
        min_deficit=min_deficit,
        spec=spec,
        tests=tests,
    )
    return [row_of(by_subject[standing.subject], metric, unit, standing) for standing in standings]


def row_of(own: Sequence[Sighting], metric: str, unit: str, standing: Standing) -> Row:
    """Put a verdict beside whom it is about; its place is that of its last run."""
    last = max(own, key=lambda one: one.run)
    flags = dict.fromkeys(flag.split(" [")[0] for one in own if metric in one.records for flag in one.records[metric].flags)
    marks = tuple(flag for flag in flags if tells(flag))
    runs = tuple(one.run for one in own if metric in one.records)
    return Row(last.key, metric, unit, last.seen, last.peers, standing, runs, marks)


def tells(flag: str) -> bool:
    """Tell whether a mark is about the device rather than about how it was measured."""
    return not any(reason in flag for reason in NO_THROTTLE) and any(
        word in flag for word in ("throttled", "clock state: below", "ECC", "remap", "PCIe", "NVLink", "shared with")
    )


def one_scale(records: Sequence[Record], metric: str) -> tuple[str, str]:
    """Give unit and direction; RefusalError where one metric comes in two."""
    if not records:
        return SCALES.get(metric, ("1", "lower"))
    scales = sorted({(record.unit, record.better) for record in records})
    if len(scales) > 1:
        message = f"{metric} of {records[0].key} comes in {' and '.join(' '.join(scale) for scale in scales)}"
        where = ", ".join(sorted({record.run for record in records})[:4])
        raise RefusalError(message, where=where, fix="Judge the runs again with one version of Assay.")
    return scales[0]


def figures(identity: str, own: Sequence[Sighting], metric: str) -> Figures:
    """Collect one subject's figures; a run that saw it twice counts once."""
    records = {one.run: one.records[metric] for one in own if metric in one.records}
    values = tuple(record.value for record in records.values())
    shares = tuple(record.share for record in records.values() if record.share is not None)
    failed = [f"{one.failed} (run {one.run})" for one in own if one.failed]
    untested = [one.untested for one in own if one.untested]
    return Figures(identity, values, shares, "; ".join(failed[:2]), untested[0] if untested else "")
