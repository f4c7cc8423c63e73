"""``assay attach``: follow a run that the scheduler has, then tell its outcome."""

from __future__ import annotations

from collections.abc import Sequence

from assay.harness.door.console import emit_json, parser
from assay.harness.door.making import only, told
from assay.harness.door.replay import stored_plan
from assay.harness.door.run import suite_path_option
from assay.harness.door.runs import opened, store_option
from assay.harness.door.submit import collected, job_of
from assay.harness.interrupt import interruptible
from assay.harness.suitepath import name_suite_paths

SUMMARY = "follow a run that was submitted with launch=slurm, then tell its outcome"


def main(argv: Sequence[str]) -> int:
    """Run the verb; returns the run's own exit code."""
    p = parser("attach", SUMMARY, "Ctrl-C stops the following, never the job.")
    p.add_argument("run", metavar="RUN")
    store_option(p)
    suite_path_option(p)
    p.add_argument("--allow-inconclusive", action="store_true", help="exit 0 instead of 4")
    p.add_argument("--json", action="store_true", help="print one JSON document")
    ns = p.parse_args(list(argv))
    name_suite_paths(ns.suite_path)
    store = opened(ns.store)
    run = only(store.resolve(ns.run), "RUN")
    job_of(run)
    stored_plan(run, goes_on=False)
    with interruptible():
        code, document, _ = told(run, collected(run, allow_inconclusive=ns.allow_inconclusive), json=ns.json, quiet=False)
    if ns.json:
        emit_json(document)
    return code
