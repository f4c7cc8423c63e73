"""``assay device``: one device's history across runs, hosts and slots."""

from __future__ import annotations

from collections.abc import Sequence

from assay.harness.door.console import color, emit_json, out, parser
from assay.harness.door.runs import opened, store_option

SUMMARY = "follow one device through all runs of the store: where it stood, its figures beside its peers', what was marked"
EPILOG = """\
DEVICE is a UUID (with or without GPU-), a serial number where a driver tells it, HOST/SLOT, or the start of one of these. A device
that tells neither UUID nor serial number is known by its host and slot only, so its moves cannot be seen.
"""


def main(argv: Sequence[str]) -> int:
    """Run the verb; returns the exit code."""
    p = parser("device", SUMMARY, EPILOG)
    p.add_argument("device", metavar="DEVICE")
    store_option(p)
    p.add_argument("--last", type=int, metavar="N", help="look at the newest N runs only")
    p.add_argument("--json", action="store_true", help="print one JSON document")
    ns = p.parse_args(list(argv))
    if ns.last is not None and ns.last < 1:
        p.error("--last must be at least 1")
    from assay.harness.rundir import RunDir
    from assay.results.device_history import device_history
    from assay.results.device_text import render_device

    store = opened(ns.store)
    runs = [RunDir(store.root / run) for run in store.ids()]
    history = device_history(runs[-(ns.last or 0) :], ns.device)
    if ns.json:
        emit_json(history.as_dict())
    else:
        out(render_device(history, color=color()))
    return 0
