"""A judgement as text: cases and figures, then verdicts, comparison, problems, coverage, and one last line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from textwrap import wrap

from assay.results.compare import Comparison
from assay.results.comparison_text import comparison_lines
from assay.results.judge import Judgement
from assay.results.tables import suite_lines
from assay.results.telemetry_text import telemetry_lines
from assay.results.units import plain
from assay.results.verdict import STATUSES, Verdict

RED, GREEN, YELLOW, BOLD = "31", "32", "33", "1"
STYLES = {"fail": RED, "error": RED, "no-verdict": YELLOW, "warn": YELLOW, "pass": GREEN, "skip": ""}
CODE_STYLES = {0: GREEN, 1: RED, 2: RED, 3: RED, 4: YELLOW}
MOST = 40
NARROWEST = 60

# A line of the report: its text, and how it is coloured where that is wanted.
Line = tuple[str, str]


def render(judgement: Judgement, *, color: bool, width: int) -> str:
    """Write the report of one run, at most ``width`` columns where words allow it; colour codes only with ``color``."""
    columns = max(width, NARROWEST)
    lines: list[Line] = []
    if judgement.described.get("inject") or any(case.get("inject") for case in judgement.cases):
        lines += [("FAULTS WERE PLANTED in this run: its figures and verdicts say nothing about the machine.", RED), ("", "")]
    lines += suite_lines(judgement, width=columns)
    lines += [
        line
        for text, style in telemetry_lines([*judgement.measurements.values()])
        for line in wrapped(text, width=columns, style=style) or [("", "")]
    ]
    lines += verdict_lines(judgement.verdicts, width=columns)
    lines += stack_lines(judgement, width=columns)
    if judgement.comparison is not None:
        lines += [("", ""), *comparison_lines(judgement.comparison, width=columns)]
    lines += problem_lines(judgement.problems, width=columns)
    lines += [("", ""), *wrapped(judgement.coverage.text(), width=columns)]
    code = judgement.exit_code
    lines.append((f"{judgement.word.upper()} (exit code {code})  run {judgement.run.id}", CODE_STYLES.get(code, RED)))
    return finish(lines, color=color)


def render_comparison(comparison: Comparison, *, color: bool, width: int) -> str:
    """Write one comparison, with every row that is not ``same``."""
    return finish(comparison_lines(comparison, width=max(width, NARROWEST), whole=True), color=color)


def finish(lines: Iterable[Line], *, color: bool) -> str:
    """Join lines; everything that came out of a file is made harmless before any colour is added."""
    shown = [(plain(text).rstrip(), style) for text, style in lines]
    return "\n".join(f"\x1b[{style}m{text}\x1b[0m" if color and style and text else text for text, style in shown)


def verdict_lines(verdicts: Sequence[Verdict], *, width: int) -> list[Line]:
    """List what did not pass, worst first, then count everything."""
    counts = {status: [v for v in verdicts if v.status == status] for status in STATUSES}
    told = [v for status in ("fail", "error", "no-verdict", "warn") for v in counts[status]]
    lines: list[Line] = [
        ("", ""),
        ("verdicts: " + (", ".join(f"{len(rows)} {status}" for status, rows in counts.items() if rows) or "none"), BOLD),
    ]
    for verdict in told[:MOST]:
        lines += wrapped(verdict_text(verdict), width=width, style=STYLES[verdict.status])
    if len(told) > MOST:
        lines.append((f"  ... and {len(told) - MOST} more (assay show RUN --json has all)", YELLOW))
    idle = [verdict.rule for verdict in counts["skip"] if not verdict.key]
    return lines + (wrapped(f"  skip: {', '.join(idle)} cover no case of this run (reasons: --json)", width=width) if idle else [])


def verdict_text(verdict: Verdict) -> str:
    """Write one verdict as a sentence."""
    place = f" {verdict.key}" if verdict.key else ""
    rests = f" [{verdict.coverage}]" if verdict.coverage and verdict.metric not in {"answer", "coverage"} else ""
    return f"  {verdict.status} {verdict.rule}{place}: {verdict.reason}{rests}"


def stack_lines(judgement: Judgement, *, width: int) -> list[Line]:
    """Say for which cases the stacks of the ranks were kept, and where they are."""
    kept = [m for m in judgement.measurements.values() if m.fault is not None and m.fault.stacks]
    said = [
        f"  stacks of {', '.join(m.fault.stacks)} in {m.case.key}: --json, cases[].fault.stacks" for m in kept[:MOST] if m.fault is not None
    ]
    return [line for text in said for line in wrapped(text, width=width)]


def problem_lines(problems: Sequence[str], *, width: int) -> list[Line]:
    """List what could not be read."""
    if not problems:
        return []
    lines: list[Line] = [("", ""), ("problems", BOLD)]
    for problem in problems[:MOST]:
        lines += wrapped(f"  {problem}", width=width, style=YELLOW)
    return [*lines, (f"  ... and {len(problems) - MOST} more", YELLOW)] if len(problems) > MOST else lines


def wrapped(text: str, *, width: int, style: str = "") -> list[Line]:
    """Break a sentence at words; following lines are indented."""
    indent = " " * (len(text) - len(text.lstrip()))
    return [
        (line, style)
        for line in wrap(plain(text).strip(), width, initial_indent=indent, subsequent_indent=indent + "    ", break_on_hyphens=False)
    ]
