"""``assay run``: measure, store, judge."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from assay.harness.door import planning
from assay.harness.door.compose import Composed, compose, info, options, sweep
from assay.harness.door.console import Parser, out, parser
from assay.harness.door.layers import GROUPS, files, layers
from assay.harness.door.making import resume, several
from assay.harness.errors import RefusalError
from assay.harness.interrupt import interruptible
from assay.harness.launch.announced import attached
from assay.harness.plan import Plan
from assay.harness.suitepath import name_suite_paths

SUMMARY = "measure what a configuration selects, store it, judge it"
EPILOG = """\
OVERRIDE is Hydra's grammar: plan=smoke, 'suite=[gemm,all_reduce]', site.nranks=2, 'suite.gemm.axes.m=[64,4096]';
a value that holds = or , is quoted: "inject.match='bytes=8'".
Exit codes: 0 measured and passed; 1 a verdict failed; 2 a case errored, crashed, hung or is missing; 3 refused before
measuring; 4 no verdict is possible; 130 interrupted. The worst of several is 3, then 1, 2, 4.
"""


def arguments() -> Parser:
    """Describe the command line."""
    p = parser("run", SUMMARY, f"{EPILOG}\nConfiguration groups and their options (assay run --cfg job shows every key):\n{groups()}")
    shared(p)
    p.add_argument("--json", action="store_true", help="print one JSON document on standard output (progress goes to standard error)")
    p.add_argument(
        "--plan-file", metavar="FILE", help="measure the plan of this file (assay plan --out); what is said of suites selects nothing then"
    )
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
    p.add_argument(
        "--case", action="append", default=[], metavar="GLOB", help="measure only cases whose key fits (may be given several times)"
    )
    p.add_argument("--cases", metavar="FILE", help="measure only the cases whose keys or globs stand in this file, one a line")
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
    planning.check_aims(rules.aims, composed.config["suite"], options("suite", ns.config_dir))
    stated_limits(composed.config.get("hardware") or {})
    if getattr(ns, "plan_file", None):
        plan = planning.sent_plan(Path(ns.plan_file), composed.config, nranks=nranks, share=ns.share, exclusive=ns.exclusive)
    else:
        plan = planning.make_plan(composed, nranks=nranks, nodes=nodes, config_dirs=ns.config_dir, share=ns.share, exclusive=ns.exclusive)
    plan = planning.named(plan, [*ns.case, *lines_of(ns.cases)])
    return composed, planning.cut(plan, seconds=planning.duration(ns.budget), shard=planning.shard_of(ns.shard))


def lines_of(path: str | None) -> list[str]:
    """Read the keys of a file of cases, one a line; RefusalError for a file that cannot be read or names none."""
    if path is None:
        return []
    try:
        lines = [line.strip() for line in Path(path).read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        message = f"cannot be read: {error}"
        raise RefusalError(message, value=path, where="--cases", fix="Give a text file with one key a line.") from error
    found = [line for line in lines if line and not line.startswith("#")]
    if not found:
        message = "names no case"
        raise RefusalError(message, value=path, where="--cases", fix="Write one key or glob a line.")
    return found
