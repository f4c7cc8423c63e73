"""JUnit XML, the Ant form that CI systems read."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from assay.results.exchange.outcomes import Outcome
from assay.results.units import plain

# What plain text can hold and XML 1.0 cannot (its production 2, Char).
OUTSIDE = {ord(c): ascii(c)[1:-1] for c in "\ufffe\uffff"}
TAGS = {"failed": "failure", "error": "error", "skipped": "skipped"}


def write(found: Sequence[Outcome], *, name: str, stamp: str = "", seconds: float = 0.0) -> str:
    """Write outcomes, one test case each: what was not measured is an error or skipped with its reason, never a pass.

    Characters that XML 1.0 cannot hold are written as escapes.
    """
    kinds = [one.kind for one in found]
    counts = {"tests": len(kinds), "failures": kinds.count("failed"), "errors": kinds.count("error"), "skipped": kinds.count("skipped")}
    numbers = {key: str(value) for key, value in counts.items()}
    top = ET.Element("testsuites", numbers)
    suite = ET.SubElement(top, "testsuite", {"name": safe(name), "timestamp": safe(stamp), "time": f"{seconds:.3f}"} | numbers)
    for one in found:
        suite.append(test_case(one))
    ET.indent(top)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(top, encoding="unicode") + "\n"


def safe(text: str) -> str:
    """Write text with escapes for what XML 1.0 cannot hold."""
    return plain(text).translate(OUTSIDE)


def test_case(one: Outcome) -> ET.Element:
    """Write one outcome."""
    head = {"classname": f"assay.{safe(one.group)}", "name": safe(one.name), "time": f"{one.seconds:.3f}"}
    element = ET.Element("testcase", head)
    if one.properties:
        properties = ET.SubElement(element, "properties")
        for name, value in one.properties.items():
            ET.SubElement(properties, "property", {"name": safe(name), "value": safe(value)})
    if one.kind in TAGS:
        ET.SubElement(element, TAGS[one.kind], {"type": safe(one.status), "message": safe(one.message)})
    # JUnit has no warning: what passed only after it had broken says so in its output.
    said = [f"warn: {one.message}"] if one.status == "warn" else []
    if said or one.text:
        ET.SubElement(element, "system-out").text = "\n".join(safe(line) for line in (*said, *one.text.split("\n")))
    return element
