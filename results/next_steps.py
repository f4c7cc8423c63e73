"""What somebody should do next, in the order of weight, taken from verdicts, coverage, comparison, marks and problems alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from assay.results.report_content import Content
from assay.results.verdict import Verdict

LEVELS = ("fail", "error", "no-verdict", "note")
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
    steps = [*run_steps(content), *verdict_steps(content), *comparison_steps(content), *mark_steps(content), *problem_steps(content)]
    return sorted(steps, key=lambda step: LEVELS.index(step.level))


def run_steps(content: Content) -> Iterator[Step]:
    """Look at the run as a whole."""
    run, status = content.judgement.run.id, content.info.status
    if content.planted:
        yield Step("note", "Faults were planted in this run.", "Use it to see that Assay finds them. It says nothing about the machine.")
    if status in {"incomplete", "interrupted"}:
        yield Step("error", f"The run is {status}: it did not reach its end.", f"Go on with: assay run --resume {run}")
    elif status in {"running", "queued"}:
        yield Step("error", f"The run is still {status}.", f"Make the report again when it has ended (assay show {run}).")
    elif status == "unreadable":
        yield Step("error", f"The run cannot be read: {content.info.problem}.", "Bring its files back from a copy, or measure again.")
    if not content.judgement.cases:
        yield Step("error", "The run has no case that can be read.", "Choose a plan that fits this machine: assay plan, assay doctor.")


def verdict_steps(content: Content) -> Iterator[Step]:
    """Group what did not pass by rule and reason."""
    groups: dict[tuple[str, str, str], list[Verdict]] = {}
    for verdict in content.judgement.verdicts:
        if verdict.status in {"fail", "error", "no-verdict"}:
            groups.setdefault((verdict.status, verdict.rule, reason_class(verdict)), []).append(verdict)
    for (status, rule, _), verdicts in groups.items():
        first = verdicts[0]
        more = f" ({len(verdicts)} cases; this is the first)" if len(verdicts) > 1 else ""
        keys = tuple(dict.fromkeys(verdict.key for verdict in verdicts if verdict.key))
        yield Step(status, f"{rule}{more}: {shortened(first.reason)}", advice(first, content), keys)


def reason_class(verdict: Verdict) -> str:
    """Give what makes verdicts one finding: for answers the kind of ending, for figures the rule alone."""
    return verdict.reason.partition(":")[0] if verdict.metric == "answer" else ""


ADVICES = {
    ("coverage", ""): "Clear the errors above, then measure what is missing; a part that was not measured is no pass.",
    (
        "answer",
        "fail",
    ): "Trust no figure of this device until the cause is known. Measure again (assay rerun {run}); if it stays wrong, take it out.",
    ("answer", "error"): "Read the reason and logs/ of the run, remove the cause, then measure again: assay rerun {run}",
    ("answer", ""): "Nobody checked this answer: use a suite with a check before trusting the figure.",
    ("", "fail"): "See whether every repetition is slow or only some (sample plot), compare with an earlier run, look at the marks.",
    ("", "error"): "Remove the cause, then measure again.",
    ("", ""): "Nothing was decided here: measure what is missing, or state the limit (hardware=NAME), or correct the rule.",
}


def advice(verdict: Verdict, content: Content) -> str:
    """Say what to do about one verdict: by metric and status, else by either."""
    metric = verdict.metric if verdict.metric in {"coverage", "answer"} else ""
    said = ADVICES.get((metric, verdict.status)) or ADVICES[metric, ""]
    return said.replace("{run}", content.judgement.run.id)


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


def problem_steps(content: Content) -> Iterator[Step]:
    """Look at files that could not be read."""
    if content.problems:
        first, more = content.problems[0], len(content.problems) - 1
        also = f" (and {more} more, see Provenance)" if more else ""
        yield Step("error", f"{shortened(first)}{also}", "Bring the files back from a copy, or measure the cases that they held again.")


def shortened(text: str) -> str:
    """Cut a long reason; the tables have it in full."""
    return text if len(text) <= LONG else f"{text[:LONG]} ..."


def named(cases: Sequence[str]) -> str:
    """Name some cases."""
    return ", ".join(cases[:NAMED]) + (f" and {len(cases) - NAMED} more" if len(cases) > NAMED else "")


def gravest(steps: Iterable[Step]) -> str:
    """Give the level of the gravest step, empty for none."""
    return min((step.level for step in steps), key=LEVELS.index, default="")
