"""``assay rerun``: the same plan once more, as a run of its own."""

from __future__ import annotations

import os
from collections.abc import Sequence

from assay.harness.door import opening
from assay.harness.door.compose import to_yaml
from assay.harness.door.console import emit_json, parser
from assay.harness.door.making import one, only
from assay.harness.door.replay import stored_plan
from assay.harness.door.run import suite_path_option
from assay.harness.door.runs import opened, store_option
from assay.harness.errors import RefusalError
from assay.harness.interrupt import interruptible
from assay.harness.launch.announced import attached
from assay.harness.suitepath import name_suite_paths

SUMMARY = "make a run again from its stored plan and configuration"


def main(argv: Sequence[str]) -> int:
    """Run the verb; returns the exit code."""
    p = parser("rerun", SUMMARY)
    p.add_argument("run", metavar="RUN")
    store_option(p)
    suite_path_option(p)
    p.add_argument("--base", metavar="RUN", help="let the comparison with these runs decide the exit code too")
    p.add_argument("--allow-inconclusive", action="store_true", help="exit 0 instead of 4")
    p.add_argument("--json", action="store_true", help="print one JSON document")
    ns = p.parse_args(list(argv))
    name_suite_paths(ns.suite_path)
    found = attached(os.environ)
    if found is not None:
        message = f"needs a launch of its own, but {found.variable} announces {found.size} ranks that are up already"
        raise RefusalError(message, where="assay rerun", fix="Start it outside mpiexec, srun or torchrun.")
    store = opened(ns.store)
    run = only(store.resolve(ns.run), "RUN")
    plan, config = stored_plan(run, goes_on=False), run.config()
    job = opening.Job(plan, config, to_yaml(config), list(run.read_json("run.json")["command"]))
    with interruptible():
        code, document, _ = one(ns, store, job, store.resolve(ns.base) if ns.base else None)
    if ns.json:
        emit_json(document)
    return code
