"""GitHub: a job summary as Markdown, and workflow commands that annotate."""

from __future__ import annotations

from collections.abc import Sequence

from assay.results.exchange.outcomes import Outcome, worst_first
from assay.results.units import plain

LIMIT = 1024 * 1024 - 1024  # of a step's summary; GitHub drops what is larger (docs.github.com, workflow commands)
LEVELS = {"failed": "error", "error": "error", "skipped": "warning"}
ANNOTATIONS = 10  # of each level that a step shows (actions/toolkit, docs/problem-matchers.md); the summary has all


def cell(text: str) -> str:
    """Make text safe inside a Markdown table: no cell ends early, no HTML comes to life, no mark-up takes effect."""
    shown = plain(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "".join(f"\\{c}" if c in "|`*_[]\\" else c for c in shown)


def summary(found: Sequence[Outcome], *, title: str, lines: Sequence[str] = (), limit: int = LIMIT) -> str:
    """Write a summary, what failed first; rows beyond the size that GitHub takes are counted instead."""
    head = [f"## {cell(title)}", "", *(cell(line) + "  " for line in lines), "", "| outcome | case | why | figures |", "|---|---|---|---|"]
    kept = list(head)
    size = sum(len(line.encode()) + 1 for line in head) + 200
    rows = worst_first(found)
    for number, one in enumerate(rows):
        row = f"| {cell(one.status)} | {cell(one.name)} | {cell(one.message)} | {cell(one.text.replace(chr(10), '; '))} |"
        size += len(row.encode()) + 1
        if size > limit:
            kept.append(f"| ... | and {len(rows) - number} more | | |")
            break
        kept.append(row)
    return "\n".join(kept) + "\n"


def commands(found: Sequence[Outcome]) -> list[str]:
    """Write one workflow command for each outcome that is no pass; the last one of a level that GitHub still shows counts the rest."""
    told = []
    for level in ("error", "warning"):
        loud = [one for one in worst_first(found) if LEVELS.get(one.kind, "warning" if one.status == "warn" else "") == level]
        shown = loud if len(loud) <= ANNOTATIONS else loud[: ANNOTATIONS - 1]
        told += [command(level, f"assay: {one.status}", f"{one.name}: {one.message}") for one in shown]
        told += [command(level, "assay", f"{len(loud) - len(shown)} more findings")] if len(shown) < len(loud) else []
    return told


def command(level: str, title: str, text: str) -> str:
    """Write one workflow command."""
    return f"::{level} title={escape(title, prop=True)}::{escape(text)}"


def escape(text: str, *, prop: bool = False) -> str:
    """Escape for a workflow command (github.com/actions/toolkit, command.ts): percent and line ends, in properties colon and comma too.

    Other control characters are shown as escapes, since a log is read on terminals too.
    """
    shown = "".join(c if c in "\r\n" else plain(c) for c in text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return shown.replace(":", "%3A").replace(",", "%2C") if prop else shown
