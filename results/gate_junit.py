"""A gate's rows as outcomes, for JUnit XML and GitLab's findings; nothing that was not compared passes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from assay.results.exchange import codequality as findings
from assay.results.exchange import junit as xml
from assay.results.exchange.outcomes import Kind, Outcome
from assay.results.gate_text import figures, ordered

if TYPE_CHECKING:
    from assay.results.gate_report import GateReport

KINDS: dict[str, Kind] = {"slower": "failed", "wrong": "failed", "missing": "error", "same": "passed", "faster": "passed"}


def junit(report: GateReport) -> str:
    """Write a gate as JUnit XML; what is undecided is skipped, with its reason."""
    return xml.write(outcomes(report), name="assay gate", stamp=report.when, seconds=report.cost.seconds + report.cost.confirm_seconds)


def code_quality(report: GateReport) -> str:
    """Write what failed in a gate as GitLab's findings."""
    return json.dumps(findings.write(outcomes(report)), indent=1) + "\n"


def outcomes(report: GateReport) -> list[Outcome]:
    """Give one outcome for each row, worst first."""
    return [
        Outcome(
            row.key.partition("/")[0],
            f"{row.key} {row.subject}".strip(),
            KINDS.get(row.status, "skipped"),
            row.status,
            row.reason,
            f"{row.status}: {figures(row)} {row.reason}",
        )
        for row in ordered(report.rows)
    ]
