"""A gate as JUnit XML: one test case a row; nothing that was not compared passes."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from assay.results.gate_text import figures, ordered
from assay.results.units import plain

if TYPE_CHECKING:
    from assay.results.gate_report import GateReport
    from assay.results.gate_rows import Row

FAILED = {
    "slower": "failure",
    "wrong": "failure",
    "missing": "error",
    "not-comparable": "skipped",
    "inconclusive": "skipped",
    "new": "skipped",
}


def junit(report: GateReport) -> str:
    """Write a gate as JUnit XML (the Ant form that CI systems read); what is undecided is skipped, with its reason."""
    rows = ordered(report.rows)
    kinds = [FAILED.get(row.status, "") for row in rows]
    counts = {"tests": len(rows), "failures": kinds.count("failure"), "errors": kinds.count("error"), "skipped": kinds.count("skipped")}
    numbers = {name: str(count) for name, count in counts.items()}
    top = ET.Element("testsuites", numbers)
    seconds = f"{report.cost.seconds + report.cost.confirm_seconds:.3f}"
    suite = ET.SubElement(top, "testsuite", {"name": "assay gate", "timestamp": report.when, "time": seconds} | numbers)
    for row in rows:
        suite.append(test_case(row))
    ET.indent(top)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(top, encoding="unicode") + "\n"


def test_case(row: Row) -> ET.Element:
    """Write one row."""
    name = plain(f"{row.key} {row.subject}".strip())
    element = ET.Element("testcase", {"classname": f"assay.{plain(row.key.partition('/')[0])}", "name": name})
    kind = FAILED.get(row.status)
    if kind:
        ET.SubElement(element, kind, {"type": row.status, "message": plain(row.reason)})
    ET.SubElement(element, "system-out").text = plain(f"{row.status}: {figures(row)} {row.reason}")
    return element
