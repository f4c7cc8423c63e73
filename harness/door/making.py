"""From planned jobs to runs: each made, told and judged; the worst exit code wins."""

from __future__ import annotations

import contextlib
import os
import secrets
from argparse import Namespace
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from assay.harness.door import closing, execute, opening, submit
from assay.harness.door.compose import Composed
from assay.harness.door.console import color, emit_json, out, tell, width
from assay.harness.door.copies import addresses, copy_out
from assay.harness.door.opening import Job
from assay.harness.door.replay import stored_plan
from assay.harness.errors import AssayError, InterruptedRunError, RefusalError
from assay.harness.launch.choose import choose
from assay.harness.plan import Plan
from assay.harness.rundir import RunDir
from assay.harness.supervise import give_up
from assay.results.store import Store, locate

if TYPE_CHECKING:
    from assay.results.judge import Judgement

REQUEUED_SECONDS = 60.0
SEVERITY = (130, 3, 1, 2, 4, 0)


def several(ns: Namespace, jobs: Sequence[tuple[Composed, Plan]], argv: Sequence[str]) -> int:
    """Run every job as many times as asked; the worst exit code wins."""
    session = secrets.token_hex(4)
    documents, codes, ids = [], [], []
    total = len(jobs) * ns.runs
    for order in range(total):
        composed, plan = jobs[order % len(jobs)]
        plan = execute.in_company(plan, os.environ)
        store = Store(locate(composed.config["store"].get("url"), os.environ))
        addresses(composed.config)  # a copy that cannot be is refused before anything is measured
        # Launches of one job are the runs of one side: only together can they decide anything.
        base = store.resolve(ns.base) if ns.base and ns.runs == 1 else None
        for note in plan.notes:
            tell(f"note: {note}")
        job = Job(plan, composed.config, composed.yaml, ["assay", "run", *argv], session=session, order=order)
        try:
            code, document, run_id = one(ns, store, job, base, quiet=total > 1 and ns.json)
        except AssayError as error:
            if total == 1:
                raise
            tell(f"assay: {error}")  # the other jobs go on
            codes.append(error.exit_code)
            continue
        documents.append(document)
        codes.append(code)
        ids.append(run_id)
        if code == closing.INTERRUPTED:
            break  # whoever stopped this one wants no other
    together = against_base(ns, store, ids, codes) if ns.base and ns.runs > 1 and len(jobs) == 1 else {}
    if ns.json:
        emit_json(documents[0] if total == 1 else {"schema": "assay.session/1", "session": session, "runs": documents, **together})
    elif total > 1:
        out(f"session {session}: {len(ids)} of {total} runs made, exit codes {codes}")
        if not together and ns.runs > 1:
            out(f"compare with: assay compare BASE {','.join(ids)}")
    return worst(codes)


def against_base(ns: Namespace, store: Store, ids: Sequence[str], codes: list[int]) -> dict[str, Any]:
    """Compare all launches together with the base and let that decide too; adds the comparison's code to ``codes``."""
    from assay.results.compare import compare
    from assay.results.report import render_comparison

    base, head = store.resolve(ns.base), [run for name in ids for run in store.resolve(name)]
    rules = head[0].config()["rules"]
    relative = next(rule for rule in rules.values() if rule["kind"] == "relative")
    found = compare(base, head, min_effect=relative["min_effect"], min_seconds=relative["min_seconds"])
    code = found.decides()
    codes.append(0 if code == 4 and ns.allow_inconclusive else code)  # noqa: PLR2004 - 4 is what the option is about
    if not ns.json:
        out(render_comparison(found, color=color(), width=width()))
    return {"comparison": found.as_dict()}


def one(ns: Namespace, store: Store, job: Job, base: list[RunDir] | None, *, quiet: bool = False) -> tuple[int, dict[str, object], str]:
    """Make one run; returns its exit code, its document and its id."""
    if submit.is_job(job.config):
        return sent(ns, submit.submitted(store, job, ns), quiet=quiet)
    mpi = choose(job.plan, job.config, folder="RUN", environ=os.environ).mpi  # a launcher that cannot be is refused before a run exists
    with contextlib.ExitStack() as keep:
        run = opening.make_run(store, job, keep, attached=False, mpi=mpi)
        seconds = sum(map(job.plan.seconds, job.plan.cases))
        tell(f"run {run.id}: {len(job.plan.cases)} cases on {job.plan.nranks} ranks, about {seconds:.0f} s, in {run.path}")
        return measured(ns, store, run, job.plan, job.config, base, quiet=quiet)


