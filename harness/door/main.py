"""The command ``assay``: finds the verb, runs it, turns every ending into its exit code."""

from __future__ import annotations

import importlib
import sys
import traceback
from collections.abc import Sequence

from assay.harness.door.console import out
from assay.harness.errors import AssayError, InterruptedRunError, RefusalError

VERBS = {
    "run": "measure what a configuration selects, store it, judge it",
    "plan": "show cases, ranks, launch command, time and memory; run nothing",
    "rerun": "make a run again from its stored plan",
    "attach": "follow a run that a scheduler has, then tell its outcome",
    "suites": "list the suites with their parameters and units",
    "doctor": "say what this machine can and cannot run, and how to get the rest",
    "runs": "list the runs of the store",
    "show": "show one run",
    "compare": "compare runs",
    "gate": "measure base and head pair by pair, and say what became slower",
    "merge": "make one verdict of the shards of a gate",
    "noise": "measure A against A: what can be seen on this machine",
    "selftest": "plant faults and slowdowns here, and print how many are found",
    "import": "make a run of another tool's file",
    "export": "write a run in another tool's format",
    "report": "write a report of a run: one HTML file, Markdown or text",
    "history": "tell when figures changed, and why",
    "push": "put runs into an object store or a team's PostgreSQL",
    "pull": "bring runs from there",
    "fingerprint": "say which arithmetic a matrix unit really does",
    "formats": "compare number formats on a tensor or a distribution",
    "device": "follow one device through all runs",
    "fleet": "judge every device of some runs against its peers",
    "tag": "give runs a name",
    "versus": "compare vendors on the same cases: truth, speed, watts, money",
    "dossier": "pack runs for somebody else, check a package, take its runs in",
    "baseline": "named sets of runs that change only by approval",
    "bridge": "measure each case's factor between two drivers on the same nodes",
    "known": "regressions that are lived with, until a day",
    "compact": "write all figures into one Parquet file for quick queries",
    "lab": "raise a cluster of several hosts and planes on this machine, break it, mend it",
    "prune": "remove old runs (shows what it would do first)",
    "completion": "print the completion script of a shell",
}
# Verbs whose name cannot be a module's.
MODULES = {"import": "importing"}
HELP = ("-h", "--help", "help")


def usage() -> str:
    """Say what there is."""
    width = max(map(len, VERBS))
    lines = [f"  {verb:{width}}  {text}" for verb, text in VERBS.items()]
    head = "usage: assay VERB ... (assay VERB --help says more; assay --version)\n\nAssay proves AI hardware before people trust it.\n"
    return "\n".join([head, *lines, "", "Begin with: assay doctor, then assay run plan=smoke"])


def dispatch(argv: Sequence[str]) -> int:
    """Run one verb."""
    if not argv or argv[0] in HELP:
        out(usage())
        return 0 if argv else RefusalError.exit_code
    if argv[0] == "--version":
        from importlib import metadata

        out(f"assay {metadata.version('assay-harness')}")
        return 0
    if argv[0] == "__complete":
        from assay.harness.door.completion import answer

        return answer(argv[1:])
    if argv[0] not in VERBS:
        import difflib

        near = difflib.get_close_matches(argv[0], VERBS, n=1)
        message = f"there is no verb {argv[0]!r}"
        raise RefusalError(message, fix=f"Did you mean {near[0]}?" if near else f"Known: {', '.join(VERBS)}.")
    code: int = importlib.import_module(f"assay.harness.door.{MODULES.get(argv[0], argv[0])}").main(list(argv[1:]))
    return code


def main(argv: Sequence[str]) -> int:
    """Run one verb and return its exit code; a traceback is Assay's own failure, a 2 and never a 1."""
    try:
        code = dispatch(argv)
    except AssayError as error:
        print(f"assay: {error}", file=sys.stderr)
        return error.exit_code
    except (KeyboardInterrupt, InterruptedRunError):
        return 130
    except SystemExit as ending:
        return 0 if ending.code in (None, 0) else 2
    except Exception:  # noqa: BLE001 - the last net
        traceback.print_exc()
        print("assay: this is a defect of Assay itself; please report it with the lines above", file=sys.stderr)
        return 2
    return code


def entry() -> None:
    """Be the console script."""
    sys.exit(main(sys.argv[1:]))


if __name__ == "__main__":
    entry()
