"""``assay history``: when did a figure change, by how much, and why?"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from assay.harness.door.console import color, emit_json, out, parser
from assay.harness.door.runs import opened, store_option

SUMMARY = "tell when the figures of the store's runs changed, newest first"
EPILOG = """\
SERIES is part of a series' name (case, subject, metric) or a pattern with * and ?; without any, all are told. One value a run; at least
14 runs for an alert, 10 for a notice. Of 1,000 series without any change two or three have an alert, ten a notice. A change of the
method's version or of the hardware begins a new series; series are carried over stored bridges (assay bridge) where software changed.
Exit code 0 unless --gate asks: then 1 for a series whose newest alert is for the worse, not undone and approved in no baseline, or that
crept since a baseline's first segment; 4 where the newest change is inconclusive or no series is long enough.
"""


def main(argv: Sequence[str]) -> int:
    """Run the verb; returns the exit code."""
    p = parser("history", SUMMARY, EPILOG)
    p.add_argument("series", metavar="SERIES", nargs="*")
    store_option(p)
    p.add_argument("--suite", default="", metavar="NAME", help="only this suite")
    p.add_argument("--metric", default="time", metavar="NAME", help="which figure (default time)")
    p.add_argument("--since", default="", metavar="DAY|RUN", help="only changes from this day (2026-11-24) or run on")
    p.add_argument("--level", choices=("notice", "alert"), default="notice", help="least level that is told (default notice)")
    p.add_argument("--min-effect", type=float, default=0.005, metavar="SHARE", help="smallest change that matters (default 0.005)")
    p.add_argument("--steady", action="store_true", help="list the series without a change too (done for a named SERIES)")
    p.add_argument("--gate", action="store_true", help="let alerts decide the exit code: 1 worse now, 4 cannot tell")
    p.add_argument("--allow-inconclusive", action="store_true", help="with --gate, turn exit code 4 into 0")
    p.add_argument("--json", action="store_true", help="print one JSON document")
    ns = p.parse_args(list(argv))
    from assay.results.history import tell_history
    from assay.results.history_json import history_json
    from assay.results.history_text import render_history
    from assay.results.strip import ASCII, BLOCKS

    told = tell_history(
        opened(ns.store),
        metric=ns.metric,
        suite=ns.suite,
        patterns=ns.series,
        since=ns.since,
        level=ns.level,
        min_effect=ns.min_effect,
    )
    if ns.json:
        emit_json(history_json(told))
    else:
        heights = BLOCKS if "utf" in (sys.stdout.encoding or "").lower() else ASCII
        out(render_history(told, color=color(), heights=heights, steady=ns.steady or bool(ns.series)))
    return told.decides(allow_inconclusive=ns.allow_inconclusive) if ns.gate else 0
