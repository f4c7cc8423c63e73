"""A run held against a baseline: against its newest segment, and against the frozen first, so that small steps cannot add up unseen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch

from assay.harness.errors import RefusalError
from assay.harness.rundir import RunDir
from assay.results.baselines import Segment, names, newest, resolved, segments
from assay.results.compare import Comparison, Row, compare
from assay.results.store import Store


@dataclass(frozen=True)
class Check:
    """A run held against a baseline: ``newest`` against its newest segment, ``creep`` what has come together since the first.

    ``accepted`` is what was approved since the first, as one factor a case.
    """

    baseline: Segment
    first: Segment
    newest: Comparison
    creep: tuple[Row, ...] = ()
    accepted: Mapping[str, float] = field(default_factory=dict)

    @property
    def code(self) -> int:
        """Give the exit code: that of the comparison, and 1 where allowed steps have come together."""
        return 1 if self.creep else self.newest.decides()


def check(store: Store, name: str, runs: Sequence[RunDir], *, min_effect: float, min_seconds: float = 1e-6) -> Check:
    """Hold runs against the newest segment and against the frozen first one.

    A case is creeping where it is slower than in the first segment by more than what was approved case by case since, though no single step
    was flagged. RefusalError where a run that is judged is part of the baseline: a baseline is never learned from what it judges.
    """
    last, first = newest(store, name), segments(store, name)[0]
    own = {run.id for run in runs} & {*last.runs, *first.runs}
    if own:
        message = f"{', '.join(sorted(own))} is part of the baseline that should judge it"
        raise RefusalError(message, value=name, where="RUN", fix="Judge another run.")
    now_found = without(compare(resolved(store, last), runs, min_effect=min_effect, min_seconds=min_seconds), last.excluded)
    return Check(last, first, now_found, *crept(store, name, runs, now_found))


def against_first(store: Store, name: str, runs: Sequence[RunDir], found: Comparison) -> Check | None:
    """Add what has crept since the frozen first segment to a comparison with a baseline; None where ``name`` is no baseline of its own."""
    known = segments(store, name) if name in names(store) else []
    return Check(known[-1], known[0], found, *crept(store, name, runs, found)) if known else None


def crept(store: Store, name: str, runs: Sequence[RunDir], now_found: Comparison) -> tuple[tuple[Row, ...], dict[str, float]]:
    """Give the rows that are slower than in the frozen first segment though none was flagged now, and what was approved since."""
    found = segments(store, name)
    first, last, accepted = found[0], found[-1], allowances(found)
    if last.number == first.number:
        return (), accepted
    limits = {"min_effect": now_found.min_effect, "min_seconds": now_found.min_seconds}
    since = without(compare(resolved(store, first), runs, **limits), last.excluded)
    flagged = {(row.key, row.subject) for row in now_found.rows if row.status == "slower"}
    creeping = (row for row in since.rows if row.status == "slower" and (row.key, row.subject) not in flagged)
    return tuple(row for row in creeping if beyond(row, accepted.get(f"{row.key} {row.subject}", 1.0), since.min_effect)), accepted


def beyond(row: Row, accepted: float, min_effect: float) -> bool:
    """Tell whether a case is slower than in the first segment by more than what was approved since."""
    return 1 + (row.change or 0.0) > accepted * (1 + min_effect)


def allowances(found: Sequence[Segment]) -> dict[str, float]:
    """Give what was approved since the first segment, as one factor a case."""
    factors: dict[str, float] = {}
    for segment in found[1:]:
        for case, one in segment.approved.items():
            factors[case] = factors.get(case, 1.0) * (1 + float(one.get("change") or 0.0))
    return factors


def without(found: Comparison, excluded: Mapping[str, str]) -> Comparison:
    """Leave excluded cases out of a comparison, and say so."""
    kept = tuple(row for row in found.rows if not any(fnmatch(row.key, pattern) for pattern in excluded))
    left = len(found.rows) - len(kept)
    note = (
        (f"{left} figures are no part of this baseline: {'; '.join(f'{case}: {why}' for case, why in excluded.items())}",) if left else ()
    )
    return Comparison(found.base, found.head, found.min_effect, found.min_seconds, kept, (*found.notes, *note))


def creep_lines(found: Check) -> list[str]:
    """Say what has crept: one line a case, with what was approved of it."""
    lines = []
    for row in found.creep:
        allowed = found.accepted.get(f"{row.key} {row.subject}", 1.0) - 1
        told = f", of which {100 * allowed:+.3g} % were approved" if allowed else ""
        since = f"since {found.first.label} of {found.first.when[:10]}"
        lines.append(f"creep: {row.key} {row.subject} {100 * (row.change or 0.0):+.3g} % {since}{told}; no single step was flagged")
    return lines
