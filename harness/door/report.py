"""``assay report``: one run as a page for people."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from assay.harness.door.console import color, emit_json, out, parser, tell, width
from assay.harness.door.runs import opened, store_option
from assay.harness.errors import RefusalError
from assay.harness.rundir import write_atomic

if TYPE_CHECKING:
    from assay.results.report_content import Content

SUMMARY = "write a report of a run: one HTML file for people, Markdown, or text"
EPILOG = """\
RUN is an id, a unique prefix, a tag, latest or latest~1, or several joined by commas: then the last is shown in full and all
are compared with the base. The HTML file needs no network; -o - writes to standard output. The format follows the name of
FILE (.html, .md) unless --format says otherwise. Exit code 0 when the report was written, whatever it says of the run.
"""
FORMATS = ("html", "markdown", "terminal")
ENDINGS = {".html": "html", ".htm": "html", ".md": "markdown", ".markdown": "markdown", ".txt": "terminal"}


def main(argv: Sequence[str]) -> int:
    """Run the verb; returns 0 when the report was written."""
    p = parser("report", SUMMARY, EPILOG)
    p.add_argument("run", metavar="RUN")
    p.add_argument("--base", metavar="RUN", help="compare with these runs")
    p.add_argument("-o", "--output", metavar="FILE", help="where to (html: RUN.html in this folder; the others: standard output)")
    p.add_argument("--format", choices=FORMATS, help="html, markdown or terminal (default: by FILE, else html)")
    p.add_argument("--history", type=int, default=30, metavar="N", help="how many runs of the store the history goes back (default 30)")
    store_option(p)
    p.add_argument("--json", action="store_true", help="print where the report is and what it holds as JSON (assay.report/1)")
    ns = p.parse_args(list(argv))
    if ns.history < 0:
        message = "must be a number of runs, or 0 for no history"
        raise RefusalError(message, value=ns.history, where="--history", fix="Say --history 30, for example.")
    form = ns.format or ENDINGS.get(Path(ns.output or "").suffix.lower(), "html")
    store = opened(ns.store)
    runs = store.resolve(ns.run)
    target = destination(ns.output, form, f"{runs[-1].id}.html")
    if target is None and ns.json:
        message = "needs a file to write the report to"
        raise RefusalError(message, where="--json", fix="Say -o FILE.")
    from assay.results.report_content import gather

    content = gather(runs, base=store.resolve(ns.base) if ns.base else (), last=ns.history, changes=new_levels)
    text, told = written(content, form, columns=width() if target is None else 120, colored=target is None and color())
    if target is None:
        out(text.rstrip("\n"))
        return 0
    write_atomic(target, text)
    if ns.json:
        about = {"schema": "assay.report/1", "run": runs[-1].id, "runs": [run.id for run in runs], "format": form, "path": str(target)}
        emit_json(about | {"nbytes": len(text.encode()), "exit_code_of_run": content.judgement.exit_code, "sections": told})
    else:
        tell(f"report of {runs[-1].id} in {target} ({len(text.encode()) / 1e6:.1f} MB)")
    return 0


def new_levels(values: Sequence[float]) -> list[int]:
    """Give the places in a series at which a new level begins, as ``assay history`` alerts of them; what cannot be judged has none."""
    from assay.results.changepoint import find_changes

    try:
        return [change.index for change in find_changes(values).changes if change.level == "alert"]
    except ValueError:  # a value that is not finite: the report shows it, and no change is told around it
        return []


def written(content: Content, form: str, *, columns: int, colored: bool) -> tuple[str, list[dict[str, str]]]:
    """Write a content in one format; gives the text and, for a page, its sections with why some are absent."""
    if form == "html":
        from assay.results.html.page import page, sections

        found = sections(content)
        return page(content, found=found), [{"id": one.id, "title": one.title, "absent": one.absent} for one in found]
    if form == "markdown":
        from assay.results.report_markdown import render_markdown

        return render_markdown(content), []
    from assay.results.report_text import render_text

    return render_text(content, color=colored, width=columns), []


def destination(output: str | None, form: str, name: str) -> Path | None:
    """Say which file is written, None for standard output; RefusalError for a place where a report would destroy something."""
    if output == "-" or (output is None and form != "html"):
        return None
    target = Path(output or name)
    if target.is_dir():
        target = target / name if form == "html" else target
    if target.is_dir():
        message = "is a folder"
        raise RefusalError(message, value=output, where="--output", fix="Name a file in it.")
    if (target.parent / "run.json").exists():
        message = "lies in the folder of a run, where only the run's own files are"
        raise RefusalError(message, value=str(target), where="--output", fix="Choose another folder.")
    if not target.parent.is_dir():
        message = "lies in a folder that does not exist"
        raise RefusalError(message, value=str(target), where="--output", fix=f"Make it first: mkdir -p {target.parent}")
    return target
