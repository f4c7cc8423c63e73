"""Aimed rules applied to a run: which figures each covers, which are lacking, and a row that says so where one judges nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from assay.harness.measurement import Measurement
from assay.results.agreement import judge_equal, judge_peers
from assay.results.aims import Aim, Bound, Equal, Peers
from assay.results.bounded import Finding, judge_bound
from assay.results.coverage import Coverage, Row, cases
from assay.results.metrics import meaningless
from assay.results.record import Record
from assay.results.truth import figures_doubt
from assay.results.verdict import Verdict, VerdictStatus

IDLE = {"skipped", "not_applicable"}


@dataclass(frozen=True)
class Evidence:
    """What rules are held against: the plan's cases (as JSON), what came of each, measurements by key, records."""

    cases: Sequence[Mapping[str, Any]]
    coverage: Coverage
    measurements: Mapping[str, Measurement]
    records: Sequence[Record]


def judge_aims(aims: Iterable[Aim], evidence: Evidence) -> list[Verdict]:
    """Apply every rule to every figure that it covers; a rule that judges nothing says so in a row of its own."""
    rows = {row.key: row for row in evidence.coverage.rows}
    return [found for aim in aims for found in judge_aim(aim, evidence, rows)]


def judge_aim(aim: Aim, evidence: Evidence, rows: Mapping[str, Row]) -> list[Verdict]:
    """Apply one rule."""
    planned = [case for case in evidence.cases if case["suite"] == aim.suite]
    possible = [case for case in planned if rows[case["key"]].status not in IDLE]
    if not possible:
        said = "applicable here" if planned else "planned"
        return [silent(aim, "skip", f"no case of suite {aim.suite} is {said}")]
    unknown = aim.unknown(planned)
    if unknown:
        said = f"no case of suite {aim.suite} has {', '.join(unknown)}, so this rule can never judge; correct rules.{aim.name}.where"
        return [silent(aim, "no-verdict", said)]
    covered = [rows[case["key"]] for case in possible if aim.covers(case)]
    if not covered:
        return [silent(aim, "skip", f"no planned case of suite {aim.suite} fulfils {dict(aim.where)}")]
    return judge_covered(aim, covered, evidence)


def judge_covered(aim: Aim, covered: Sequence[Row], evidence: Evidence) -> list[Verdict]:
    """Apply one rule to the cases that it covers; a measured case without the figure is a row, and so is a rule without any figure."""
    measured = {row.key: evidence.measurements[row.key] for row in covered if row.status == "measured"}
    wanted = [row for row in covered if row.key not in measured or not meaningless(measured[row.key], aim.metric)]
    if not wanted:
        return [silent(aim, "skip", meaningless(next(iter(measured.values())), aim.metric))]
    keys = {row.key for row in wanted}
    figures = [record for record in evidence.records if record.metric == aim.metric and record.key in keys]
    seen = {record.key for record in figures}
    text = f"{len(seen)} of {len(wanted)} {cases(len(wanted))} with {aim.metric}"
    found = [row_of(aim, record, finding, text) for record, finding in judge_figures(aim, figures)]
    for key in keys - seen:
        if key in measured and not figures_doubt(measured[key]):
            said = f"measured, but without {aim.metric}: the suite says not what a step moves"
            found.append(replace(silent(aim, "no-verdict", said, text), key=key))
    if not found:
        became = Counter(row.status for row in wanted if row.key not in measured)
        why = ", ".join(f"{number} {status}" for status, number in sorted(became.items())) or "times cannot be used"
        said = f"none of the {len(wanted)} {cases(len(wanted))} that it covers has {aim.metric}: {why}"
        found.append(silent(aim, "no-verdict", said, text))
    return sorted(found, key=lambda one: one.key)


def judge_figures(aim: Aim, figures: Sequence[Record]) -> list[tuple[Record, Finding]]:
    """Judge figures one by one, or case by case where a rule compares those of one case."""
    if isinstance(aim, Bound):
        return [(record, judge_bound(aim, record)) for record in figures]
    groups: dict[str, list[Record]] = {}
    for record in figures:
        groups.setdefault(record.key, []).append(record)
    found: list[tuple[Record, Finding]] = []
    for group in groups.values():
        if isinstance(aim, Peers):
            found += judge_peers(aim, group, tests=len(figures))
        elif isinstance(aim, Equal):
            found += judge_equal(aim, group)
    return found


def row_of(aim: Aim, record: Record, finding: Finding, text: str) -> Verdict:
    """Write down what was found of one figure, with what it rests on."""
    told = finding.reason + (f": {aim.why}" if finding.status == "fail" and aim.why else "")
    return replace(
        silent(aim, finding.status, told, text),
        key=record.key,
        subject=record.subject,
        value=record.value,
        interval=record.interval,
        expected=finding.expected,
        baseline=finding.baseline,
        effect=relative(record.value, finding.expected),
        effect_interval=spanned(record.interval, finding.expected),
        n=record.n,
        noise=record.cv,
    )


def relative(value: float, expected: float | None) -> float | None:
    """Give value / expected - 1, or None without a positive expectation."""
    return None if expected is None or expected <= 0 else value / expected - 1


def spanned(interval: tuple[float, float] | None, expected: float | None) -> tuple[float, float] | None:
    """Give the interval of ``relative``."""
    ends = [relative(end, expected) for end in interval or ()]
    return (ends[0], ends[1]) if len(ends) == 2 and ends[0] is not None and ends[1] is not None else None  # noqa: PLR2004 - an interval


def silent(aim: Aim, status: VerdictStatus, reason: str, coverage: str = "") -> Verdict:
    """Make the row of a rule that judges no figure."""
    return Verdict(aim.name, "", "", aim.metric, None, aim.wanted, aim.unit, None, status, reason, coverage, aim.version)