def sent(ns: Namespace, run: RunDir, *, quiet: bool) -> tuple[int, dict[str, object], str]:
    """Follow a run that was submitted, unless it is to be left alone, and tell its outcome."""
    if ns.detach:
        tell(f"follow it with: assay attach {run.id}")
        return 0, {}, run.id
    try:
        judgement = submit.collected(run, allow_inconclusive=ns.allow_inconclusive)
    except InterruptedRunError:
        return closing.INTERRUPTED, {}, run.id
    return told(run, judgement, json=ns.json, quiet=quiet)


def measured(
    ns: Namespace,
    store: Store,
    run: RunDir,
    plan: Plan,
    config: Mapping[str, Any],
    base: list[RunDir] | None,
    *,
    quiet: bool = False,
) -> tuple[int, dict[str, object], str]:
    """Measure and judge a run directory that has its plan and whose lock is held."""
    try:
        trouble = execute.measure_all(run, plan, config)
    except InterruptedRunError as stop:
        closing.mark_interrupted(run)
        tell(f"\nassay: interrupted by {stop}; what was measured is kept. Go on with: {go_on(run)}")
        from assay.results.document import document

        return closing.INTERRUPTED, document(run) if ns.json else {}, run.id
    judgement = closing.finish(
        run,
        config,
        base=base if base is not None else closing.earlier(store, run),
        decide=base is not None,
        allow_inconclusive=ns.allow_inconclusive,
        trouble=trouble,
    )
    copy_out(config, store, run.id)
    return told(run, judgement, json=ns.json, quiet=quiet)


def go_on(run: RunDir) -> str:
    """Give the command that finishes a run, naming its store where that is not the one found without being told."""
    default = Store(locate(None, os.environ)).root.resolve() == run.path.parent.resolve()
    return f"assay run --resume {run.id}" + ("" if default else f" --store {run.path.parent.resolve()}")


def told(run: RunDir, judgement: Judgement, *, json: bool, quiet: bool) -> tuple[int, dict[str, object], str]:
    """Tell the outcome of one run."""
    if json:
        from assay.results.document import document

        found = document(run)
        return judgement.exit_code, found, run.id
    if not quiet:
        from assay.results.report import render

        out(render(judgement, color=color(), width=width()))
    return judgement.exit_code, {}, run.id


def resume(ns: Namespace) -> int:
    """Finish an interrupted run: the same plan, only what is not on disk."""
    if ns.overrides or ns.runs > 1 or ns.multirun or ns.budget or ns.shard or ns.share or ns.exclusive:
        message = "finishes a run as it was planned"
        raise RefusalError(
            message, where="--resume", fix="Leave out overrides, --runs, --multirun, --budget, --shard, --share and --exclusive."
        )
    store = Store(locate(ns.store, os.environ))
    run = only(store.resolve(ns.resume), "--resume")
    plan, config = stored_plan(run, goes_on=True), run.config()
    base = store.resolve(ns.base) if ns.base else None
    if submit.is_job(config) and not os.environ.get("SLURM_JOB_ID"):
        code, document, _ = sent(ns, submit.again(run), quiet=False)
        return code
    # A requeued job may begin while its forerunner on a failed node is still going down.
    patience = REQUEUED_SECONDS if os.environ.get("SLURM_RESTART_COUNT") else opening.LOCK_SECONDS
    with opening.held(run, seconds=patience):
        give_up(run, plan)
        plan = execute.in_company(plan, os.environ)
        opening.take_up(run, plan, config)
        code, document, _ = measured(ns, store, run, plan, config, base)
    if ns.json:
        emit_json(document)
    return code


def only(runs: list[RunDir], where: str) -> RunDir:
    """Return the only run; RefusalError if there are several."""
    if len(runs) != 1:
        message = f"names {len(runs)} runs"
        raise RefusalError(message, where=where, fix="Name one.")
    return runs[0]


def worst(codes: Sequence[int]) -> int:
    """Give the worst of several exit codes."""
    return min(codes, key=SEVERITY.index)
