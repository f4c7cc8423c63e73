"""A report for a terminal: the judgement as ``assay show`` writes it, the comparison with the base, and what to do next."""

from __future__ import annotations

from dataclasses import replace

from assay.results.next_steps import named, next_steps
from assay.results.report import Line, finish, render, wrapped
from assay.results.report_content import Content

RED, YELLOW, BOLD = "31", "33", "1"
STYLES = {"fail": RED, "error": RED, "no-verdict": YELLOW, "warn": YELLOW, "note": ""}
NARROWEST = 60


def render_text(content: Content, *, color: bool, width: int) -> str:
    """Write the report, at most ``width`` columns where words allow it; colour codes only with ``color``."""
    judgement = replace(content.judgement, comparison=content.comparison, problems=[*content.problems])
    lines: list[Line] = [("", ""), ("what to do next", BOLD)]
    steps = next_steps(content)
    for step in steps:
        lines += wrapped(f"  {step.level}: {step.found}", width=max(width, NARROWEST), style=STYLES[step.level])
        lines += wrapped(f"    {step.todo}", width=max(width, NARROWEST))
        lines += wrapped(f"    cases: {named(step.cases)}", width=max(width, NARROWEST)) if step.cases else []
    if not steps:
        lines.append(("  nothing: every planned case that this machine can have was measured, and every rule passed", ""))
    return f"{render(judgement, color=color, width=width)}\n{finish(lines, color=color)}"
