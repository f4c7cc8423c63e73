"""A report as GitHub-flavoured Markdown: verdict, what to do next, tables, provenance; every stored text is escaped."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from assay.results.compare import STATUSES
from assay.results.comparison_text import names
from assay.results.next_steps import named, next_steps
from assay.results.report_content import Content
from assay.results.tables import answer, constants, figures, label, spelled
from assay.results.units import plain, quantity, signed

MARKED = re.compile(r"[\\`*_{}\[\]#|~$!]")
# What GitHub turns into links, mentions, references and pictures without any markup: an empty comment in between stops it.
SPEAKING = re.compile(r"@|\\#|://|www\.|(?i:gh-)(?=\d)|:(?=[\w+\\-]+:)")
MOST = 200
WORST = ("fail", "error", "no-verdict", "warn")


def escaped(text: object) -> str:
    """Write any text so that Markdown and GitHub show it and do nothing with it."""
    safe = plain(str(text)).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    marked = MARKED.sub(lambda found: f"\\{found.group()}", safe)
    return SPEAKING.sub(lambda found: f"{found.group()}<!-- -->", marked)


def render_markdown(content: Content) -> str:
    """Write the report; equal contents give equal text."""
    judgement = content.judgement
    word = judgement.word
    lines = [f"# Assay report {escaped(judgement.run.id)}", "", f"**{word.upper()}** (exit code {judgement.exit_code})", ""]
    if content.planted:
        lines += ["**FAULTS WERE PLANTED in this run: its figures and verdicts say nothing about the machine.**", ""]
    info = content.info
    lines += [
        escaped(f"plan {info.plan or '(no name)'}, {info.nranks} ranks, host {info.host or '(not written down)'}, status {info.status}"),
        "",
    ]
    lines += [escaped(judgement.coverage.text()), ""]
    parts = (step_lines, verdict_lines, case_lines, comparison_lines, provenance_lines)
    return "\n".join([*lines, *(line for part in parts for line in part(content))]) + "\n"


def step_lines(content: Content) -> Iterable[str]:
    """Write what to do next as a numbered list."""
    yield from ("## What to do next", "")
    steps = next_steps(content)
    for number, step in enumerate(steps, start=1):
        cases = f" Cases: {escaped(named(step.cases))}" if step.cases else ""
        yield f"{number}. **{step.level}**: {escaped(step.found)} **{escaped(step.todo)}**{cases}"
    yield from ([] if steps else ["Nothing: every planned case that this machine can have was measured, and every rule passed."])
    yield ""


def verdict_lines(content: Content) -> Iterable[str]:
    """Write the verdicts that did not pass, and count all."""
    verdicts = content.judgement.verdicts
    counts = ", ".join(f"{n} {status}" for status in (*WORST, "skip", "pass") if (n := sum(v.status == status for v in verdicts)))
    yield from ("## Verdicts", "", counts or "No rule judged anything in this run.", "")
    told = [verdict for status in WORST for verdict in verdicts if verdict.status == status]
    yield from table(("status", "rule", "case", "reason"), [(v.status, v.rule, v.key or "(the run)", v.reason) for v in told])


def case_lines(content: Content) -> Iterable[str]:
    """Write one table a suite."""
    judgement, records = content.judgement, content.records
    standing = {row.key: row for row in judgement.coverage.rows}
    yield from ("## Cases", "") if judgement.cases else ("## Cases", "", "The run has no case that can be read.", "")
    for suite in dict.fromkeys(str(case["suite"]) for case in judgement.cases):
        cases = [case for case in judgement.cases if case["suite"] == suite]
        shared = constants(cases)
        same = " ".join(spelled(name, value) for name, value in shared.items())
        yield from (f"### {escaped(suite)}", "", escaped(f"In all of them: {same}") if same else "", "")
        rows = []
        for case in cases:
            key = str(case["key"])
            row, measurement = standing[key], judgement.measurements.get(key)
            cells = figures(records.get(key, []), measurement)
            told = answer(row.status, measurement) + (f": {row.reason}" if row.reason else "")
            median = " ".join(filter(None, (cells.get("median"), cells.get("unit"))))
            rate = cells.get("rate") or cells.get("busbw") or cells.get("algbw") or ""
            rows.append(
                (label(case, shared), told, median, cells.get("min..p99", ""), rate, cells.get("share of limit", ""), cells.get("n", ""))
            )
        yield from table(("case", "answer", "median", "min..p99", "rate", "share of limit", "n"), rows)


def comparison_lines(content: Content) -> Iterable[str]:
    """Write the rows that are not ``same``, worst first."""
    comparison = content.comparison
    if comparison is None:
        return
    counts = ", ".join(f"{number} {status}" for status, number in comparison.counts.items()) or "nothing in common was measured"
    yield from ("## Comparison", "", escaped(f"{names(comparison.head)} against {names(comparison.base)}: {counts}"), "")
    yield from (f"- {escaped(note)}" for note in comparison.notes)
    yield ""
    rows = sorted(comparison.rows, key=lambda row: (STATUSES.index(row.status), -abs(row.change or 0.0)))
    told = [row for row in rows if row.status != "same"]
    cells = [
        (
            row.status,
            f"{row.key} {row.subject}",
            "" if row.base is None else quantity(row.base, row.unit),
            "" if row.head is None else quantity(row.head, row.unit),
            "" if row.change is None else signed(row.change),
            "" if row.interval is None else "..".join(map(signed, row.interval)),
            f"{row.n_base} / {row.n_head}",
            row.reason,
        )
        for row in told
    ]
    yield from table(("status", "case", "base", "head", "change", "95 % of it", "runs", "reason"), cells)


def provenance_lines(content: Content) -> Iterable[str]:
    """Write run, machine and problems."""
    yield from ("## Provenance", "")
    described = {name: value for name, value in content.judgement.described.items() if name != "summary"}
    rows = [*described.items(), *((f"facts: {name}", value) for name, value in content.facts.items())]
    yield from table(("name", "value"), [(name, value) for name, value in rows])
    yield from (f"- problem: {escaped(problem)}" for problem in content.problems)


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> Iterable[str]:
    """Write one table, at most ``MOST`` rows of it; nothing for none."""
    if not rows:
        return
    yield f"| {' | '.join(columns)} |"
    yield f"|{' --- |' * len(columns)}"
    for row in rows[:MOST]:
        yield f"| {' | '.join(map(escaped, row))} |"
    yield ""
    if len(rows) > MOST:
        yield from (f"{len(rows) - MOST} more rows are left out here; assay show RUN --json has all.", "")
