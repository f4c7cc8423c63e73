"""``assay push``: runs of a folder into a copy."""

from __future__ import annotations

import os
from collections.abc import Sequence

from assay.harness.door.console import Parser, emit_json, out, parser, tell
from assay.harness.door.runs import store_option
from assay.results.store import Store, locate

SUMMARY = "put runs (all, if none is named) and tags into an object store or a team's PostgreSQL"
EPILOG = """\
URL is s3://BUCKET/PREFIX, gs://, abfs://, memory://, postgresql://USER@HOST/DATABASE, or env:NAME for an address in a variable.
Whole runs only, each once: a push that was cut off goes on where it was, and several may push at once.
"""


def main(argv: Sequence[str]) -> int:
    """Run the verb; returns the exit code: 2 where a run could not be moved."""
    from assay.results.storage.mirror import push
    from assay.results.storage.open import open_shelf

    ns = arguments("push", SUMMARY, EPILOG).parse_args(list(argv))
    from assay.harness.door.copies import resolved

    store = Store(locate(ns.store, os.environ))
    runs = [run.id for name in ns.runs for run in store.resolve(name)] or None
    moved = push(store, open_shelf(resolved(ns.url)), runs, tell=tell)
    return told(ns.json, "push", moved.moved, moved.present, moved.failed)


def arguments(verb: str, summary: str, epilog: str) -> Parser:
    """Describe the command line of push and pull."""
    p = parser(verb, summary, epilog)
    p.add_argument("url", metavar="URL")
    p.add_argument("runs", nargs="*", metavar="RUN")
    store_option(p)
    p.add_argument("--json", action="store_true", help="print one JSON document")
    return p


def told(json: bool, verb: str, moved: Sequence[str], present: Sequence[str], failed: Sequence[str]) -> int:  # noqa: FBT001 - the option itself
    """Tell what was moved; returns the exit code."""
    if json:
        emit_json({"schema": f"assay.{verb}/1", "moved": list(moved), "present": list(present), "failed": list(failed)})
    else:
        for problem in failed:
            tell(f"assay: {problem}")
        out(f"{len(moved)} runs moved, {len(present)} were there, {len(failed)} failed")
    return 2 if failed else 0
