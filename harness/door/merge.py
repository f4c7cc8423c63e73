"""``assay merge``: one verdict from the shards of a gate."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from assay.harness.door.console import parser
from assay.harness.door.gate import tell_all, write
from assay.harness.door.gate_options import output_options

SUMMARY = "make one verdict of the shards of a gate (their gate.json, or their folders)"
EPILOG = "All shards 1/n to n/n must be there, each once: a part that was not measured cannot pass.\n"


def main(argv: Sequence[str]) -> int:
    """Run the verb; returns the exit code."""
    p = parser("merge", SUMMARY, EPILOG)
    p.add_argument("gates", nargs="+", metavar="GATE", help="gate.json of a shard, or the folder that holds it")
    p.add_argument("--out", "-o", metavar="FILE", help="write the merged gate.json here")
    output_options(p)
    ns = p.parse_args(list(argv))
    import json

    from assay.results.gate_merge import merge
    from assay.results.gate_report import read_report

    report = merge([read_report(Path(gate)) for gate in ns.gates])
    if ns.out:
        write(ns.out, json.dumps(report.as_dict(), indent=1) + "\n", mode="w")
    return tell_all(ns, report)
