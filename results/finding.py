"""One change of one series with everything that can be told about it: when, how large, how sure, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from assay.harness.rundir import RunDir
from assay.results.carry import carry_at, software_of
from assay.results.cause import Cause, Facts, doubt_of, facts_changed, find_cause, flatten
from assay.results.changepoint import Change, Segmentation
from assay.results.events import make_events
from assay.results.series import Series, Timeline, moment
from assay.results.side import optional
from assay.results.store import Store

DIRTY = "-dirty"
SETTINGS = ("threads", "launch_flags")
SURE = ("inconclusive", "notice", "alert")


@dataclass(frozen=True)
class Finding:
    """One change of one series.

    Attributes:
        series: which one.
        change: where, how large, how sure.
        cause: its likely class, with evidence.
        place: of the new segment's first run in the timeline.
        run: id of the first run of the new segment.
        last: id of the last run before it.
        started: when ``run`` began, UTC.
        commit: git revision that ``run`` wrote down (``-dirty`` with changes of its own), or empty.
        newest: whether no later change follows that is as sure.
        stands: whether the series is still nearer to the level after the change than to that before it.
        worse: whether it is for the worse; None where no direction is better.
        together: whether the machine as a whole moved.
        bridge: the bridge over which the series was carried there, or that there was none; empty where no software changed.
        approved: who took the change into a baseline, when and why; empty where nobody did.

    """

    series: Series
    change: Change
    cause: Cause
    place: int
    run: str
    last: str
    started: str
    commit: str
    newest: bool
    stands: bool
    worse: bool | None
    together: bool
    bridge: str = ""
    approved: str = ""

    @property
    def fails(self) -> bool:
        """Tell whether a gate closes for it: the series' newest alert, not for the better, not undone since, approved by nobody."""
        return self.newest and self.stands and not self.approved and self.change.level == "alert" and self.worse is not False


def explain(timeline: Timeline, cuts: Sequence[Segmentation], facts: Callable[[int], Facts]) -> Iterator[Finding]:
    """Yield a finding for every change of every series."""
    notices = sum(any(change.level == "notice" for change in cut.changes) for cut in cuts)
    moved_at = make_events(timeline.series, cuts)
    for one, cut in zip(timeline.series, cuts, strict=True):
        ends = [0, *(change.index for change in cut.changes), len(one.values)]
        for i, change in enumerate(cut.changes):
            moved = moved_at(one, change)
            doubt = "" if moved.together or moved.alone else doubt_of(change.level, change.reason, notices=notices, series=len(cuts))
            carry = carry_at(one, change)
            told = without(facts, carry.facts) if carry else facts
            cause = find_cause(one, change.index, bounds=(ends[i], ends[i + 2]), facts=told, moved=moved, doubt=doubt)
            bridge = carry.sentence if carry else no_bridge(one, change.index, (ends[i], ends[i + 2]), facts)
            place, last = one.places[change.index], one.places[change.index - 1]
            info, commit = timeline.runs[place], commit_of(facts(place))
            said = info.id, timeline.runs[last].id, moment(info).isoformat(), commit
            newest = not any(SURE.index(later.level) >= SURE.index(change.level) for later in cut.changes[i + 1 :])
            stands = abs(cut.medians[-1] - change.after) <= abs(cut.medians[-1] - change.before)
            yield Finding(one, change, cause, place, *said, newest, stands, worse(one, change), moved.together, bridge)


def without(facts: Callable[[int], Facts], names: Sequence[str]) -> Callable[[int], Facts]:
    """Leave out facts: what a bridge took off a series explains nothing that is left."""
    return lambda place: {name: value for name, value in facts(place).items() if name not in names}


def no_bridge(series: Series, index: int, bounds: tuple[int, int], facts: Callable[[int], Facts]) -> str:
    """Say that software changed at a step and no bridge tells how much of it that is; empty where none changed."""
    changed = facts_changed(series, index, bounds=bounds, facts=lambda place: without_settings(software_of(facts(place))))
    return f"no bridge tells what {', '.join(name for name, _ in changed)} did (assay bridge OLD NEW)" if changed else ""


def without_settings(software: Facts) -> Facts:
    """Leave out what is set rather than installed: it can be set back, so nobody needs a bridge."""
    return {name: value for name, value in software.items() if name not in SETTINGS}


def commit_of(facts: Facts) -> str:
    """Give the git revision, with ``-dirty`` where the tree held changes of its own; empty where nobody wrote one down."""
    revision = facts.get("git.revision", "")
    return revision + DIRTY if revision and facts.get("git.dirty") == "true" else revision


def worse(series: Series, change: Change) -> bool | None:
    """Tell whether a change is for the worse."""
    return None if series.better == "none" else (change.after > change.before) == (series.better == "lower")


def make_facts(store: Store, timeline: Timeline) -> Callable[[int], Facts]:
    """Make the reader of facts: a run's by its place, each file once, and what ``run.json`` says besides."""

    @cache
    def facts(place: int) -> Facts:
        info = timeline.runs[place]
        written = flatten(optional(RunDir(store.root / info.id), "facts.json"))
        also = {"assay": info.assay} if "packages.assay-harness" not in written else {}
        classes = {} if written else {"sw_class": info.sw_class}
        return {name: value for name, value in ({"host": info.host} | also | classes | written).items() if value}

    return facts
