"""``assay prune``: remove old runs; says first what it would do."""

from __future__ import annotations

from collections.abc import Sequence

from assay.harness.door.console import emit_json, out, parser
from assay.harness.door.runs import opened, store_option
from assay.harness.errors import RefusalError

SUMMARY = "remove old runs; tagged and running ones are kept; without --yes it only shows what it would do"


def main(argv: Sequence[str]) -> int:
    """Run the verb; returns the exit code."""
    p = parser("prune", SUMMARY)
    store_option(p)
    p.add_argument("--keep", type=int, metavar="N", help="keep the newest N")
    p.add_argument("--older-than", type=float, metavar="DAYS", help="only runs older than this")
    p.add_argument("--yes", action="store_true", help="really remove")
    p.add_argument("--json", action="store_true", help="print one JSON document")
    ns = p.parse_args(list(argv))
    if ns.keep is None and ns.older_than is None:
        message = "says not what to keep"
        raise RefusalError(message, where="assay prune", fix="Give --keep N or --older-than DAYS.")
    for name, value in (("--keep", ns.keep), ("--older-than", ns.older_than)):
        if value is not None and value < 0:
            message = "must not be negative"
            raise RefusalError(message, value=value, where=name, fix="Give 0 or more.")
    store = opened(ns.store)
    pruned = store.prune(keep=ns.keep, older_than_days=ns.older_than, dry_run=not ns.yes)
    if ns.json:
        emit_json({"schema": "assay.prune/1", "removed": ns.yes, "runs": [{"id": row.id, "nbytes": row.nbytes} for row in pruned]})
        return 0
    for row in pruned:
        out(f"{'removed' if ns.yes else 'would remove'} {row.id} ({row.nbytes / 2**20:.1f} MiB)")
    out(f"{len(pruned)} runs, {sum(row.nbytes for row in pruned) / 2**20:.1f} MiB" + ("" if ns.yes else "; say --yes to remove them"))
    return 0
