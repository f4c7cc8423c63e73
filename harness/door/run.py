"""``assay run``: measure, store, judge."""

from __future__ import annotations

import contextlib
import os
import secrets
from argparse import Namespace
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from assay.harness.door import execute, planning, submit
from assay.harness.door.compose import Composed, compose, info, options, sweep
from assay.harness.door.console import Parser, color, emit_json, out, parser, tell, width
from assay.harness.door.execute import Job
from assay.harness.door.layers import GROUPS, files, layers
from assay.harness.door.replay import stored_plan
from assay.harness.errors import AssayError, InterruptedRunError, RefusalError
from assay.harness.interrupt import interruptible
from assay.harness.launch.announced import attached
from assay.harness.launch.choose import choose
from assay.harness.plan import Plan
from assay.harness.rundir import RunDir
from assay.harness.suitepath import name_suite_paths
from assay.harness.supervise import give_up
from assay.results.store import Store, locate

if TYPE_CHECKING:
    from assay.results.judge import Judgement

SUMMARY = "measure what a configuration selects, store it, judge it"
EPILOG = """\
OVERRIDE is Hydra's grammar: plan=smoke, 'suite=[gemm,all_reduce]', site.nranks=2, 'suite.gemm.axes.m=[64,4096]';
a value that holds = or , is quoted: "inject.match='bytes=8'".
Exit codes: 0 measured and passed; 1 a verdict failed; 2 a case errored, crashed, hung or is missing; 3 refused before
measuring; 4 no verdict is possible; 130 interrupted. The worst of several is 3, then 1, 2, 4.
"""
REQUEUED_SECONDS = 60.0
SEVERITY = (130, 3, 1, 2, 4, 0)


def arguments() -> Parser:
    """Describe the command line."""
    p = parser("run", SUMMARY, f"{EPILOG}\nConfiguration groups and their options (assay run --cfg job shows every key):\n{groups()}")
    shared(p)
    p.add_argument("--json", action="store_true", help="print one JSON document on standard output (progress goes to standard error)")
    p.add_argument("--runs", type=int, default=1, metavar="N", help="make N fresh launches, each a run of its own (default 1)")
    p.add_argument("--base", metavar="RUN", help="compare with these runs and let the comparison decide the exit code too")
    p.add_argument("--resume", metavar="RUN", help="finish an interrupted run, measuring nothing twice")
    p.add_argument("--store", metavar="URL", help="with --resume: where that run lies (default: ASSAY_STORE, else ./runs)")
    p.add_argument("--detach", action="store_true", help="with launch=slurm: submit the job and return at once (assay attach follows it)")
    p.add_argument("--allow-inconclusive", action="store_true", help="exit 0 instead of 4")
    p.add_argument("--multirun", "-m", action="store_true", help="sweep: run every combination of a=1,2; the worst exit code wins")
    p.add_argument("--cfg", choices=("job",), help="print the composed configuration and stop")
    p.add_argument(
        "--info", nargs="?", const="groups", choices=("groups", "searchpath", "defaults"), help="tell about the configuration and stop"
    )
    return p


def groups() -> str:
    """List the configuration groups with their options, one a line."""
    try:
        found = layers()
    except RefusalError as error:  # help is there for everyone; what needs the configuration refuses
        return f"  {error}"
    return "\n".join(f"  {group}: {', '.join(sorted(files(group, found)))}" for group in GROUPS)


def shared(p: Parser) -> None:
    """Add what planning and running have in common."""
    p.add_argument("overrides", nargs="*", metavar="OVERRIDE", help="configuration override, Hydra's grammar")
    p.add_argument("--config-dir", action="append", default=[], metavar="DIR", help="folder with more plan/, suite/, site/ ... YAML")
    suite_path_option(p)
    p.add_argument(
        "--budget", metavar="TIME", help="whole run: leave out what does not fit into TIME (90s, 10m, 1h), the least telling first"
    )
    p.add_argument("--shard", metavar="I/N", help="measure only part I of N")
    p.add_argument("--share", action="store_true", help="measure although others work on these devices or this node; marks every number")
    p.add_argument("--exclusive", action="store_true", help="take more than 90 %% of the memory: nobody else needs this machine")


