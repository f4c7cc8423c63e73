"""``assay gate``: is B slower, faster, the same as A, or can't we tell? Both are measured now, pair by pair."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.harness.door import planning, revisions
from assay.harness.door.console import color, emit_json, out, tell
from assay.harness.door.gate_options import ENOUGH, arguments
from assay.harness.door.gating import Gate, hold_gate, keep, make_folder, past, store_root
from assay.harness.door.sides import Side, check_sides, from_environments
from assay.harness.door.turns import Table
from assay.harness.errors import RefusalError
from assay.harness.interrupt import interruptible
from assay.harness.launch.announced import attached

if TYPE_CHECKING:
    from assay.results.gate_report import GateReport
    from assay.results.gate_rows import Row
    from assay.results.thresholds import Thresholds

GITHUB = "GITHUB_STEP_SUMMARY"


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
    if getattr(ns, "extend", 0) < 0:
        message = "are no number of pairs"
        raise RefusalError(message, value=ns.extend, where="--extend", fix="Say 10, for as many pairs again, or leave it out.")
    planning.shard_of(getattr(ns, "shard", None))
    return Gate(
        sides,
        ns.pairs,
        thresholds_of(ns),
        across=[name.strip() for name in getattr(ns, "across", "").split(",") if name.strip()],
        seconds=planning.duration(ns.budget),
        warm=not ns.no_warm,
        extend=getattr(ns, "extend", 0),
        compile_runs=compile_runs(ns),
        confirm=not getattr(ns, "no_confirm", False),
        pin_autotune=getattr(ns, "pin_autotune", False),
        planted=planted,
        options={"shard": getattr(ns, "shard", None) or "", "allow_inconclusive": getattr(ns, "allow_inconclusive", False)},
    )


def compile_runs(ns: Namespace) -> int:
    """Read how many cold runs each side makes."""
    wanted = int(getattr(ns, "compile_runs", 1))
    if wanted < 1 or (wanted > 1 and ns.no_warm):
        message = "must be 1 at least" if wanted < 1 else "are cold runs, which --no-warm leaves out"
        raise RefusalError(message, value=wanted, where="--compile-runs", fix="Say 5, without --no-warm, to compare compile times.")
    return wanted


def thresholds_of(ns: Namespace) -> Thresholds:
    """Read the thresholds."""
    from assay.results.thresholds import Thresholds

    looks = 2 if getattr(ns, "extend", 0) else 1
    return Thresholds(min_effect=ns.min_effect, min_seconds=ns.min_seconds, widest=ns.widest, looks=looks).checked()


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
