"""``assay device``: one device's history across runs, hosts and slots."""

from __future__ import annotations

from collections.abc import Sequence

from assay.harness.door.console import emit_json, out, parser
from assay.harness.door.fleet import check_metrics
from assay.harness.door.runs import opened, store_option
from assay.harness.rundir import RunDir

SUMMARY = "show one device (UUID, serial number, or host/deviceN) through all its runs, wherever it sat"


def main(argv: Sequence[str]) -> int:
    """Run the verb; returns the exit code."""
    p = parser("device", SUMMARY)
    p.add_argument("device", metavar="DEVICE", help="UUID or serial number, the start of one, or host/deviceN")
    store_option(p)
    p.add_argument("--metric", default="time", metavar="NAME", help="what is shown (default: time)")
    p.add_argument("--json", action="store_true", help="print one JSON document")
    ns = p.parse_args(list(argv))
    check_metrics([ns.metric])
    from assay.results.device_history import device_history, document, history_lines

    store = opened(ns.store)
    identity, found = device_history([RunDir(store.root / run) for run in store.ids()], ns.device, metric=ns.metric)
    if ns.json:
        emit_json(document(identity, found))
    else:
        out("\n".join(history_lines(identity, found)))
    return 0 if found else 4
