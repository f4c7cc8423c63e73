"""``assay show``: one run, for people or programs."""

from __future__ import annotations

from collections.abc import Sequence

from assay.harness.beat import read_beats
from assay.harness.door.console import color, emit_json, out, parser, width
from assay.harness.door.making import go_on, only
from assay.harness.door.runs import opened, store_option
from assay.harness.lastwords import behind, stacks
from assay.harness.rundir import RunDir

SUMMARY = "show one run: cases, figures, verdicts, coverage"


def main(argv: Sequence[str]) -> int:
    """Run the verb; returns 0 when the run could be shown, whatever it says."""
    p = parser("show", SUMMARY, "RUN is an id, a unique prefix, a tag, latest or latest~1.")
    p.add_argument("run", metavar="RUN")
    store_option(p)
    p.add_argument("--json", action="store_true", help="print one JSON document (schema assay.show/1)")
    ns = p.parse_args(list(argv))
    store = opened(ns.store)
    run = only(store.resolve(ns.run), "RUN")
    if ns.json:
        from assay.results.document import document

        emit_json(document(run))
        return 0
    from assay.results.document import judged
    from assay.results.report import render
    from assay.results.runinfo import read_info

    status = read_info(run.path).status
    out(f"run {run.id}: {status}" + last_word(run, status))
    out(render(judged(run), color=color(), width=width()))
    return 0


def last_word(run: RunDir, status: str) -> str:
    """Tell the last heartbeat of a run that never ended, and how to go on."""
    if status not in ("incomplete", "interrupted"):
        return ""
    go = go_on(run)
    launch = max(run.next_launch() - 1, 0)
    beats = read_beats(run.path / "beats", launch=launch)
    if not beats:
        return f"; no heartbeat was left; go on with: {go}"
    # The processes are gone, and their numbers may be others' by now: only what they left on disk is asked.
    found, why = behind(beats, {}, stacks(run.path, beats, launch=launch))
    last = (found or beats)[0]
    cases = run.read_json("plan.json").get("cases", [])
    case = "before the first case" if last.case is None or last.case >= len(cases) else str(cases[last.case].get("key"))
    because = f" ({why})" if found and len(beats) > 1 else ""
    return f"; last heartbeat: {last}{because} in {case}; go on with: {go}"
