"""``assay pull``: runs of a copy into a folder."""

from __future__ import annotations

import os
from collections.abc import Sequence

from assay.harness.door.console import tell
from assay.harness.door.push import arguments, told
from assay.results.store import Store, locate

SUMMARY = "bring runs (all, if none is named) and tags of an object store or a team's PostgreSQL into this folder"
EPILOG = "A run that is here already is never overwritten. Reading verbs take --store URL too and pull by themselves.\n"


def main(argv: Sequence[str]) -> int:
    """Run the verb; returns the exit code: 2 where a run could not be moved."""
    from assay.harness.door.copies import resolved
    from assay.results.storage.mirror import pull
    from assay.results.storage.open import open_shelf

    ns = arguments("pull", SUMMARY, EPILOG).parse_args(list(argv))
    store = Store(locate(ns.store, os.environ))
    store.root.mkdir(parents=True, exist_ok=True)
    moved = pull(open_shelf(resolved(ns.url)), store, ns.runs or None, tell=tell)
    return told(ns.json, "pull", moved.moved, moved.present, moved.failed)
