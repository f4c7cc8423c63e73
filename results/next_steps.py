"""What somebody should do next, in the order of weight, taken from verdicts, coverage, comparison, marks and problems alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from assay.results.report_content import Content
from assay.results.verdict import Verdict

LEVELS = ("fail", "error", "no-verdict", "warn", "note")
UNENDED = {"incomplete", "interrupted"}
NAMED = 3
LONG = 300
# Marks (by how they begin) and what is to be done about them.
MARKS = (
    ("throttled", "Look at cooling, power limit and neighbours of the device, then measure again."),
    ("shared with", "Measure again when the device is alone: the mark names who was there."),
    ("warm-up did not converge", "Give more time to warm up (budget.warmup_seconds) before trusting these figures to a few percent."),
    ("remapped rows", "Have the device's memory looked at before it works for anybody."),
    ("a row could not be remapped", "Take the device out of service: its memory can no longer repair itself."),
    ("uncorrected ECC errors", "Take the device out of service until its memory was looked at."),
    ("PCIe", "Look at slot, riser and firmware: the link is not what device and slot can do."),
    ("NVLink", "Look at the device's links before using several devices together."),
    ("telemetry lost", "Look into the kernel's log for messages of the driver at that time."),
)


@dataclass(frozen=True)
class Step:
    """One thing to do: how grave, what was found, what to do, and for which cases."""

    level: str
    found: str
    todo: str
    cases: tuple[str, ...] = ()


def next_steps(content: Content) -> list[Step]:
    """List what is to be done, gravest first; equal findings of several cases are one step."""
    parts = (run_steps, launch_steps, verdict_steps, comparison_steps, mark_steps, problem_steps)
    steps = [step for part in parts for step in part(content)]
    return sorted(steps, key=lambda step: LEVELS.index(step.level))


def run_steps(content: Content) -> Iterator[Step]:
    """Look at the run as a whole."""
    run, status = content.judgement.run.id, content.info.status
    if content.planted:
        yield Step("note", "Faults were planted in this run.", "Use it to see that Assay finds them. It says nothing about the machine.")
    if status in UNENDED:
        yield Step("error", f"The run is {status}: it did not reach its end.", f"Go on with: assay run --resume {run}")
    elif status in {"running", "queued"}:
        yield Step("error", f"The run is still {status}.", f"Make the report again when it has ended (assay show {run}).")
    elif status == "unreadable":
        yield Step("error", f"The run cannot be read: {content.info.problem}.", "Bring its files back from a copy, or measure again.")
    if not content.judgement.cases:
        yield Step("error", "The run has no case that can be read.", "Choose a plan that fits this machine: assay plan, assay doctor.")


def verdict_steps(content: Content) -> Iterator[Step]:
    """Group what did not pass: by rule and kind of ending; rules that could not decide are one finding together."""
    groups: dict[tuple[str, str, str], list[Verdict]] = {}
    for verdict in content.judgement.verdicts:
        if verdict.status in {"fail", "error", "no-verdict", "warn"}:
            groups.setdefault(finding(verdict), []).append(verdict)
    for (status, rule, _), verdicts in groups.items():
        keys = tuple(dict.fromkeys(verdict.key for verdict in verdicts if verdict.key))
        told = [f"{verdict.rule}: {verdict.reason}" for verdict in verdicts]
        more = f" ({len(verdicts)} cases; this is the first)" if rule and len(verdicts) > 1 else ""
        found = f"{rule}{more}: {verdicts[0].reason}" if rule else "; ".join(told)
        yield Step(status, shortened(found), advice(verdicts[0], content), keys)


def finding(verdict: Verdict) -> tuple[str, str, str]:
    """Give what makes verdicts one finding: (status, rule or empty for several, kind of ending)."""
    if verdict.metric == "answer":
        return verdict.status, verdict.rule, verdict.reason.partition(":")[0]
    return verdict.status, "" if verdict.status == "no-verdict" else verdict.rule, ""


AGAIN = "measure again: assay rerun {run}"
ADVICES = {
    "coverage": "Clear the errors, then measure what is missing; a part that was not measured is no pass.",
    "answer fail": f"Trust no figure of this device until the cause is known; {AGAIN}. If it stays wrong, take the device out.",
    "answer error": f"Read the reason and logs/ of the run, remove the cause, then {AGAIN}",
    "answer missing": "These cases are measured when the run goes on: assay run --resume {run}",
    "answer no-verdict": "Nobody checked this answer: use a suite with a check before trusting the figure.",
    "answer warn": "Find out why it broke before; a device that needs several attempts is not sound. Read logs/ of the run.",
    "fail": "See whether every repetition is slow or only some (sample plot), compare with an earlier run, look at the marks.",
    "error": f"Remove the cause, then {AGAIN}",
    "no-verdict": "Nothing was decided here: measure what is missing, or state the limit (hardware=NAME), or correct the rule.",
}


def advice(verdict: Verdict, content: Content) -> str:
    """Say what to do about one verdict."""
    if verdict.metric == "coverage":
        name = "coverage"
    elif verdict.metric == "answer":
        late = verdict.reason.startswith("missing") and content.info.status in UNENDED
        name = "answer missing" if late else f"answer {verdict.status}"
    else:
        name = verdict.status
    return ADVICES[name].replace("{run}", content.judgement.run.id)


def comparison_steps(content: Content) -> Iterator[Step]:
    """Look at what changed against the base."""
    comparison = content.comparison
    if comparison is None:
        return
    advices = (
        ("slower", "fail", "Look at history and facts below for when and with what it changed; confirm with more runs a side."),
        ("missing", "error", "The base measured these cases and this run has no figure: see why in the table of cases."),
        ("not-comparable", "no-verdict", "Measure base and head on the same hardware."),
        ("inconclusive", "no-verdict", "Make more runs a side (assay run ... --runs 5): with few runs only large changes can be seen."),
        ("new", "no-verdict", "The base has no figure for these cases: measure the base again with this plan."),
    )
    for status, level, todo in advices:
        rows = [row for row in comparison.rows if row.status == status]
        if rows:
            keys = tuple(dict.fromkeys(row.key for row in rows))
            yield Step(level, f"comparison: {len(rows)} {status}: {shortened(rows[0].reason)}", todo, keys)


def mark_steps(content: Content) -> Iterator[Step]:
    """Look at marks on the quality of figures that ask for something."""
    for beginning, todo in MARKS:
        found = [(record, flag) for record in content.judgement.records for flag in record.flags if bare(flag).startswith(beginning)]
        if found:
            keys = tuple(dict.fromkeys(record.key for record, _ in found))
            yield Step("note", f"mark: {shortened(found[0][1])}", todo, keys)


def bare(flag: str) -> str:
    """Take the device's name off a mark of the cluster."""
    head, colon, rest = flag.partition(": ")
    return rest if colon and head.startswith("device") else flag


