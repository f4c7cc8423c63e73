"""The history of a store: every series cut into segments, each change with its likely cause, newest first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from assay.harness.errors import RefusalError
from assay.results.approved import Creep, approve, find_creep, read_baselines
from assay.results.breaks import Break, find_breaks
from assay.results.carry import carry_over, weighed
from assay.results.changepoint import MIN_EFFECT, Segmentation, find_changes
from assay.results.cusum import ALPHAS, critical
from assay.results.finding import Finding, explain, make_facts
from assay.results.record import finite_float
from assay.results.selection import choose, since_place
from assay.results.series import Timeline
from assay.results.store import Store
from assay.results.timeline import read_timeline

# Least level asked for -> levels shown.
SHOWN: Mapping[str, tuple[str, ...]] = MappingProxyType({"notice": ("alert", "notice", "inconclusive"), "alert": ("alert",)})


@dataclass(frozen=True)
class History:
    """Everything that ``assay history`` says.

    Attributes:
        timeline: runs, series and what was left out.
        segmentations: how each series was cut, in their order.
        findings: every change, newest first; ``shown`` are those of the level that was asked for.
        breaks: where a series ended and another method or machine went on.
        level: least level asked for.
        min_effect: least relative change asked for.
        metric: what was looked at.
        creep: series that are worse than a baseline's first segment by more than was approved.

    """

    timeline: Timeline
    segmentations: tuple[Segmentation, ...]
    findings: tuple[Finding, ...]
    breaks: tuple[Break, ...]
    level: str
    min_effect: float
    metric: str
    creep: tuple[Creep, ...] = ()

    @property
    def shown(self) -> tuple[Finding, ...]:
        """Give the findings of at least the level that was asked for."""
        return tuple(one for one in self.findings if one.change.level in SHOWN[self.level])

    @property
    def judged(self) -> int:
        """Count the series that are long enough for an alert."""
        return sum(critical(len(series.values), min(ALPHAS)) < float("inf") for series in self.timeline.series)

    def decides(self, *, allow_inconclusive: bool = False) -> int:
        """Give the exit code of a gate.

        1 for an alert, not for the better and approved by nobody, at which its series still stands, and for what has crept;
        4 where such a change is inconclusive, or where no series is long enough for an alert (0 with ``allow_inconclusive``).
        """
        if self.creep or any(finding.fails for finding in self.findings):
            return 1
        is_open = any(finding.newest and finding.change.level == "inconclusive" for finding in self.findings) or not self.judged
        return 4 if is_open and not allow_inconclusive else 0


def tell_history(
    store: Store,
    *,
    metric: str = "time",
    suite: str = "",
    patterns: Sequence[str] = (),
    since: str = "",
    level: str = "notice",
    min_effect: float = MIN_EFFECT,
) -> History:
    """Read a store and tell its history.

    Args:
        store: the store.
        metric: which figure.
        suite: only this suite.
        patterns: parts of the names of series, or patterns with ``*`` and ``?``.
        since: only changes from this day (ISO 8601) or run on; all runs are looked at nevertheless.
        level: ``notice`` or ``alert``.
        min_effect: least relative change.

    RefusalError for a series, suite, metric or time that means nothing, for a ``min_effect`` that is not positive, and for one series in
    two units.

    """
    if (finite_float(min_effect) or 0.0) <= 0:
        message = "must be a positive number"
        raise RefusalError(message, value=min_effect, where="--min-effect", fix=f"The default is {MIN_EFFECT}: half a percent.")
    timeline = read_timeline(store, metric=metric, suite=suite)
    first = since_place(store, timeline.runs, since)
    chosen = {one.identity for one in choose(timeline.series, patterns, metric=metric, suite=suite)}
    # All series are cut, chosen or not: whether a machine moved as a whole is part of the cause.
    facts = make_facts(store, timeline)
    timeline = carry_over(store, timeline, facts)
    cuts = [weighed(one, find_changes(one.values, min_effect=min_effect)) for one in timeline.series]
    kept = [(one, cut) for one, cut in zip(timeline.series, cuts, strict=True) if one.identity in chosen]
    baselines, problems = read_baselines(store)
    explained = approve(list(explain(timeline, cuts, facts)), baselines, timeline, min_effect=min_effect)
    crept = find_creep(timeline, cuts, explained, baselines, min_effect=min_effect)
    findings = [one for one in explained if one.series.identity in chosen and one.place >= first]
    breaks = [one for one in find_breaks(timeline, cuts, facts) if one.series.identity in chosen and one.series.places[0] >= first]
    return History(
        replace(timeline, series=tuple(one for one, _ in kept), notes=(*timeline.notes, *problems)),
        tuple(cut for _, cut in kept),
        tuple(sorted(findings, key=newest_first)),
        tuple(sorted(breaks, key=lambda one: (-one.series.places[0], one.series.name))),
        level,
        min_effect,
        metric,
        tuple(one for one in crept if one.series.identity in chosen),
    )


def newest_first(finding: Finding) -> tuple[int, str, str]:
    """Order findings."""
    return -finding.place, finding.series.name, finding.series.hw_class
