"""Every rule applied to every case and figure it is about: a verdict each, also where nothing could be decided."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from assay.harness.measurement import Measurement
from assay.results.coverage import Coverage, Row, said
from assay.results.limits import CALIBRATION
from assay.results.metrics import meaningless
from assay.results.record import METRICS, Record
from assay.results.rules import Floor, Rules
from assay.results.truth import answer_doubt, figures_doubt
from assay.results.units import percent, quantity
from assay.results.verdict import Verdict, VerdictStatus


def verdicts(rules: Rules, measurements: Sequence[Measurement], records: Sequence[Record], coverage: Coverage) -> list[Verdict]:
    """Judge a run: answers, plausibility, floors, coverage, in this order."""
    by_key = {measurement.case.key: measurement for measurement in measurements}
    found = [answer(rules, row, by_key.get(row.key)) for row in coverage.rows]
    found += [verdict for record in records for verdict in plausible(rules, record)]
    for floor in rules.floors:
        found += floored(floor, coverage, by_key, records)
    return [*found, covered(rules, coverage)]


def verdict_of(rules: Rules, kind: str, status: VerdictStatus, reason: str, **parts: Any) -> Verdict:
    """Make a verdict of a rule that exists once."""
    empty: dict[str, Any] = {
        "key": "",
        "subject": "",
        "metric": "answer",
        "value": None,
        "expected": None,
        "unit": "",
        "interval": None,
        "coverage": "",
    }
    return Verdict(**(empty | parts), rule=rules.names[kind], status=status, reason=reason, rule_version=rules.versions[kind])


def answer(rules: Rules, row: Row, measurement: Measurement | None) -> Verdict:
    """Judge one case's answer; a case that has none is an error or a skip, never a pass."""
    if measurement is None or row.status == "missing":
        return verdict_of(rules, "correct", "error", row.reason, key=row.key, coverage="0 checks")
    checked = measurement.checked
    coverage = f"{checked.tested} elements in {checked.checks} checks"
    if row.status == "measured":
        doubt = answer_doubt(measurement) or figures_doubt(measurement)
        status: VerdictStatus = "no-verdict" if doubt else "pass"
        reason = doubt or f"right: {coverage}"
    else:
        status = {"wrong": "fail", "not_applicable": "skip", "skipped": "skip"}.get(row.status, "error")  # type: ignore[assignment]
        reason = said(measurement)
    return verdict_of(rules, "correct", status, reason, key=row.key, coverage=coverage)


def plausible(rules: Rules, record: Record) -> Iterator[Verdict]:
    """Judge whether a figure is too good: above a vendor's peak something else was measured, so it fails.

    A limit measured in the same run may have been disturbed by other work on the machine: that is said, and decides nothing.
    """
    if record.share is None or record.metric not in METRICS:
        return
    measured = record.limit_name.startswith("measured ")
    most = rules.measured if measured else rules.stated
    if record.share <= most:
        return
    reason = f"{record.metric} is {percent(record.share)} of {record.limit_name}, more than can be: " + (
        "the limit was disturbed while it was measured, measure again"
        if measured
        else "another shape, clock or format was measured than stated"
    )
    yield verdict_of(
        rules,
        "plausible",
        "skip" if measured else "fail",
        reason,
        key=record.key,
        subject=record.subject,
        metric=record.metric,
        value=record.value,
        expected=most * (record.limit or 0.0),
        unit=record.unit,
        interval=record.interval,
        coverage=f"{record.n} repetitions",
    )


def floored(floor: Floor, coverage: Coverage, by_key: Mapping[str, Measurement], records: Sequence[Record]) -> Iterator[Verdict]:
    """Judge one floor over all cases that it covers; a measured case without the figure gets no verdict, not silence."""
    for row in coverage.rows:
        measurement = by_key.get(row.key)
        if (
            row.status != "measured"
            or measurement is None
            or not floor.covers(row.suite, measurement.case.params)
            or row.suite == CALIBRATION
        ):
            continue
        own = [record for record in records if record.key == row.key and record.metric == floor.metric]
        if own:
            yield from (above(floor, record) for record in own)
        elif not meaningless(measurement, floor.metric):
            reason = (
                f"has no {floor.metric} to hold against the floor: {figures_doubt(measurement) or 'the suite does not move what it counts'}"
            )
            yield floor_verdict(floor, "no-verdict", reason, key=row.key)


def above(floor: Floor, record: Record) -> Verdict:
    """Hold one figure against its floor."""
    if floor.value is not None:
        least = floor.value
    elif record.limit is not None and floor.share_of_limit is not None:
        least = floor.share_of_limit * record.limit
    else:
        reason = f"no limit of {record.metric} is known on this machine, so no share of it; choose hardware=NAME or let calibration run"
        return floor_verdict(floor, "no-verdict", reason, key=record.key, subject=record.subject, value=record.value)
    shown = f"{quantity(record.value, record.unit)} against at least {quantity(least, record.unit)}"
    share = "" if record.share is None else f" ({percent(record.share)} of {record.limit_name})"
    status: VerdictStatus = "pass" if record.value >= least else "fail"
    reason = f"{record.subject} reaches {shown}{share}" + ("" if status == "pass" else f"; {floor.why}")
    return floor_verdict(
        floor, status, reason, key=record.key, subject=record.subject, value=record.value, expected=least, interval=record.interval
    )


def floor_verdict(floor: Floor, status: VerdictStatus, reason: str, **parts: Any) -> Verdict:
    """Make a verdict of a floor."""
    empty: dict[str, Any] = {"subject": "", "value": None, "expected": None, "interval": None, "coverage": "1 figure"}
    unit = METRICS[floor.metric][0]
    return Verdict(
        **(empty | parts), rule=floor.name, metric=floor.metric, unit=unit, status=status, reason=reason, rule_version=floor.version
    )


def covered(rules: Rules, coverage: Coverage) -> Verdict:
    """Judge the coverage: absence is never a pass."""
    answered, possible = coverage.answered
    share = answered / possible if possible else 0.0
    status: VerdictStatus = "pass" if possible and share >= rules.share else "error"
    if coverage.barren:
        status = "no-verdict" if status == "pass" or not possible else status
    reason = coverage.text() + "".join(f"; nothing of {suite} is applicable here ({why})" for suite, why in coverage.barren.items())
    text = f"{answered} of {possible} cases"
    return verdict_of(rules, "coverage", status, reason, metric="coverage", value=share, expected=rules.share, unit="1", coverage=text)
