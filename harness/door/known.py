"""``assay known``: regressions that are lived with for a while."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from assay.harness.door.console import emit_json, out, parser
from assay.harness.door.runs import opened, store_option
from assay.harness.errors import RefusalError
from assay.results.units import percent, plain

SUMMARY = "write down regressions that are known: shown with their reason, an alarm again when they expire or get worse"
EPILOG = """\
  assay known                                                                         list them
  assay known add slow-gemm 'gemm/*' --reason "issue 12" --until 2026-12-31 --worst 0.05
  assay known remove slow-gemm
They count in assay compare --gate, assay gate and assay baseline check.
"""


def main(argv: Sequence[str]) -> int:
    """Run the verb; returns the exit code."""
    p = parser("known", SUMMARY, EPILOG)
    p.add_argument("action", nargs="?", default="list", choices=("list", "add", "remove"))
    p.add_argument("name", nargs="?", default="", metavar="NAME")
    p.add_argument("case", nargs="?", default="", metavar="GLOB", help="keys of the cases")
    p.add_argument("--reason", default="", metavar="TEXT")
    p.add_argument("--until", default="", metavar="DAY", help="last day, such as 2026-12-31")
    p.add_argument("--worst", type=float, default=0.0, metavar="SHARE", help="largest change that is lived with: 0.05 for 5 %%")
    store_option(p)
    p.add_argument("--json", action="store_true", help="print one JSON document")
    ns = p.parse_args(list(argv))
    from assay.results import known

    store = opened(ns.store)
    if ns.action == "add":
        if not ns.case:
            message = "names no case"
            raise RefusalError(message, where="GLOB", fix="Write 'gemm/*', for example.")
        known.add(store, ns.name, case=ns.case, reason=ns.reason, until=ns.until, worst=ns.worst)
    elif ns.action == "remove":
        known.remove(store, ns.name)
    found = known.read(store)
    if ns.json:
        emit_json({"schema": "assay.known/1", "known": [asdict(one) for one in found]})
    for one in [] if ns.json else found:
        past = "  EXPIRED" if one.until < known.today().isoformat() else ""
        out(plain(f"{one.name}: {one.case} up to {percent(one.worst)} until {one.until}{past}: {one.reason} ({one.who})"))
    if not found and not ns.json:
        out("nothing is known")
    return 0
