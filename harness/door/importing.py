"""``assay import``: a file of another tool becomes a run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from assay.harness.door.console import color, emit_json, out, parser, width
from assay.harness.door.copies import give_back
from assay.harness.door.runs import opened, store_option

SUMMARY = "make a run of another tool's file, so that old results join the history"
EPILOG = """\
Read are nccl-tests (text and -J), OSU micro-benchmarks, NVBench, google-benchmark, pytest-benchmark and SuperBench; the file itself tells
which one it is. What the tool did not check is vouched for by nobody: such a run has no verdict (exit code 4), but it can be compared.
Several files are all read before the first becomes a run. A file that is a run of the store already is refused.
"""


def main(argv: Sequence[str]) -> int:
    """Run the verb; returns the exit code."""
    from assay.results.exchange.importing import READERS, bring_in, check, date_of

    p = parser("import", SUMMARY, EPILOG)
    p.add_argument("files", nargs="+", metavar="FILE", help="each file becomes a run")
    p.add_argument("--format", choices=tuple(READERS), help="the tool (default: told by the file)")
    p.add_argument("--host", default="", metavar="NAME", help="where it was measured, if the file does not say")
    p.add_argument("--date", metavar="DATE", help="when it was measured (default: the file's word, else its date)")
    store_option(p)
    p.add_argument("--json", action="store_true", help="print one JSON document")
    ns = p.parse_args(list(argv))
    store, date = opened(ns.store), date_of(ns.date) if ns.date else None
    check([Path(file) for file in ns.files], store, tool=ns.format)
    made = [bring_in(Path(file), store, tool=ns.format, host=ns.host, date=date) for file in ns.files]
    give_back(ns.store, store, [run.id for run in made])
    if ns.json:
        emit_json({"schema": "assay.import/1", "runs": [{"id": run.id, "file": file} for run, file in zip(made, ns.files, strict=True)]})
        return 0
    from assay.results.document import judged
    from assay.results.report import render

    for run in made:
        out(render(judged(run), color=color(), width=width()) if len(made) == 1 else run.id)
    return 0
