"""``assay noise``: A against A on this machine, so that everybody knows what can be seen here."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from assay.harness.door.console import emit_json, out, parser
from assay.harness.door.gate import check_alone, gate_of, split, table_of
from assay.harness.door.gate_options import measuring_options
from assay.harness.door.gating import hold_gate, make_folder, store_root
from assay.harness.door.sides import Side, with_output
from assay.harness.errors import RefusalError
from assay.harness.interrupt import interruptible

SUMMARY = "measure A against A: noise of every case on this machine, and the smallest change that n pairs can see"
EPILOG = """\
assay noise plan=ci measures the same thing on both sides of a gate. What it flags is a false alarm; what it lists is how much two runs
differ although nothing does. A command works too: assay noise -- pytest bench/
Exit codes: 0 measured; 2 a case has no figure; 4 nothing was measured.
"""


def main(argv: Sequence[str]) -> int:
    """Run the verb; returns the exit code."""
    own, command = split(argv)
    p = parser("noise", SUMMARY, EPILOG)
    p.add_argument("overrides", nargs="*", metavar="OVERRIDE", help="what is measured, Hydra's grammar")
    measuring_options(p)
    p.add_argument("--json", action="store_true", help="print one JSON document")
    ns = p.parse_intermixed_args(own)
    check_alone("assay noise")
    if command and ns.overrides:
        message = "configures assay run, but a command of your own is measured"
        raise RefusalError(message, value=ns.overrides[0], where="OVERRIDE", fix="Leave it out, or put it into the command.")
    folder = make_folder(store_root(ns.store))
    words = with_output(command)
    same = [Side(name, "A", sys.executable, words, folder=Path.cwd()) for name in ("base", "head")]
    with interruptible():
        report = hold_gate(gate_of(ns, (same[0], same[1])), table_of(ns, folder, ns.overrides))
    from assay.results.noise import document, noise_lines

    if ns.json:
        emit_json(document(report))
    else:
        out("\n".join(noise_lines(report)))
    statuses = {row.status for row in report.rows}
    return 2 if statuses & {"wrong", "missing", "new"} else 0 if statuses else 4
