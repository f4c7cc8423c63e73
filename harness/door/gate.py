"""``assay gate``: is B slower, faster, the same as A, or can't we tell? Both are measured now, pair by pair."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.harness.door import planning, revisions
from assay.harness.door.console import Parser, color, emit_json, out, parser, tell
from assay.harness.door.gating import Gate, hold_gate, keep, make_folder, past, store_root
from assay.harness.door.sides import Side, check_sides, from_environments
from assay.harness.door.turns import Table
from assay.harness.errors import RefusalError
from assay.harness.interrupt import interruptible
from assay.harness.launch.announced import attached

if TYPE_CHECKING:
    from assay.results.gate import Thresholds
    from assay.results.gate_report import GateReport
    from assay.results.gate_rows import Row

SUMMARY = "measure base and head pair by pair in one job, and say of every case: same, faster, slower, or nobody can tell"
EPILOG = """\
Two sides, in one of these ways:
  assay gate --base main plan=ci                        the tree as it stands against a revision, each installed
  assay gate --base v1 --head v2 plan=ci                two revisions of the package you stand in
  assay gate --base-env E1 --head-env E2 plan=ci        two environments
  assay gate --head-override site.threads=2 plan=ci     two configurations (--across NAME for a parameter that is in the key)
  assay gate --base-env E1 --head-env E2 -- pytest bench/     any command: pytest, or one that writes into {output}
                                                        (or $ASSAY_GATE_OUTPUT) a file that assay import reads, or runs into $ASSAY_STORE
