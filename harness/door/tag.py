"""``assay tag``: give runs a name."""

from __future__ import annotations

from collections.abc import Sequence

from assay.harness.door.baseline import reasons
from assay.harness.door.console import emit_json, out, parser
from assay.harness.door.copies import give_back
from assay.harness.door.runs import opened, store_option

SUMMARY = "give one run, or several joined by commas, a name; without arguments list the names"
EPILOG = """\
Written down with it: who, when, the nodes of the runs, the cases that one of them holds no figure of, and what was kept out on purpose.
Such a note changes no comparison; a baseline leaves out what it excludes.
"""


def main(argv: Sequence[str]) -> int:
    """Run the verb; returns the exit code."""
    p = parser("tag", SUMMARY, EPILOG)
    p.add_argument("run", metavar="RUN", nargs="?")
    p.add_argument("name", metavar="NAME", nargs="?")
    store_option(p)
    p.add_argument("--force", action="store_true", help="move a name that is taken")
    p.add_argument("--exclude", action="append", default=[], metavar="WHAT=WHY", help="a node, or cases (a glob), kept out and why")
    p.add_argument("--json", action="store_true", help="print one JSON document")
    ns = p.parse_args(list(argv))
    store = opened(ns.store)
    if ns.run is None:
        tags = store.tags()
    elif ns.name is None:
        p.error("NAME is missing")
    else:
        runs = [run.id for run in store.resolve(ns.run)]
        tags = [store.tag(runs, ns.name, force=ns.force, excluded=reasons(ns.exclude, "--exclude"))]
        give_back(ns.store, store)
    if ns.json:
        emit_json({"schema": "assay.tags/1", "tags": [tag.as_dict() for tag in tags]})
    for line in [] if ns.json else [line for tag in tags for line in tag.lines()]:
        out(line)
    return 0
