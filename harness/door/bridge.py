"""``assay bridge``: by which factor each case changed from one driver or library to another, on the same nodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from assay.harness.door.console import emit_json, out, parser
from assay.harness.door.runs import opened, store_option

SUMMARY = "measure the factor of every case between two pieces of software on the same nodes, and keep it"
EPILOG = """\
OLD and NEW are runs of the same nodes (several joined by commas, or tags). Each node is held against itself; with several nodes the
interval is over nodes. The bridge lies in the store's folder bridges.
"""


def main(argv: Sequence[str]) -> int:
    """Run the verb; returns the exit code: 4 where no interval is possible."""
    p = parser("bridge", SUMMARY, EPILOG)
    p.add_argument("old", metavar="OLD")
    p.add_argument("new", metavar="NEW")
    store_option(p)
    p.add_argument("--json", action="store_true", help="print one JSON document")
    ns = p.parse_args(list(argv))
    from assay.results.bridge import bridge, bridge_lines, keep

    store = opened(ns.store)
    found = bridge(store.resolve(ns.old), store.resolve(ns.new))
    path = keep(store, found)
    if ns.json:
        emit_json({"schema": "assay.bridge/1", "file": str(path), **asdict(found)})
    else:
        out("\n".join([*bridge_lines(found), f"kept in {path}"]))
    return 0 if all(one.interval is not None for one in found.factors) else 4