Order A B B A ..., whole runs; a case that looks slower or faster is measured again before anything is said.
Exit codes: 0 same or faster; 1 slower, or a wrong answer; 2 a case is missing on the head's side; 3 refused; 4 nobody can tell.
"""
ENOUGH = 20
GITHUB = "GITHUB_STEP_SUMMARY"


def arguments() -> Parser:
    """Describe the command line."""
    p = parser("gate", SUMMARY, EPILOG)
    p.add_argument("overrides", nargs="*", metavar="OVERRIDE", help="configuration of both sides, Hydra's grammar")
    p.add_argument("--base", metavar="REF", help="a git revision of the package you stand in")
    p.add_argument("--head", metavar="REF", help="another; default: the tree as it stands")
    p.add_argument("--install", metavar="COMMAND", help="how a revision is installed, with {python} and {tree} (default: pip)")
    for name in ("base", "head"):
        p.add_argument(f"--{name}-env", metavar="DIR", help=f"environment of the {name}, or its Python")
        p.add_argument(f"--{name}-cmd", metavar="COMMAND", help=f"what a turn of the {name} runs")
        p.add_argument(f"--{name}-override", action="append", default=[], metavar="OVERRIDE", help=f"configuration of the {name} only")
    p.add_argument("--across", default="", metavar="NAMES", help="parameters (joined by commas) that the sides differ in on purpose")
    measuring_options(p)
    p.add_argument("--shard", metavar="I/N", help="measure only part I of N; assay merge makes one verdict of all parts")
    p.add_argument("--no-confirm", action="store_true", help="report suspicions without measuring them again")
    p.add_argument("--pin-autotune", action="store_true", help="give the head's compilers the choices that the base's autotuners made")
    p.add_argument(
        "--advisory", action="store_true", help=f"report, but exit 0, until A/A flags stayed under the stated rate for {ENOUGH} gates"
    )
    p.add_argument("--allow-inconclusive", action="store_true", help="exit 0 instead of 4")
    output_options(p)
    return p


def measuring_options(p: Parser) -> None:
    """Add what gate and noise have in common."""
    p.add_argument("--pairs", type=int, default=10, metavar="N", help="pairs of runs (default 10; 5 is quick, and sees half as well)")
    p.add_argument("--budget", metavar="TIME", help="for all of it (10m, 1h): cases are left out, or pairs of a command, until it fits")
    p.add_argument("--no-warm", action="store_true", help="leave out the first turn of each side, which does not count")
    p.add_argument("--min-effect", type=float, default=0.01, metavar="SHARE", help="smallest change that matters (default 0.01)")
    p.add_argument("--min-seconds", type=float, default=1e-6, metavar="S", help="smallest absolute change that matters (default 1e-6 s)")
    p.add_argument("--widest", type=float, default=0.05, metavar="SHARE", help="a case too noisy for this margin is never called the same")
    p.add_argument("--store", metavar="DIR", help="the store (default: ASSAY_STORE, else ./runs); the gate lies in its folder gates")


def output_options(p: Parser) -> None:
    """Add where the outcome goes besides standard output."""
    p.add_argument("--json", action="store_true", help="print one JSON document")
    p.add_argument("--markdown", metavar="FILE", help="write a summary as Markdown (also appended to $GITHUB_STEP_SUMMARY)")
    p.add_argument("--junit", metavar="FILE", help="write JUnit XML")
    p.add_argument("--codequality", metavar="FILE", help="write what failed as GitLab's Code Quality findings")
    p.add_argument(
        "--annotations", choices=("auto", "github", "none"), default="auto", help="print GitHub's annotations (default: in its jobs)"
    )
    p.add_argument("--all", action="store_true", help="list cases that are the same too")


def main(argv: Sequence[str]) -> int:
    """Run the verb; returns the exit code."""
    own, command = split(argv)
    ns = arguments().parse_intermixed_args(own)
    check_sides(ns, command)
    check_alone("assay gate")
    folder = make_folder(store_root(ns.store))
    work = folder / "work"
    try:
        with interruptible():
            sides = sides_of(ns, command, work)
            gate = gate_of(ns, sides)
            report = hold_gate(gate, table_of(ns, folder, ns.overrides))
            report = replace(report, rows=known_rows(ns, report), **advice(ns, report, store_root(ns.store)))
            keep(report, folder)
    finally:
        revisions.remove(("base", "head") if ns.base else (), work)
    return tell_all(ns, report)


def split(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """Split off the command after ``--``."""
    words = list(argv)
    if "--" not in words:
        return words, []
    at = words.index("--")
    if not words[at + 1 :]:
        message = "no command follows"
        raise RefusalError(message, where="--", fix="Write -- pytest bench/, for example.")
    return words[:at], words[at + 1 :]


def check_alone(verb: str) -> None:
    """Refuse to start turns from inside a world: every rank would start them all."""
    found = attached(os.environ)
    if found is not None:
        message = f"starts launches of its own, but {found.variable} announces {found.size} ranks that are up already"
        raise RefusalError(message, where=verb, fix="Start it outside mpiexec, srun or torchrun.")


def sides_of(ns: Namespace, command: Sequence[str], work: Path) -> tuple[Side, Side]:
    """Make both sides; revisions are installed now."""
    base, head = from_environments(ns, command)
    if not ns.base:
        return base, head
    return (
        revisions.install(base, ns.base, work / "base", by=ns.install),
        revisions.install(head, ns.head or revisions.TREE, work / "head", by=ns.install),
    )


def gate_of(ns: Namespace, sides: tuple[Side, Side], *, planted: bool = False) -> Gate:
    """Read what the gate is asked to do."""
    if ns.pairs < 3:  # noqa: PLR2004 - the fewest that the rule takes
        message = "are too few for any verdict"
        raise RefusalError(message, value=ns.pairs, where="--pairs", fix="From 3 on; 10 finds changes of 2 % at a noise of 1 %.")
    planning.shard_of(getattr(ns, "shard", None))
    return Gate(
        sides,
        ns.pairs,
        thresholds_of(ns),
        across=[name.strip() for name in getattr(ns, "across", "").split(",") if name.strip()],
        seconds=planning.duration(ns.budget),
        warm=not ns.no_warm,
        confirm=not getattr(ns, "no_confirm", False),
        pin_autotune=getattr(ns, "pin_autotune", False),
        planted=planted,
        options={"shard": getattr(ns, "shard", None) or "", "allow_inconclusive": getattr(ns, "allow_inconclusive", False)},
    )


def thresholds_of(ns: Namespace) -> Thresholds:
    """Read the thresholds."""
    from assay.results.gate import Thresholds

    return Thresholds(min_effect=ns.min_effect, min_seconds=ns.min_seconds, widest=ns.widest).checked()


def table_of(ns: Namespace, folder: Path, overrides: Sequence[str]) -> Table:
    """Lay out where turns go; limits of the machine say nothing about a difference, so they are not measured unless somebody asks."""
    lean = [] if any(word.startswith("hardware") for word in overrides) else ["hardware.name=none"]
    options = [f"--shard={ns.shard}"] if getattr(ns, "shard", None) else []
    return Table(folder, [*overrides, *lean], options)


def advice(ns: Namespace, report: GateReport, root: Path) -> dict[str, Any]:
    """Say why a gate only advises: until enough gates of this machine had few enough false flags, nobody should be stopped by it."""
    if not ns.advisory:
        return {}
    stated = 2 * report.thresholds.alpha
    others = [old for old in past(root) if old.id != report.id and list(old.command) == list(report.command)]
    mine = [old for old in others if old.machine == report.machine and old.aa[1]]
    looked, flagged = sum(old.aa[1] for old in mine[-ENOUGH:]), sum(old.aa[0] for old in mine[-ENOUGH:])
    if len(mine) >= ENOUGH and flagged <= stated * looked:
        tell(f"advisory no longer: A/A flags of the last {ENOUGH} gates were {flagged} of {looked}, at most {100 * stated:g} % are allowed")
        return {}
    seen = f"{len(mine)} of {ENOUGH} gates with A/A comparisons" if len(mine) < ENOUGH else f"the last {ENOUGH} gates"
    rate = f"{flagged} of {looked} flagged" if looked else "none looked at yet"
    return {"advisory": f"{seen}, {rate}; decides once {ENOUGH} gates stay at or under {100 * stated:g} %"}


def known_rows(ns: Namespace, report: GateReport) -> tuple[Row, ...]:
    """Mark regressions that somebody lives with for a while."""
    from assay.results.known import mark, read
    from assay.results.store import Store

    return tuple(mark(report.rows, read(Store(store_root(ns.store)))))


def tell_all(ns: Namespace, report: GateReport) -> int:
    """Tell the outcome everywhere it was asked for; returns the exit code."""
    from assay.results.gate_text import gate_lines, markdown, workflow_commands
    from assay.results.report import finish

    if ns.json:
        emit_json(report.as_dict())
    else:
        out(finish(gate_lines(report, whole=ns.all), color=color()))
    summary = os.environ.get(GITHUB)
    for path, mode in ((ns.markdown, "w"), (summary, "a")):
        if path:
            write(path, markdown(report), mode=mode)
    if ns.junit:
        from assay.results.gate_junit import junit

        write(ns.junit, junit(report), mode="w")
    if ns.codequality:
        from assay.results.gate_junit import code_quality

        write(ns.codequality, code_quality(report), mode="w")
    if ns.annotations == "github" or (ns.annotations == "auto" and os.environ.get("GITHUB_ACTIONS") == "true"):
        for line in workflow_commands(report):
            tell(line)
    return report.exit_code


def write(path: str, text: str, *, mode: str) -> None:
    """Write a file that the user named; RefusalError if it cannot be written."""
    try:
        with Path(path).open(mode, encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        message = f"cannot be written: {error.strerror}"
        raise RefusalError(message, value=path, where="output", fix="Name a file in a folder that exists.") from error
