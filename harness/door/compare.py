"""``assay compare``: is HEAD slower, faster, the same, or can't we tell?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace

from assay.harness.door.console import color, emit_json, out, parser, width
from assay.harness.door.runs import opened, store_option

SUMMARY = "compare the runs HEAD with the runs BASE, case by case"
EPILOG = """\
BASE and HEAD are runs (id, prefix, tag, latest~1) or several joined by commas; the run is the statistical unit, so with one
run a side no verdict is possible. A baseline as BASE is compared with its frozen first segment too.
Exit code 0 unless --gate asks for a decision.
"""


def main(argv: Sequence[str]) -> int:
    """Run the verb; returns the exit code."""
    p = parser("compare", SUMMARY, EPILOG)
    p.add_argument("base", metavar="BASE")
    p.add_argument("head", metavar="HEAD")
    store_option(p)
    p.add_argument("--min-effect", type=float, default=0.03, metavar="SHARE", help="smallest change that matters (default 0.03)")
    p.add_argument("--min-seconds", type=float, default=1e-6, metavar="S", help="smallest absolute change that matters (default 1e-6 s)")
    p.add_argument("--gate", action="store_true", help="let the comparison decide the exit code: 1 slower, 2 missing, 4 cannot tell")
    p.add_argument("--json", action="store_true", help="print one JSON document")
    ns = p.parse_args(list(argv))
    from assay.results.baseline_check import against_first, creep_lines
    from assay.results.compare import compare
    from assay.results.known import mark, read
    from assay.results.report import render_comparison

    store = opened(ns.store)
    head = store.resolve(ns.head)
    found = compare(store.resolve(ns.base), head, min_effect=ns.min_effect, min_seconds=ns.min_seconds)
    # The newest segment of a baseline may have moved in steps that were each allowed: its frozen first one is compared too.
    first = against_first(store, ns.base, head, found)
    found = replace(found, rows=tuple(mark(found.rows, read(store))))
    if ns.json:
        emit_json(found.as_dict() | ({} if first is None else {"creep": [asdict(row) for row in first.creep]}))
    else:
        out("\n".join([render_comparison(found, color=color(), width=width()), *(creep_lines(first) if first else ())]))
    code = 1 if first and first.creep else found.decides()
    return code if ns.gate else 0
