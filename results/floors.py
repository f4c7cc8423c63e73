"""Judging figures: floors that find what is broken, and figures that are too good to be true."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from assay.harness.measurement import Measurement
from assay.results.answers import verdict
from assay.results.coverage import Coverage, Row, cases
from assay.results.limits import MEASURED
from assay.results.metrics import meaningless
from assay.results.record import METRICS, Record
from assay.results.rules import Floor, Rules
from assay.results.truth import figures_doubt
from assay.results.units import percent, quantity
from assay.results.verdict import Verdict, VerdictStatus

IDLE = {"skipped", "not_applicable"}


@dataclass(frozen=True)
class Evidence:
    """What floors are held against: the plan's cases (as JSON), what came of each, measurements by key, records."""

    cases: Sequence[Mapping[str, Any]]
    coverage: Coverage
    measurements: Mapping[str, Measurement]
    records: Sequence[Record]


def judge_floors(floors: Iterable[Floor], evidence: Evidence) -> list[Verdict]:
    """Apply every floor to every figure that it covers; a floor that judges nothing says so in a row of its own."""
    rows = {row.key: row for row in evidence.coverage.rows}
    return [found for floor in floors for found in judge_floor(floor, evidence, rows)]


def judge_floor(floor: Floor, evidence: Evidence, rows: Mapping[str, Row]) -> list[Verdict]:
    """Apply one floor."""
    planned = [case for case in evidence.cases if case["suite"] == floor.suite]
    possible = [case for case in planned if rows[case["key"]].status not in IDLE]
    if not possible:
        said = "applicable here" if planned else "planned"
        return [silent(floor, "skip", f"no case of suite {floor.suite} is {said}")]
    unknown = floor.unknown(planned)
    if unknown:
        said = f"no case of suite {floor.suite} has {', '.join(unknown)}, so this rule can never judge; correct rules.{floor.name}.where"
        return [silent(floor, "no-verdict", said)]
    covered = [rows[case["key"]] for case in possible if floor.covers(case)]
    if not covered:
        return [silent(floor, "skip", f"no planned case of suite {floor.suite} fulfils {dict(floor.where)}")]
    return judge_covered(floor, covered, evidence)


def judge_covered(floor: Floor, covered: Sequence[Row], evidence: Evidence) -> list[Verdict]:
    """Apply one floor to the cases that it covers; a measured case without the figure is a row, and so is a floor without any figure."""
    measured = {row.key: evidence.measurements[row.key] for row in covered if row.status == "measured"}
    wanted = [row for row in covered if row.key not in measured or not meaningless(measured[row.key], floor.metric)]
    if not wanted:
        return [silent(floor, "skip", meaningless(next(iter(measured.values())), floor.metric))]
    keys = {row.key for row in wanted}
    figures = [record for record in evidence.records if record.metric == floor.metric and record.key in keys]
    seen = {record.key for record in figures}
    text = f"{len(seen)} of {len(wanted)} {cases(len(wanted))} with {floor.metric}"
    found = [judge_figure(floor, record, text) for record in figures]
    for key in keys - seen:
        if key in measured and not figures_doubt(measured[key]):
            said = f"measured, but without {floor.metric}: the suite says not what a step moves"
            found.append(replace(silent(floor, "no-verdict", said, text), key=key))
    if not found:
        became = Counter(row.status for row in wanted if row.key not in measured)
        why = ", ".join(f"{number} {status}" for status, number in sorted(became.items())) or "times cannot be used"
        said = f"none of the {len(wanted)} {cases(len(wanted))} that it covers has {floor.metric}: {why}"
        found.append(silent(floor, "no-verdict", said, text))
    return sorted(found, key=lambda one: one.key)


def judge_figure(floor: Floor, record: Record, text: str) -> Verdict:
    """Hold one figure against one floor; a share of a limit that nobody knows is ``no-verdict``."""
    base = replace(
        silent(floor, "no-verdict", "", text), key=record.key, subject=record.subject, value=record.value, interval=record.interval
    )
    reached = quantity(record.value, record.unit)
    if floor.most is not None:
        over = record.value > floor.most
        said = f"{record.subject} reached {reached}, at most {quantity(floor.most, record.unit)} is wanted"
        return replace(
            base, status="fail" if over else "pass", expected=floor.most, reason=f"{said}: {floor.why}" if over and floor.why else said
        )
    if floor.value is None and (record.limit is None or record.share is None):
        said = f"{record.subject} reached {reached}, but its limit is not known: measure it (suite calibrate) or choose hardware=NAME"
        return replace(base, reason=said)
    if floor.value is None:
        limit = record.limit or 0.0
        least = (floor.share_of_limit or 0.0) * limit
        said = f"{record.subject} reached {reached}, {percent(record.share or 0.0)} of {record.limit_name} ({quantity(limit, record.unit)})"
        wanted = f"{percent(floor.share_of_limit or 0.0)} of it"
    else:
        least, said, wanted = floor.value, f"{record.subject} reached {reached}", quantity(floor.value, record.unit)
    status: VerdictStatus = "pass" if record.value >= least else "fail"
    why = f": {floor.why}" if floor.why and status == "fail" else ""
    return replace(base, status=status, expected=least, reason=f"{said}, at least {wanted} is wanted{why}")


def silent(floor: Floor, status: VerdictStatus, reason: str, coverage: str = "") -> Verdict:
    """Make the row of a floor that judges no figure."""
    unit = METRICS[floor.metric][0]
    wanted = floor.value if floor.most is None else floor.most
    return Verdict(floor.name, "", "", floor.metric, None, wanted, unit, None, status, reason, coverage, floor.version)


def judge_plausible(records: Sequence[Record], rules: Rules) -> tuple[list[Record], list[Verdict]]:
    """Mark figures over their limit as too good; one that beats a stated arithmetic peak fails.

    Only ``flop_rate`` fails: no unit multiplies faster than its peak, so the time or the volume is wrong. Measured limits are as
    uncertain as any figure; data in a cache never crosses the memory, and a switch that adds needs fewer wire bytes than busbw assumes:
    those are marked, not failed.
    """
    marked, found = [], []
    for record in records:
        measured = record.limit_name.startswith(f"{MEASURED} ")
        most = rules.measured if measured else rules.stated
        if record.better != "higher" or record.share is None or record.share <= most:
            marked.append(record)
            continue
        said = f"too good: {percent(record.share)} of {record.limit_name}, over {percent(most)} is not plausible"
        marked.append(replace(record, flags=(*record.flags, said)))
        if not measured and record.metric == "flop_rate":
            about = {"key": record.key, "subject": record.subject, "metric": record.metric, "unit": record.unit, "value": record.value}
            held = {"expected": most * (record.limit or 0.0), "interval": record.interval}
            reason = f"{record.subject} is {said}: the hardware is not {record.limit_name.split()[0]}, or the time is wrong"
            found.append(verdict(rules, "plausible", status="fail", reason=reason, **about, **held))
    return marked, found
