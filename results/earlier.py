"""The same figures in earlier runs of a store: one series a case and subject, on one kind of hardware."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from assay.harness.errors import StoreError
from assay.harness.rundir import RunDir
from assay.results.judge import Judgement
from assay.results.record import read_records
from assay.results.runinfo import RunInfo
from assay.results.side import METRIC
from assay.results.store import Store

Series = tuple[str, str]  # key of the case, subject


class Point(NamedTuple):
    """One run's figure of a series: seconds, and whether a new level begins here."""

    run: str
    value: float
    flagged: bool = False


def earlier_series(
    store: Store, judgement: Judgement, *, last: int, changes: Callable[[Sequence[float]], Sequence[int]] | None = None
) -> dict[Series, list[Point]]:
    """Give the times of every series of one run over the runs up to it, oldest first; series of one point only are left out.

    A run counts if it has ended, its hardware class is the same and no fault was planted; one whose records cannot be read is passed over.
    """
    own = {(record.key, record.subject): record.value for record in judgement.records if record.metric == METRIC and not record.inject}
    found: dict[Series, list[Point]] = {series: [] for series in own}
    for run in before(store, judgement)[-max(last - 1, 0) :] if last > 1 else []:
        for series, value in times(RunDir(store.root / run)).items():
            if series in found:
                found[series].append(Point(run, value))
    grown = {series: [*points, Point(judgement.run.id, own[series])] for series, points in found.items() if points}
    return {series: flagged(points, changes) for series, points in grown.items()}


def before(store: Store, judgement: Judgement) -> list[str]:
    """Name the comparable runs that lie before this one in the store."""
    try:
        infos = store.runs()
    except StoreError:
        return []
    ids = [info.id for info in infos]
    place = ids.index(judgement.run.id) if judgement.run.id in ids else 0
    return [info.id for info in infos[:place] if comparable(info, judgement.described)]


def comparable(info: RunInfo, described: Mapping[str, object]) -> bool:
    """Tell whether an earlier run continues this one's series."""
    return info.status == "finished" and not info.inject and bool(info.hw_class) and info.hw_class == described.get("hw_class")


def times(run: RunDir) -> dict[Series, float]:
    """Read the times of one run."""
    try:
        records, _ = read_records(run)
    except StoreError:
        return {}
    return {(record.key, record.subject): record.value for record in records if record.metric == METRIC and not record.inject}


def flagged(points: Sequence[Point], changes: Callable[[Sequence[float]], Sequence[int]] | None) -> list[Point]:
    """Mark the points at which a new level begins."""
    at = set(changes([point.value for point in points])) if changes is not None else set()
    return [point._replace(flagged=number in at) for number, point in enumerate(points)]