def suite_path_option(p: Parser) -> None:
    """Add the folders of suites, which only a command line can name."""
    p.add_argument("--suite-path", action="append", default=[], metavar="DIR", help="folder of your own suites: NAME.py and NAME.yaml")


def main(argv: Sequence[str]) -> int:
    """Run the verb; returns the exit code."""
    ns = arguments().parse_intermixed_args(list(argv))
    name_suite_paths(ns.suite_path)
    if ns.cfg or ns.info:
        text = info(ns.info, ns.overrides, ns.config_dir) if ns.info else compose(ns.overrides, config_dirs=ns.config_dir).yaml
        out(text.rstrip("\n"))
        return 0
    if ns.runs < 1:
        message = "must be at least 1"
        raise RefusalError(message, value=ns.runs, where="--runs", fix="Say --runs 5, for example.")
    if ns.store and not ns.resume:
        message = "names the store of a run to resume"
        raise RefusalError(message, value=ns.store, where="--store", fix=f"For a new run say store.url={ns.store}.")
    if ns.detach and not any(o.startswith("launch=slurm") or o == "launch.kind=slurm" for o in ns.overrides):
        message = "leaves a job to the scheduler"
        raise RefusalError(message, where="--detach", fix="Say launch=slurm.")
    found = attached(os.environ)
    if found is not None:
        from assay.harness.door.attached import run_attached

        return run_attached(ns, found, argv)
    with interruptible():
        if ns.resume:
            return resume(ns)
        jobs = sweep(ns.overrides) if ns.multirun else [list(ns.overrides)]
        return several(ns, [prepare(ns, overrides) for overrides in jobs], argv)


def prepare(ns: Namespace, overrides: Sequence[str], *, nranks: int | None = None, nodes: int | None = None) -> tuple[Composed, Plan]:
    """Compose and plan one job; everything that can be refused is refused here."""
    from assay.results.limits import stated_limits
    from assay.results.rules import read_rules

    composed = compose(overrides, config_dirs=ns.config_dir)
    rules = read_rules(composed.config.get("rules"))  # what could not judge is refused now, not after hours of measuring
    planning.check_floors(rules.floors, composed.config["suite"], options("suite", ns.config_dir))
    stated_limits(composed.config.get("hardware") or {})
    plan = planning.make_plan(composed, nranks=nranks, nodes=nodes, config_dirs=ns.config_dir, share=ns.share, exclusive=ns.exclusive)
    return composed, planning.cut(plan, seconds=planning.duration(ns.budget), shard=planning.shard_of(ns.shard))


def several(ns: Namespace, jobs: Sequence[tuple[Composed, Plan]], argv: Sequence[str]) -> int:
    """Run every job as many times as asked; the worst exit code wins."""
    session = secrets.token_hex(4)
    documents, codes, ids = [], [], []
    total = len(jobs) * ns.runs
    for order in range(total):
        composed, plan = jobs[order % len(jobs)]
        plan = execute.in_company(plan, os.environ)
        store = Store(locate(composed.config["store"].get("url"), os.environ))
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
        if code == execute.INTERRUPTED:
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
        run = execute.make_run(store, job, keep, attached=False, mpi=mpi)
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
        return execute.INTERRUPTED, {}, run.id
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
        execute.mark_interrupted(run)
        tell(f"\nassay: interrupted by {stop}; what was measured is kept. Go on with: {go_on(run)}")
        from assay.results.document import document

        return execute.INTERRUPTED, document(run) if ns.json else {}, run.id
    judgement = execute.finish(
        run,
        config,
        base=base if base is not None else execute.earlier(store, run),
        decide=base is not None,
        allow_inconclusive=ns.allow_inconclusive,
        trouble=trouble,
    )
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
    patience = REQUEUED_SECONDS if os.environ.get("SLURM_RESTART_COUNT") else execute.LOCK_SECONDS
    with execute.held(run, seconds=patience):
        give_up(run, plan)
        plan = execute.in_company(plan, os.environ)
        execute.take_up(run, plan)
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
