"""``assay baseline``: named sets of runs that change only by proposal and approval."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace

from assay.harness.door.console import color, emit_json, out, parser, width
from assay.harness.door.runs import opened, store_option
from assay.harness.errors import RefusalError
from assay.results.store import Store

SUMMARY = "make, approve, show and use baselines: named sets of runs whose first is frozen and compared for ever"
EPILOG = """\
  assay baseline propose release RUN[,RUN...] --reason "driver 570"   writes a proposal and shows every difference
  assay baseline approve release [--case KEY --because WHY]...        cases that are worse are approved one by one
  assay baseline check release RUN                                    against the newest segment, and against the frozen first
  assay baseline list; assay baseline show release
A baseline is a name for runs everywhere (--base release), NAME@1 its first segment.
Exit codes of check: 1 slower, or crept since the first; 2 missing; 4 nobody can tell; 0 fine.
"""


def main(argv: Sequence[str]) -> int:
    """Run the verb; returns the exit code."""
    p = parser("baseline", SUMMARY, EPILOG)
    p.add_argument("action", choices=tuple(ACTIONS))
    p.add_argument("name", nargs="?", default="", metavar="NAME")
    p.add_argument("runs", nargs="*", metavar="RUN")
    p.add_argument("--reason", default="", metavar="TEXT", help="why these runs are the measure from now on")
    p.add_argument("--exclude", action="append", default=[], metavar="GLOB=WHY", help="cases that are no part of it")
    p.add_argument("--case", action="append", default=[], metavar="KEY", help="a worse case that is approved")
    p.add_argument("--because", action="append", default=[], metavar="WHY", help="why, one for each --case")
    p.add_argument("--min-effect", type=float, default=0.01, metavar="SHARE", help="smallest change that matters (default 0.01)")
    store_option(p)
    p.add_argument("--json", action="store_true", help="print one JSON document")
    ns = p.parse_intermixed_args(list(argv))
    if ns.action != "list" and not ns.name:
        message = "needs a name"
        raise RefusalError(message, where=f"assay baseline {ns.action}", fix="assay baseline list shows them.")
    return ACTIONS[ns.action](ns, opened(ns.store))


def propose(ns: Namespace, store: Store) -> int:
    """Write a proposal and show the differences."""
    from assay.results import baselines
    from assay.results.report import render_comparison

    runs = [run for name in ns.runs for run in store.resolve(name)]
    if not runs:
        message = "names no run"
        raise RefusalError(message, where="RUN", fix="Name the runs that the baseline is to be made of.")
    excluded = reasons(ns.exclude, "--exclude")
    proposal, found = baselines.propose(store, ns.name, runs, reason=ns.reason, excluded=excluded, min_effect=ns.min_effect)
    if ns.json:
        emit_json({"schema": "assay.baseline/1", "proposal": proposal, "comparison": None if found is None else found.as_dict()})
        return 0
    if found is not None:
        out(render_comparison(found, color=color(), width=width()))
    worse = len(proposal["worse"])
    nodes = f"{len(proposal['nodes'])} nodes ({', '.join(proposal['nodes'])})"
    also = "" if worse else "; approve it"
    out(f"proposed: {ns.name}, {len(runs)} runs from {nodes}; {worse} cases are worse and need a reason each{also}")
    return 0


def approve(ns: Namespace, store: Store) -> int:
    """Make the proposal the newest segment."""
    from assay.results import baselines

    if len(ns.case) != len(ns.because):
        message = f"{len(ns.case)} cases and {len(ns.because)} reasons"
        raise RefusalError(message, where="--because", fix="Give one reason for each --case, in the same order.")
    made = baselines.approve(store, ns.name, dict(zip(ns.case, ns.because, strict=True)))
    if ns.json:
        emit_json({"schema": "assay.baseline/1", "segment": asdict(made)})
    else:
        out(f"{made.label}: {len(made.runs)} runs, approved by {made.who} ({made.reason})")
    return 0


def check(ns: Namespace, store: Store) -> int:
    """Hold runs against the newest and the first segment."""
    from assay.results import baseline_check
    from assay.results.known import mark, read
    from assay.results.report import render_comparison

    runs = [run for name in ns.runs or ["latest"] for run in store.resolve(name)]
    found = baseline_check.check(store, ns.name, runs, min_effect=ns.min_effect)
    found = replace(found, newest=replace(found.newest, rows=tuple(mark(found.newest.rows, read(store)))))
    if ns.json:
        creep = [asdict(row) for row in found.creep]
        emit_json({"schema": "assay.baseline/1", "baseline": asdict(found.baseline), "comparison": found.newest.as_dict(), "creep": creep})
        return found.code
    out(render_comparison(found.newest, color=color(), width=width()))
    for line in baseline_check.creep_lines(found):
        out(line)
    return found.code


def show(ns: Namespace, store: Store) -> int:
    """Show every segment of one baseline."""
    from assay.results import baselines

    baselines.newest(store, ns.name)
    found = baselines.segments(store, ns.name)
    if ns.json:
        emit_json({"schema": "assay.baseline/1", "segments": [asdict(one) for one in found]})
        return 0
    for one in found:
        frozen = " (frozen)" if one.number == 1 else ""
        nodes = f"{len(one.nodes)} nodes {', '.join(one.nodes)}"
        out(f"{one.label}{frozen}: {', '.join(one.runs)}; {nodes}; {one.who}, {one.when}: {one.reason}")
        for case, why in one.excluded.items():
            out(f"  excluded {case}: {why}")
        for case, accepted in one.approved.items():
            out(f"  approved {case} {100 * float(accepted['change']):+.3g} %: {accepted['reason']}")
    return 0


def listing(ns: Namespace, store: Store) -> int:
    """List all baselines."""
    from assay.results import baselines

    rows = {name: baselines.segments(store, name) for name in baselines.names(store)}
    if ns.json:
        emit_json({"schema": "assay.baseline/1", "baselines": {name: [asdict(one) for one in found] for name, found in rows.items()}})
        return 0
    for name, found in rows.items():
        out(f"{name}: {len(found)} segments, newest {found[-1].when} ({found[-1].reason})" if found else f"{name}: proposed only")
    if not rows:
        out("no baselines (assay baseline propose NAME RUN --reason WHY makes one)")
    return 0


def reasons(words: Sequence[str], where: str) -> Mapping[str, str]:
    """Read ``GLOB=WHY``; the glob may hold = itself, the reason is what follows the last one. RefusalError without a reason."""
    found = {}
    for word in words:
        case, _, why = word.rpartition("=")
        if not case or not why.strip():
            message = "names a case without a reason"
            raise RefusalError(message, value=word, where=where, fix="Write 'gemm/*=its method is being replaced'.")
        found[case] = why
    return found


ACTIONS: Mapping[str, Callable[[Namespace, Store], int]] = {
    "propose": propose,
    "approve": approve,
    "check": check,
    "show": show,
    "list": listing,
}
