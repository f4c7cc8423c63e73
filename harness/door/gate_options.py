"""The command line of ``assay gate``, and what of it other verbs have too."""

from __future__ import annotations

from assay.harness.door.console import Parser, parser

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
ENOUGH = 20  # gates with few enough false flags, after which an advisory one decides


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
    p.add_argument(
        "--compile-runs",
        type=int,
        default=1,
        metavar="N",
        help="cold runs of each side whose compile time is told; from 3 on it is compared",
    )
    p.add_argument("--shard", metavar="I/N", help="measure only part I of N; assay merge makes one verdict of all parts")
    p.add_argument(
        "--extend",
        type=int,
        default=0,
        metavar="N",
        help="up to N more pairs for undecided cases; both looks then share the error rates",
    )
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
