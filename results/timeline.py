"""Reading every series of a store in time order, and what is left out with a word."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from assay.harness.errors import RefusalError, StoreError
from assay.harness.rundir import RunDir
from assay.results.compacted import compacted
from assay.results.record import Record, finite_float
from assay.results.runinfo import RunInfo
from assay.results.series import Series, Timeline, moment
from assay.results.store import Store

UNFINISHED = {"queued", "running"}
POSITIVE = {"s"}  # units in which zero and less are no reading
NAMED = 3


class Reading(NamedTuple):
    """What a series needs of a record."""

    run: str
    key: str
    suite: str
    subject: str
    metric: str
    value: float
    unit: str
    better: str
    flags: tuple[str, ...]
    hw_class: str
    inject: bool


@dataclass
class Columns:
    """A series while it is read."""

    record: Reading
    places: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    flags: list[tuple[str, ...]] = field(default_factory=list)


def read_timeline(store: Store, *, metric: str, suite: str = "") -> Timeline:
    """Read one metric of every run of a store.

    Runs with planted faults, runs that go on, and values that are no reading are left out and named. RefusalError where one series comes
    in two units, and for a store without runs.
    """
    infos = sorted(store.runs(), key=lambda info: (moment(info), info.id))
    if not infos:
        message = "there are no runs in this store"
        raise RefusalError(message, value=str(store.root), where="store", fix="Measure some, or choose another store (ASSAY_STORE).")
    planted = [info for info in infos if info.inject]
    open_ones = [info for info in infos if info.status in UNFINISHED and not info.inject]
    runs = [info for info in infos if not info.inject and info.status not in UNFINISHED]
    columns: dict[tuple[str, str, str], Columns] = {}
    problems: list[str] = []
    ready = compacted(store.root, [info.id for info in runs]).rows(Reading._fields[1:], metric=metric)
    for place, info in enumerate(runs):
        own = ready.get(info.id)
        found = read_metric(RunDir(store.root / info.id), info, metric, problems) if own is None else (from_row(row, info) for row in own)
        for record in found:
            if not suite or record.suite == suite:
                add(columns, record, place, problems)
    notes = [*said("planted faults: left out", planted), *said("not ended yet: left out", open_ones), *told_once(problems)]
    return Timeline(tuple(runs), tuple(finished(columns, runs)), tuple(notes))


def read_metric(run: RunDir, info: RunInfo, metric: str, problems: list[str]) -> Iterator[Reading]:
    """Yield a run's records of one metric; lines of other metrics are not even parsed. What cannot be read is added to ``problems``."""
    wanted = re.compile(rb'"metric"\s*:\s*' + re.escape(json.dumps(metric).encode()))
    try:
        raw = (run.path / "records.jsonl").read_bytes()
    except FileNotFoundError:
        yield from (record for record in derived(run, info) if record.metric == metric)
        return
    except OSError as error:
        problems.append(f"{info.id}: cannot read records.jsonl: {error.strerror}")
        return
    for line in raw.split(b"\n"):
        if wanted.search(line):
            try:
                yield quick(json.loads(line), info)
            except (ValueError, RecursionError, StoreError, KeyError, TypeError) as error:
                problems.append(f"{info.id}: a record of {metric} cannot be read: {error}")


def quick(data: Mapping[str, Any], info: RunInfo) -> Reading:
    """Read what a series needs of a record; StoreError for a wrong type, without the cost of checking the other fields."""
    texts = [data["key"], data["subject"], data["metric"], data["unit"]]
    value, flags = finite_float(data["value"]), data.get("flags", [])
    if value is None or not all(isinstance(text, str) for text in texts) or not isinstance(flags, list):
        return reading(Record.from_dict(data))  # says what is wrong
    key, subject, metric, unit = texts
    suite, better, hw_class = str(data.get("suite", "")), str(data.get("better", "lower")), str(data.get("hw_class") or info.hw_class)
    return Reading(info.id, key, suite, subject, metric, value, unit, better, tuple(map(str, flags)), hw_class, bool(data.get("inject")))


def from_row(row: tuple[Any, ...], info: RunInfo) -> Reading:
    """Make the same of a compacted row."""
    key, suite, subject, name, value, unit, better, flags, hw_class, inject = row
    return Reading(info.id, key, suite, subject, name, value, unit, better, tuple(flags or ()), hw_class or info.hw_class, inject)


def derived(run: RunDir, info: RunInfo) -> list[Reading]:
    """Derive the records of a run that was never judged."""
    from assay.results.metrics import derive

    found = derive(run.measurements().measurements, run=info.id, hardware={}, hw_class=info.hw_class, sw_class=info.sw_class)
    return [reading(record) for record in found]


def reading(record: Record) -> Reading:
    """Take what a series needs."""
    return Reading(*(getattr(record, name) for name in Reading._fields))


def add(columns: dict[tuple[str, str, str], Columns], record: Reading, place: int, problems: list[str]) -> None:
    """Append a record to its series; of several of one run the first is kept."""
    if record.inject:
        problems.append(f"{record.run}: a planted fault in {record.key}: left out")
        return
    if record.unit in POSITIVE and record.value <= 0:
        problems.append(f"{record.run}: {record.metric} of {record.key} is {record.value} {record.unit}, which is no reading: left out")
        return
    one = columns.setdefault((record.key, record.subject, record.hw_class), Columns(record))
    if (record.unit, record.better) != (one.record.unit, one.record.better):
        units = f"{one.record.unit} ({one.record.better} is better) and {record.unit} ({record.better})"
        message = f"{record.metric} of {record.key} comes in {units}"
        fix = "Judge the run again with the version of Assay that measured it, or take it out of the store."
        raise RefusalError(message, where=f"{one.record.run}, {record.run}", fix=fix)
    if not one.places or one.places[-1] != place:
        one.places.append(place)
        one.values.append(record.value)
        one.flags.append(record.flags)


def finished(columns: Mapping[tuple[str, str, str], Columns], runs: Sequence[RunInfo]) -> Iterator[Series]:
    """Make the series, by name."""
    same_plan: dict[tuple[str, str], list[int]] = {}
    for place, info in enumerate(runs):
        same_plan.setdefault((info.plan, info.hw_class), []).append(place)
    for (key, subject, hw_class), one in sorted(columns.items()):
        record = one.record
        columns_of = tuple(one.places), tuple(one.values), tuple(one.flags)
        whole = Series(key, subject, record.metric, hw_class, record.suite, record.unit, record.better, *columns_of)
        kinds = {(runs[place].plan, runs[place].hw_class) for place in one.places}
        expected = [p for kind in kinds for p in same_plan[kind] if one.places[0] <= p <= one.places[-1]]
        yield replace(whole, gaps=len(set(expected) - set(one.places)))


def said(what: str, infos: Sequence[RunInfo]) -> list[str]:
    """Name some runs that were left out, with the reason; nothing for none."""
    return [f"{len(infos)} run{'s' * (len(infos) > 1)} {what} ({some([info.id for info in infos])})"] if infos else []


def told_once(problems: Iterable[str]) -> list[str]:
    """Give the first problems, and how many more there are."""
    every = list(dict.fromkeys(problems))
    return every[:NAMED] + ([f"and {len(every) - NAMED} more values left out like these"] if len(every) > NAMED else [])


def some(names: Sequence[str]) -> str:
    """Name a few."""
    return ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")
