"""Judging truth and coverage: was every planned case answered, and was every answer right?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from assay.harness.measurement import Measurement
from assay.results.coverage import Coverage, Row, cases
from assay.results.rules import Rules
from assay.results.truth import figures_doubt
from assay.results.units import percent
from assay.results.verdict import Verdict, VerdictStatus

# What the status of a case says about its answer. What nobody could have here, or left out on purpose, is no fault.
ANSWERS: Mapping[str, VerdictStatus] = {
    "measured": "pass",
    "wrong": "fail",
    "error": "error",
    "crashed": "error",
    "timeout": "error",
    "missing": "error",
    "skipped": "skip",
    "not_applicable": "skip",
}
# What stands in place of a check of ours.
VOUCHED = {"test": "its own test passed, and Assay compared nothing", "nobody": "nobody checked the answer"}


def judge_answers(
    coverage: Coverage, measurements: Mapping[str, Measurement], rules: Rules, earlier: Mapping[str, Sequence[Measurement]] | None = None
) -> list[Verdict]:
    """Judge the answer of every planned case; beside it, a right answer whose times cannot be used is ``no-verdict`` on time.

    ``earlier`` holds attempts that broke: a case that needed them passes with ``warn`` at best.
    """
    found = []
    for row in coverage.rows:
        measurement = measurements.get(row.key)
        found.append(tried(answer(row, measurement, rules), (earlier or {}).get(row.key, ())))
        doubt = figures_doubt(measurement) if measurement is not None and row.status == "measured" else ""
        if doubt:
            found.append(verdict(rules, "correct", status="no-verdict", key=row.key, metric="time", unit="s", reason=doubt))
    return found


def answer(row: Row, measurement: Measurement | None, rules: Rules) -> Verdict:
    """Judge one answer."""
    checked = "" if measurement is None else f"{measurement.checked.tested} elements in {measurement.checked.checks} checks"
    status = ANSWERS[row.status]
    reason = row.reason if status != "error" else f"{row.status}: {row.reason}"
    by = "assay" if measurement is None else measurement.checked.by
    if status == "pass" and by != "assay":
        checked = VOUCHED[by]
        status = "pass" if by == "test" else "no-verdict"
    if status == "pass":
        reason = "the answer is right" if by == "assay" else checked
    elif status == "no-verdict":
        reason = f"{checked}, so whether it is right is unknown: give a check"
    return verdict(rules, "correct", status=status, key=row.key, metric="answer", unit="", reason=reason, coverage=checked)


def tried(verdict: Verdict, before: Sequence[Measurement]) -> Verdict:
    """Say of a verdict how many attempts it took, and how the earlier ones ended; what broke before is never a plain pass."""
    if not before:
        return verdict
    ends = "; ".join(f"attempt {one.attempt + 1} {one.status}: {one.reason}" for one in before)
    status: VerdictStatus = "warn" if verdict.status == "pass" else verdict.status
    return replace(verdict, status=status, reason=f"{verdict.reason}, at attempt {before[-1].attempt + 2} ({ends})")


def judge_coverage(coverage: Coverage, rules: Rules, *, plan_known: bool = True) -> list[Verdict]:
    """Judge whether enough of the plan was answered, and name suites in which nothing was applicable."""
    found = []
    for suite, reason in coverage.barren.items():
        said = f"suite {suite}: nothing of it is applicable here ({reason}), so nothing was judged"
        found.append(verdict(rules, "coverage", status="no-verdict", reason=said))
    if not plan_known:
        said = "the plan cannot be read, so what is missing cannot be known; plan the same again and measure anew"
        return [*found, verdict(rules, "coverage", status="error", reason=said, coverage=coverage.text())]
    answered, possible = coverage.answered
    if not possible:
        return [
            *found,
            verdict(rules, "coverage", status="no-verdict", reason="no planned case could be measured here", coverage=coverage.text()),
        ]
    share = answered / possible
    status: VerdictStatus = "pass" if share >= rules.share else "error"
    reason = f"{answered} of {possible} possible {cases(possible)} have an answer, {percent(rules.share)} are wanted"
    return [*found, verdict(rules, "coverage", status=status, reason=reason, coverage=coverage.text(), value=share, expected=rules.share)]


def verdict(rules: Rules, kind: str, *, status: VerdictStatus, reason: str, **parts: Any) -> Verdict:
    """Make a verdict of a rule that exists once, by its kind; what is not given is empty."""
    plain: dict[str, Any] = {
        "key": "",
        "subject": "cluster",
        "metric": "coverage",
        "unit": "1",
        "value": None,
        "expected": None,
        "interval": None,
        "coverage": "",
    }
    return Verdict(rule=rules.names[kind], rule_version=rules.versions[kind], status=status, reason=reason, **(plain | parts))
