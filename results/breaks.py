"""Where a series ends and its kin goes on: another version of the method, or other hardware. The two are never one series."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from assay.results.cause import HARDWARE, Cause, Facts, short
from assay.results.changepoint import Segmentation
from assay.results.series import Series, Timeline


@dataclass(frozen=True)
class Break:
    """A new series that goes on where another ended; its step is told and never judged.

    ``before`` is the median of the last segment of ``previous``, ``after`` that of the first segment of ``series``.
    """

    series: Series
    previous: Series
    run: str
    last: str
    before: float
    after: float
    n_before: int
    n_after: int
    cause: Cause

    @property
    def effect(self) -> float | None:
        """Give after / before - 1, or None where before is not positive."""
        return self.after / self.before - 1 if self.before > 0 else None


def find_breaks(timeline: Timeline, cuts: Sequence[Segmentation], facts: Callable[[int], Facts]) -> list[Break]:
    """Find, for each series, the kin that ended last before it began."""
    families: dict[tuple[str, str, str], list[tuple[Series, Segmentation]]] = {}
    for series, cut in zip(timeline.series, cuts, strict=True):
        families.setdefault(series.kin, []).append((series, cut))
    return [found for family in families.values() if len(family) > 1 for found in within(family, timeline, facts)]


def within(family: Sequence[tuple[Series, Segmentation]], timeline: Timeline, facts: Callable[[int], Facts]) -> Iterator[Break]:
    """Yield the breaks among series that differ in version or hardware only; series that ran side by side break nowhere."""
    for series, cut in family:
        ended = [(other, its) for other, its in family if other.places[-1] < series.places[0] and other.unit == series.unit]
        if ended:
            previous, its = max(ended, key=lambda pair: pair[0].places[-1])
            last = previous.values[its.changes[-1].index if its.changes else 0 :]
            first = series.values[: cut.changes[0].index if cut.changes else None]
            runs = timeline.runs[series.places[0]].id, timeline.runs[previous.places[-1]].id
            cause = cause_of(previous, series, facts)
            yield Break(series, previous, *runs, median(last), median(first), len(last), len(first), cause)


def cause_of(previous: Series, series: Series, facts: Callable[[int], Facts]) -> Cause:
    """Name what makes it another series."""
    evidence = []
    if previous.version != series.version:
        evidence.append(f"method version {previous.version} -> {series.version}")
    if previous.hw_class != series.hw_class:
        before, after = facts(previous.places[-1]), facts(series.places[0])
        differing = [f"{n} {short(before.get(n, ''))} -> {short(after.get(n, ''))}" for n in HARDWARE if before.get(n) != after.get(n)]
        evidence += differing or [f"hardware class {short(previous.hw_class)} -> {short(series.hw_class)}"]
    return Cause("method" if previous.version != series.version else "hardware", tuple(evidence))
