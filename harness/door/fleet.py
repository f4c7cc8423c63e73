"""``assay fleet``: which devices of many are slow, unstable, below specification, failed or untested?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from assay.harness.door.console import color, emit_json, out, parser, width
from assay.harness.door.runs import opened, store_option

SUMMARY = "judge every device and node of some runs against its peers and its specification"
EPILOG = """\
RUN is a run (id, prefix, tag, latest~1) or several joined by commas. Peers are of the same hardware and software; under eight of
them only --spec judges. A device is known by its UUID wherever it stands. Exit code 0 unless --gate asks for a decision:
  0 all sound   1 slow, unstable or below specification   2 failed or untested   4 too few to judge   3 bad usage
"""


def main(argv: Sequence[str]) -> int:
    """Run the verb; returns the exit code."""
    p = parser("fleet", SUMMARY, EPILOG)
    p.add_argument("runs", metavar="RUN", nargs="*")
    p.add_argument("--all", action="store_true", help="every run of the store")
    store_option(p)
    p.add_argument("--expect", metavar="FILE", help="hosts that should be there, one a line (node[001-064] slots=8)")
    p.add_argument("--min-deficit", type=float, default=0.02, metavar="SHARE", help="smallest deficit that matters (default 0.02)")
    p.add_argument(
        "--spec",
        action="append",
        default=[],
        metavar="METRIC=VALUE",
        help="absolute floor in the metric's unit (flop_rate=4e14), or as share of its limit (flop_rate=70%%); may be repeated",
    )
    p.add_argument("--confirm", metavar="RUNS", help="fresh runs of what was slow and its controls: what they do not bear out is dropped")
    p.add_argument("--gate", action="store_true", help="let the verdicts decide the exit code")
    p.add_argument("--json", action="store_true", help="print one JSON document")
    ns = p.parse_args(list(argv))
    if bool(ns.runs) == ns.all:
        p.error("name some RUN, or --all of the store")
    from assay.harness.rundir import RunDir
    from assay.results.confirm import confirm
    from assay.results.fleet_runs import read_fleet
    from assay.results.fleet_text import fleet_document, render_fleet
    from assay.results.hosts import read_hosts
    from assay.results.specs import read_specs
    from assay.results.sweep import sweep

    store = opened(ns.store)
    specs, hosts = read_specs(ns.spec), read_hosts(Path(ns.expect)) if ns.expect else {}
    runs = [RunDir(store.root / run) for run in store.ids()] if ns.all else store.resolve(",".join(ns.runs))
    found = sweep(read_fleet(runs), min_deficit=ns.min_deficit, specs=specs, hosts=hosts)
    if ns.confirm:
        found = confirm(found, read_fleet(store.resolve(ns.confirm)))
    if ns.json:
        emit_json(fleet_document(found))
    else:
        out(render_fleet(found, color=color(), width=width()))
    return found.decides() if ns.gate else 0