def launch_steps(content: Content) -> Iterator[Step]:
    """Look at launches that ended outside any case: whatever is missing is missing because of them."""
    for problem in content.problems:
        if problem.startswith("the launch "):
            todo = "Remove the cause (logs/ of the run has more; assay doctor says what this machine lacks), then measure again."
            yield Step("error", shortened(problem), todo)


def problem_steps(content: Content) -> Iterator[Step]:
    """Look at everything else that could not be read or done."""
    problems = [problem for problem in content.problems if not problem.startswith("the launch ")]
    if problems:
        also = f" (and {len(problems) - 1} more, see Provenance)" if len(problems) > 1 else ""
        todo = "Bring damaged files back from a copy, or measure again what they held."
        yield Step("error", f"{shortened(problems[0])}{also}", todo)


def shortened(text: str) -> str:
    """Cut a long reason; the tables have it in full."""
    return text if len(text) <= LONG else f"{text[:LONG]} ..."


def named(cases: Sequence[str]) -> str:
    """Name some cases."""
    return ", ".join(cases[:NAMED]) + (f" and {len(cases) - NAMED} more" if len(cases) > NAMED else "")


def gravest(steps: Iterable[Step]) -> str:
    """Give the level of the gravest step, empty for none."""
    return min((step.level for step in steps), key=LEVELS.index, default="")
