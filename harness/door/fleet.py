"""``assay fleet``: which devices or nodes are slow, unstable, below spec, failed or untested."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from assay.harness.door.console import color, emit_json, out, parser
from assay.harness.door.runs import opened, store_option
from assay.harness.errors import RefusalError

SUMMARY = "name the slow, unstable, below-spec, failed and untested devices or nodes in some runs"
EPILOG = """\
Every device is held against its peers: the same case on the same hardware and software. Five runs of each are wanted; with one, a hiccup
looks like a sick device, and the list of whom to run again says so.
Exit codes: 0 all are sound; 1 some are flagged; 2 some failed or were not tested; 4 too few to tell.
"""


def main(argv: Sequence[str]) -> int:
    """Run the verb; returns the exit code."""
    p = parser("fleet", SUMMARY, EPILOG)
    p.add_argument("runs", nargs="+", metavar="RUN", help="runs of the fleet (ids, tags, several joined by commas)")
    store_option(p)
    p.add_argument("--expect", metavar="FILE", help="names of the hosts that must have been tested, one a line")
    p.add_argument(
        "--metric", action="append", default=[], metavar="NAME", help="what is judged (default: time; may be given several times)"
    )
    p.add_argument("--min-deficit", type=float, default=0.01, metavar="SHARE", help="less than this is never slow (default 0.01)")
    p.add_argument(
        "--spec", action="append", default=[], metavar="METRIC=VALUE", help="absolute floor (or ceiling, for times), in the metric's unit"
    )
    p.add_argument("--share", type=float, metavar="SHARE", help="smallest share of its limit that a figure must reach")
    p.add_argument("--all", action="store_true", help="list sound units too")
    p.add_argument("--json", action="store_true", help="print one JSON document")
    ns = p.parse_args(list(argv))
    from assay.results.fleet import Limits
    from assay.results.fleet_text import document, fleet_lines
    from assay.results.fleet_units import exit_code, judge_fleet, read_fleet
    from assay.results.report import finish

    store = opened(ns.store)
    runs = list(dict.fromkeys(run for name in ns.runs for run in store.resolve(name)))
    spec = specs(ns.spec)
    limits = Limits(ns.min_deficit, spec, ns.share).checked()
    metrics = list(dict.fromkeys([*(ns.metric or ["time"]), *spec, *(["flop_rate", "memory_rate", "busbw"] if ns.share else [])]))
    check_metrics(metrics)
    fleet = read_fleet(runs, metrics=metrics)
    findings = judge_fleet(fleet, limits, expected=hosts_of(ns.expect))
    if ns.json:
        emit_json(document(fleet, findings, runs=[run.id for run in runs]))
    else:
        out(finish(fleet_lines(fleet, findings, runs=len(runs), whole=ns.all), color=color()))
    return exit_code(findings)


def specs(words: Sequence[str]) -> Mapping[str, float]:
    """Read ``METRIC=VALUE``; RefusalError for anything else."""
    found = {}
    for word in words:
        name, _, value = word.partition("=")
        try:
            found[name] = float(value)
        except ValueError as error:
            message = "is no METRIC=VALUE"
            raise RefusalError(message, value=word, where="--spec", fix="Write flop_rate=6e14, for example.") from error
    return found


def check_metrics(names: Sequence[str]) -> None:
    """Refuse a metric that does not exist or has no better direction."""
    from assay.results.record import METRICS

    known = [name for name, (_, better) in METRICS.items() if better != "none"]
    for name in names:
        if name not in known:
            message = "is no metric that could be better or worse"
            raise RefusalError(message, value=name, where="--metric", fix=f"Choose one of {', '.join(known)}.")


def hosts_of(path: str | None) -> list[str]:
    """Read the names of expected hosts; RefusalError for a file that cannot be read."""
    if path is None:
        return []
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        message = f"cannot be read: {error}"
        raise RefusalError(message, value=path, where="--expect", fix="Give a text file with one host a line.") from error
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]
