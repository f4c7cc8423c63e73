"""``assay export``: a run in another tool's format."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from assay.harness.door.console import out, parser, tell
from assay.harness.door.making import only
from assay.harness.door.runs import opened, store_option
from assay.harness.errors import RefusalError

SUMMARY = "write a run in the format of another tool"
EPILOG = """\
junit: one test case a case; what was not measured never passes.       github: job summary (with annotations on standard error)
gitlab: metrics report.  gitlab-codequality: a finding for all that failed. openmetrics: gauges for a node exporter.
bmf: Bencher.  pytorch-hud: benchmark database v3.
github-action-benchmark: -o DIR gets one file for each direction.       pytest-benchmark: for its compare.  csv, parquet: all figures.
"""


def main(argv: Sequence[str]) -> int:
    """Run the verb; returns the exit code."""
    from assay.results.exchange.exporting import FORMATS, text_of, write

    p = parser("export", SUMMARY, EPILOG)
    p.add_argument("run", metavar="RUN")
    p.add_argument("--format", choices=FORMATS, required=True)
    p.add_argument("--out", "-o", metavar="PATH", help="file (or folder) to write; default: standard output")
    store_option(p)
    ns = p.parse_args(list(argv))
    from assay.results.document import judged

    judgement = judged(only(opened(ns.store).resolve(ns.run), "RUN"))
    if ns.format == "github":
        from assay.results.exchange.github import commands
        from assay.results.exchange.outcomes import outcomes

        for line in commands(outcomes(judgement)):
            tell(line)
    if ns.out is None:
        out(text_of(judgement, ns.format).rstrip("\n"))
        return 0
    try:
        made = write(judgement, ns.format, Path(ns.out))
    except OSError as error:
        message = f"cannot be written: {error.strerror}"
        raise RefusalError(message, value=ns.out, where="--out", fix="Name a file in a folder that exists.") from error
    tell(f"written: {', '.join(map(str, made))}")
    return 0
