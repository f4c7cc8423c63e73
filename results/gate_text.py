"""A gate as text: for a terminal, for a pull request, and one line a finding for a log."""

from __future__ import annotations

from collections.abc import Sequence

from assay.results.comparison_text import BOLD, GREEN, RED, YELLOW
from assay.results.comparison_text import STYLES as COMPARISON_STYLES
from assay.results.exchange.github import cell, command
from assay.results.gate_compile import change, compile_lines, compile_rows
from assay.results.gate_report import GateReport
from assay.results.gate_rows import STATUSES, Row
from assay.results.outcome import WORDS
from assay.results.units import duration, percent, plain, quantity, signed

STYLES = {"wrong": RED} | COMPARISON_STYLES
CODE_STYLES = {0: GREEN, 1: RED, 2: RED, 3: RED, 4: YELLOW}
MOST = 1000

Line = tuple[str, str]


def ordered(rows: Sequence[Row]) -> list[Row]:
    """Sort rows: worst status first, larger change first, then by name."""
    return sorted(rows, key=lambda row: (STATUSES.index(row.status), -abs(row.look.change) if row.look else 0.0, row.key, row.subject))


def gate_lines(report: GateReport, *, whole: bool = False) -> list[Line]:
    """Write a gate for a terminal; rows that are ``same`` are counted, and listed only with ``whole``."""
    counts = ", ".join(f"{number} {status}" for status, number in report.counts.items()) or "nothing was compared"
    lines: list[Line] = [(f"gate {report.id}: base {report.base['label']}, head {report.head['label']}, {report.pairs} pairs", BOLD)]
    lines += [(f"  note: {note}", YELLOW) for note in report.notes]
    shown = [row for row in ordered(report.rows) if whole or row.status != "same"]
    for row in shown:
        lines.append((plain(f"  {row.status:14} {row.key} {row.subject}  {figures(row)}".rstrip()), STYLES[row.status]))
        lines.append((plain(f"      {row.reason}"), ""))
    lines.append((f"{counts}; {report.coverage}", BOLD))
    lines += [(plain(text), "") for text in compile_lines(report)]
    lines += [(text, "") for text in cost_lines(report)]
    code = report.verdict_code
    word = f"{WORDS[code].upper()} (exit code {report.exit_code}"
    lines.append((f"{word}{', would be ' + str(code) if code != report.exit_code else ''})  gate {report.id}", CODE_STYLES[code]))
    if report.advisory:
        lines.append((f"advisory: {report.advisory}", YELLOW))
    return lines


def figures(row: Row) -> str:
    """Write both sides, the change with its interval, and the noise it was seen through."""
    if row.base is None or row.head is None or row.look is None:
        return ""
    seen = row.look
    text = f"{quantity(row.base, row.unit)} -> {quantity(row.head, row.unit)}  {signed(seen.change)}"
    if seen.interval is not None:
        text += f" [{signed(seen.interval[0])}, {signed(seen.interval[1])}]"
    text += f" n={seen.pairs}"
    return text + (f", noise floor {percent(seen.floor)}" if seen.floor is not None else "")


def cost_lines(report: GateReport) -> list[str]:
    """Say what the passes cost, what the confirming one saved, and how often runs of one side were flagged against each other."""
    cost = report.cost
    lines = [f"measured: {cost.turns} runs in {duration(cost.seconds)}"]
    if cost.extended:
        decided = f"more pairs: {cost.extended} cases undecided, {cost.settled} of them settled"
        lines.append(f"{decided} by {cost.extend_turns} more runs in {duration(cost.extend_seconds)}")
    if cost.suspected:
        saved = cost.suspected - cost.confirmed
        again = f"confirming pass: {cost.suspected} suspected, {cost.confirmed} confirmed, {saved} alarms taken back"
        lines.append(f"{again}, for {cost.confirm_turns} more runs in {duration(cost.confirm_seconds)}")
    else:
        lines.append("confirming pass: nothing was suspected, so it cost nothing")
    if report.aa[1]:
        lines.append(
            f"A/A on this machine: {report.aa[0]} of {report.aa[1]} comparisons of one side with itself flagged (first pass, unconfirmed)"
        )
    return lines


def markdown(report: GateReport) -> str:
    """Write a gate as GitHub-flavoured Markdown: verdict first, then what is not the same, then the rest in a fold."""
    code = report.verdict_code
    counts = ", ".join(f"{number} {status}" for status, number in report.counts.items()) or "nothing was compared"
    lines = [f"## Assay gate: {WORDS[code]}", "", f"{cell(counts)}. {cell(report.coverage)}.", ""]
    if report.advisory:
        lines += [f"**Advisory:** {cell(report.advisory)}", ""]
    lines += [f"Base {cell(str(report.base['label']))}, head {cell(str(report.head['label']))}, {report.pairs} pairs (ABBA).", ""]
    lines += [f"> {cell(note)}" for note in report.notes]
    rows = ordered(report.rows)
    loud, still = [row for row in rows if row.status != "same"], [row for row in rows if row.status == "same"]
    lines += ["", *table(loud)] if loud else ["No case differs.", ""]
    if still:
        lines += ["", f"<details><summary>{len(still)} the same</summary>", "", *table(still), "", "</details>"]
    lines += compile_table(report)
    lines += ["", *(cell(text) + "  " for text in cost_lines(report)), f"Rule {report.rule}, gate {cell(report.id)}."]
    return "\n".join(lines) + "\n"


def table(rows: Sequence[Row]) -> list[str]:
    """Write rows as a table; beyond ``MOST`` they are counted."""
    head = ["| verdict | case | base | head | change (95 % interval) | pairs | why |", "|---|---|---|---|---|---|---|"]
    body = [
        "| "
        + " | ".join(
            cell(text)
            for text in (
                row.status,
                f"{row.key} {row.subject}".strip(),
                "" if row.base is None else quantity(row.base, row.unit),
                "" if row.head is None else quantity(row.head, row.unit),
                ""
                if row.look is None or row.look.interval is None
                else f"{signed(row.look.change)} ({signed(row.look.interval[0])} to {signed(row.look.interval[1])})",
                "" if row.look is None else str(row.look.pairs),
                row.reason,
            )
        )
        + " |"
        for row in rows[:MOST]
    ]
    return [*head, *body, *([f"| ... | and {len(rows) - MOST} more | | | | | |"] if len(rows) > MOST else [])]


def compile_table(report: GateReport) -> list[str]:
    """Write compile times as a table of their own; nothing where no compiler wrote into its cache."""
    rows = compile_rows(report)[:MOST]
    if not rows:
        return []
    head = [
        "",
        "Compile time (first step, caches cold; no part of the verdict):",
        "",
        "| case | base to head | runs | says |",
        "|---|---|---|---|",
    ]
    return head + ["| " + " | ".join(cell(text) for text in (row.key, change(row), row.counted, row.said)) + " |" for row in rows]


def workflow_commands(report: GateReport) -> list[str]:
    """Write GitHub's workflow commands: an error for what fails, a warning for what nobody can tell."""
    levels = {
        "wrong": "error",
        "slower": "error",
        "missing": "error",
        "new": "warning",
        "known": "warning",
        "not-comparable": "warning",
        "inconclusive": "warning",
    }
    found = []
    for row in ordered(report.rows):
        if row.status in levels:
            level = "warning" if report.advisory else levels[row.status]
            found.append(command(level, f"assay: {row.status}", f"{row.key} {row.subject}: {figures(row)} {row.reason}"))
    return found
