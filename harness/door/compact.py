"""``assay compact``: the figures of many runs in one Parquet file."""

from __future__ import annotations

from collections.abc import Sequence

from assay.harness.door.console import emit_json, out, parser
from assay.harness.door.runs import opened, store_option

SUMMARY = "write the figures of all finished runs into one Parquet file, which queries read first; the runs stay as they are"


def main(argv: Sequence[str]) -> int:
    """Run the verb; returns the exit code."""
    p = parser("compact", SUMMARY)
    store_option(p)
    p.add_argument("--json", action="store_true", help="print one JSON document")
    ns = p.parse_args(list(argv))
    from assay.results.compact import compact

    runs, figures = compact(opened(ns.store))
    if ns.json:
        emit_json({"schema": "assay.compact/1", "runs": runs, "figures": figures})
    else:
        out(f"{figures} figures of {runs} runs compacted")
    return 0
