"""``assay tag``: give runs a name."""

from __future__ import annotations

from collections.abc import Sequence

from assay.harness.door.console import emit_json, out, parser
from assay.harness.door.copies import give_back
from assay.harness.door.runs import opened, store_option

SUMMARY = "give one run, or several joined by commas, a name; without arguments list the names"


def main(argv: Sequence[str]) -> int:
    """Run the verb; returns the exit code."""
    p = parser("tag", SUMMARY)
    p.add_argument("run", metavar="RUN", nargs="?")
    p.add_argument("name", metavar="NAME", nargs="?")
    store_option(p)
    p.add_argument("--force", action="store_true", help="move a name that is taken")
    p.add_argument("--json", action="store_true", help="print one JSON document")
    ns = p.parse_args(list(argv))
    store = opened(ns.store)
    if ns.run is None:
        tags = store.tags()
        if ns.json:
            emit_json(
                {
                    "schema": "assay.tags/1",
                    "tags": [{"name": tag.name, "runs": list(tag.runs), "who": tag.who, "when": tag.when} for tag in tags],
                }
            )
        for tag in [] if ns.json else tags:
            out(f"{tag.name}: {', '.join(tag.runs)} ({tag.who}, {tag.when})")
        return 0
    if ns.name is None:
        p.error("NAME is missing")
    runs = store.resolve(ns.run)
    store.tag([run.id for run in runs], ns.name, force=ns.force)
    give_back(ns.store, store)
    if ns.json:
        emit_json({"schema": "assay.tags/1", "tags": [{"name": ns.name, "runs": [run.id for run in runs]}]})
    else:
        out(f"{ns.name}: {', '.join(run.id for run in runs)}")
    return 0
