"""The top of a report: verdict, coverage, what to do next."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from assay.results.coverage import Coverage
from assay.results.html.element import element, joined
from assay.results.html.section import Section
from assay.results.html.table import Cell, Row, Table
from assay.results.judge import Judgement
from assay.results.next_steps import Step, named, next_steps
from assay.results.report_content import Content
from assay.results.units import percent
from assay.results.verdict import STATUSES

# Every state has a sign besides its colour.
SIGNS = {"pass": "\u2714", "fail": "\u2716", "error": "\u2716", "refused": "\u2716", "no-verdict": "?", "warn": "!", "note": "\u2022"}
MOODS = {"pass": "good", "fail": "bad", "error": "bad", "refused": "bad", "no-verdict": "open", "warn": "open", "note": "note"}
BAR = (("measured", "good"), ("failed", "bad"), ("missing", "bad"), ("other", "open"))


def masthead(content: Content) -> Markup:
    """Write the page's head: what run this is, what came out, and how much of it was measured."""
    judgement, info = content.judgement, content.info
    word = judgement.word
    when = " to ".join(filter(None, (info.started, info.ended)))
    about = [
        f"plan {info.plan or '(no name)'}",
        f"{info.nranks} ranks",
        f"host {info.host or '(not written down)'}",
        when,
        f"status {info.status}",
    ]
    planted = element("p", "FAULTS WERE PLANTED in this run: its figures and verdicts say nothing about the machine.", class_="alarm")
    return element(
        "header",
        element("h1", "Assay report ", element("span", judgement.run.id, class_="id")),
        element("p", ", ".join(filter(None, about))),
        element("p", state(word), f" exit code {judgement.exit_code}", class_="verdict"),
        planted if content.planted else None,
        element("p", judgement.coverage.text()),
        bar(judgement.coverage),
    )


def state(word: str) -> Markup:
    """Write a state with its sign."""
    return element("strong", f"{SIGNS.get(word, '')} {word.upper()}", class_=f"state {MOODS.get(word, 'open')}")


def bar(coverage: Coverage) -> Markup | None:
    """Draw the shares of planned cases that were measured, failed, are missing, or could not be had."""
    if not coverage.planned:
        return None
    counts = {"measured": coverage.measured, "failed": coverage.failed, "missing": coverage.missing}
    counts["other"] = coverage.planned - sum(counts.values())
    at, drawn = 0.0, []
    for name, mood in BAR:
        width = 1000 * counts[name] / coverage.planned
        drawn.append(element("rect", x=f"{at:.1f}", y=0, width=f"{width:.1f}", height=10, class_=f"fill-{mood}") if width else None)
        at += width
    said = ", ".join(f"{name} {percent(counts[name] / coverage.planned)}" for name, _ in BAR if counts[name])
    svg = element(
        "svg", element("title", f"Coverage: {said}"), drawn, viewBox="0 0 1000 10", preserveAspectRatio="none", role="img", class_="bar"
    )
    return joined(svg, element("p", said, class_="fine"))


def next_section(content: Content) -> Section:
    """List what to do next."""
    steps = next_steps(content)
    if not steps:
        return Section(
            "next", "What to do next", absent="Nothing: every planned case that this machine can have was measured, and every rule passed."
        )
    return Section("next", "What to do next", element("ol", map(step_item, steps), class_="steps"))


def step_item(step: Step) -> Markup:
    """Write one thing to do."""
    cases = element("p", f"Cases: {named(step.cases)}", class_="fine") if step.cases else None
    return element("li", state(step.level), " ", element("span", step.found), element("p", element("b", step.todo)), cases)


def verdicts_section(content: Content) -> Section:
    """List every verdict, worst first."""
    order = STATUSES
    rows = sorted(content.judgement.verdicts, key=lambda verdict: order.index(verdict.status) if verdict.status in order else 0)
    if not rows:
        return Section("verdicts", "Verdicts", absent="No rule judged anything in this run.")
    columns = ("case", "status", "rule", "subject", "metric", "reason", "rests on")
    cells: list[Row] = [
        [
            verdict.key or "(the run)",
            Cell(state(verdict.status) if verdict.status in MOODS else verdict.status, order.index(verdict.status)),
            verdict.rule,
            verdict.subject,
            verdict.metric,
            verdict.reason,
            verdict.coverage,
        ]
        for verdict in rows
    ]
    counts = ", ".join(f"{sum(v.status == s for v in rows)} {s}" for s in order if any(v.status == s for v in rows))
    return Section("verdicts", "Verdicts", joined(element("p", counts), Table("Verdicts, worst first", columns, cells).markup()))


def runs_section(content: Content) -> Section:
    """List the runs of the report; absent for one."""
    if not content.others:
        return Section("runs", "Runs", absent="The report is about one run.")
    columns = ("run", "verdict", "coverage", "started", "host", "hardware class", "software class")
    rows: list[Row] = [run_row(judgement) for judgement in (*content.others, content.judgement)]
    note = element("p", "The last of them is shown in full; a comparison uses all.")
    return Section("runs", "Runs", joined(note, Table("Runs of this report", columns, rows).markup()))


def run_row(judgement: Judgement) -> Sequence[Cell | str]:
    """Write one run of several."""
    described = judgement.described
    told = [str(described.get(name) or "") for name in ("started", "host", "hw_class", "sw_class")]
    return [judgement.run.id, Cell(state(judgement.word), judgement.exit_code), judgement.coverage.text(), *told]
