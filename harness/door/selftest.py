"""``assay selftest``: faults and slowdowns are planted on this machine, and what is found of them is counted."""

from __future__ import annotations

import os
import subprocess
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from assay.harness.door.console import color, emit_json, out, parser, tell
from assay.harness.door.gate import check_alone, gate_of, table_of
from assay.harness.door.gate_options import measuring_options
from assay.harness.door.gating import hold_gate, make_folder, store_root
from assay.harness.door.sides import Side
from assay.harness.errors import StoreError
from assay.harness.interrupt import heed, interruptible
from assay.harness.rundir import RunDir
from assay.results.store import Store

if TYPE_CHECKING:
    from assay.results.gate_report import GateReport

SUMMARY = "plant wrong answers, lost files, hung ranks, zero thresholds and slowdowns here, and print how many are found"
EPILOG = """\
Everything runs in the store's folder gates, and no run of it joins any history. Exit codes: 0 every fault was found and nothing else;
1 something was missed, or something was found that was not there.
"""
TINY = ("launch=auto", "site.threads=1", "budget.seconds=0.05", "budget.warmup_seconds=0.05", "budget.min_reps=5", "hardware.name=none")
GEMM = ("suite=[gemm]", "suite.gemm.axes.dtype=[fp32]", "suite.gemm.axes.m=[64]", "suite.gemm.axes.layer=[{layer: tiny, n: 128, k: 256}]")
NOISE = (
    "suite=[gemm]",
    "suite.gemm.axes.dtype=[fp32]",
    "suite.gemm.axes.m=[16,32,48,64,96,128,192,256]",
    "suite.gemm.axes.layer=[{layer: tiny, n: 256, k: 256}]",
)
REDUCE = ("suite=[all_reduce]", "suite.all_reduce.axes.bytes=[1024]", "suite.all_reduce.transport=loopback", "site.nranks=1")
EXACT = (
    "suite=[exact_gemm]",
    "suite.exact_gemm.axes.m=[16]",
    "suite.exact_gemm.axes.layer=[{layer: tiny, n: 64, k: 256}]",
)
LIMIT_SECONDS = 180


@dataclass(frozen=True)
class Finding:
    """One planted fault, or none: what was to come, what came, and whether that is right."""

    fault: str
    expected: str
    came: str
    right: bool


def main(argv: Sequence[str]) -> int:
    """Run the verb; returns the exit code."""
    p = parser("selftest", SUMMARY, EPILOG)
    measuring_options(p)
    p.add_argument("--json", action="store_true", help="print one JSON document")
    p.add_argument("--faults-only", action="store_true", help="leave the slowdowns out (they take minutes)")
    ns = p.parse_args(list(argv))
    check_alone("assay selftest")
    folder = make_folder(store_root(ns.store))
    with interruptible():
        findings = [
            attempt(folder)
            for attempt in (sound, wrong_row, wrong_bit, lost_product, wrong_element, hung_rank, dropped_line, dropped_file, zero_threshold)
        ]
        report = None if ns.faults_only else noise(ns, folder)
        planted = [] if ns.faults_only else [slowed(ns, folder, share) for share in (0.10,)]
    return told(ns, [*findings, *planted], report)


def assay(folder: Path, *words: str) -> tuple[int, str]:
    """Run ``assay run`` on the fault's own store; gives its exit code and everything it said."""
    environ = dict(os.environ) | {"ASSAY_STORE": str(folder), "NO_COLOR": "1"}
    argv = [sys.executable, "-P", "-m", "assay.harness.door.main", "run", *TINY, *words]
    heed()
    done = subprocess.run(argv, env=environ, capture_output=True, text=True, check=False, timeout=LIMIT_SECONDS)  # noqa: S603 - ourselves
    return done.returncode, done.stdout + done.stderr


def finding(fault: str, code: int, said: str, *, wanted: int, word: str) -> Finding:
    """Hold an exit code, and a word that must be said, against what came."""
    named = word.lower() in said.lower()
    came = f"exit code {code}" + ("" if named else f", and nobody said {word!r}")
    return Finding(fault, f"exit code {wanted}, {word!r} named" if word else f"exit code {wanted}", came, code == wanted and named)


def sound(folder: Path) -> Finding:
    """Plant nothing: silence is wanted."""
    return finding("none", *assay(folder / "sound", *GEMM, "site.nranks=1", *without_floors()), wanted=0, word="")


def wrong_row(folder: Path) -> Finding:
    """Spoil one row of a matrix product."""
    words = (*GEMM, "site.nranks=1", "inject.kind=negate_row", "inject.row=5")
    return finding("one wrong row of a matrix product", *assay(folder / "row", *words), wanted=1, word="row 5")


def wrong_bit(folder: Path) -> Finding:
    """Flip the lowest bit of one word of an exact product: no measure of distance sees that."""
    words = (*EXACT, "suite.exact_gemm.axes.a=[fp32]", "site.nranks=1", "inject.kind=flip_bit", "inject.bit=0", "inject.row=3")
    return finding("one bit of an exact product", *assay(folder / "bit", *words), wanted=1, word="row 3, column 1")


def lost_product(folder: Path) -> Finding:
    """Let an emulated matrix unit leave out one product of one sum."""
    unit = "suite.exact_gemm.axes.a=[{unit: 'emulated:h100_fp8,fault=k_dropped_one_output,fault.row=5,fault.column=9', a: e4m3}]"
    return finding(
        "one product left out by a matrix unit", *assay(folder / "k", *EXACT, unit, "site.nranks=1"), wanted=1, word="row 5, column 9"
    )


def wrong_element(folder: Path) -> Finding:
    """Spoil one element of an all-reduce."""
    return finding(
        "one wrong element of an all-reduce", *assay(folder / "element", *REDUCE, "inject.kind=flip_element"), wanted=1, word="element 1"
    )


def hung_rank(folder: Path) -> Finding:
    """Let a rank hang."""
    words = (*REDUCE, "inject.kind=hang", "budget.timeout=3")
    return finding("a hung rank", *assay(folder / "hang", *words), wanted=2, word="rank 0")


def zero_threshold(folder: Path) -> Finding:
    """Ask for a floor of nothing: it would let everything pass."""
    return finding("a threshold of zero", *assay(folder / "zero", *GEMM, "rules.gemm_small.share_of_limit=0"), wanted=3, word="gemm_small")


def without_floors() -> tuple[str, ...]:
    """Leave the shipped floors out: without limits they cannot decide."""
    return tuple(f"~rules.{name}" for name in ("gemm_small", "gemm_large"))


def dropped_line(folder: Path) -> Finding:
    """Lose the line of one case from a run that was sound."""

    def lose(path: Path) -> None:
        lines = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(b"".join(line for line in lines if b'"kind":"case"' not in line.replace(b" ", b"")))

    return lost(folder / "line", "a lost line of a measurement file", lose)


def dropped_file(folder: Path) -> Finding:
    """Lose a whole measurement file of a run that was sound."""
    return lost(folder / "file", "a lost measurement file", Path.unlink)


def lost(store: Path, fault: str, lose: Callable[[Path], object]) -> Finding:
    """Take something away from a sound run and judge it again."""
    from assay.results.document import document

    code, said = assay(store, *GEMM, "site.nranks=1", *without_floors())
    runs = Store(store).ids()
    if code or not runs:
        return Finding(fault, "exit code 2", f"the run to spoil ended with {code}: {said[-200:]}", right=False)
    run = RunDir(store / runs[-1])
    for path in run.measurement_files():
        lose(path)
    found = document(run)
    came, right = f"exit code {found['exit_code']}, {found['coverage']['text']}", found["exit_code"] == StoreError.exit_code
    return Finding(fault, "exit code 2, the case missing", came, right)


def noise(ns: Namespace, folder: Path) -> GateReport:
    """Measure A against A."""
    tell("measuring A against A")
    sides = tuple(Side(name, "A") for name in ("base", "head"))
    own = folder / "noise"
    own.mkdir()
    return hold_gate(gate_of(ns, (sides[0], sides[1])), table_of(ns, own, [*TINY[:-1], *NOISE, "site.nranks=1"]))


def slowed(ns: Namespace, folder: Path, share: float) -> Finding:
    """Plant a real slowdown: every step of the head spins a share of its own time longer."""
    tell(f"measuring with {100 * share:g} % planted")
    base = Side("base", "A")
    head = Side("head", f"A and {100 * share:g} %", overrides=("inject.kind=slow", f"inject.share={share}", "inject.suite=gemm"))
    own = folder / f"slow{share:g}"
    own.mkdir()
    gate = gate_of(Namespace(**(vars(ns) | {"across": "inject"})), (base, head), planted=True)
    report = hold_gate(gate, table_of(ns, own, [*TINY[:-1], *NOISE, "site.nranks=1"]))
    slow = report.counts.get("slower", 0)
    came = f"{slow} of {len(report.rows)} called slower, {report.counts.get('faster', 0)} faster"
    # A noisy machine may leave some undecided; calling one faster, or most of them nothing, is a failure.
    right = slow > len(report.rows) / 2 and not report.counts.get("faster")
    return Finding(f"every step {100 * share:g} % longer", "most cases slower, none faster", came, right)


def told(ns: Namespace, findings: Sequence[Finding], report: GateReport | None) -> int:
    """Print everything; returns the exit code."""
    from assay.results.planted import rates
    from assay.results.report import finish
    from assay.results.units import percent

    counted = [] if report is None else rates(report, gate_of(ns, (Side("base", "A"), Side("head", "A"))).thresholds)
    code = 0 if all(one.right for one in findings) else 1
    if ns.json:
        rows = [asdict(rate) | {"interval": list(rate.interval)} for rate in counted]
        emit_json({"schema": "assay.selftest/1", "findings": [asdict(one) for one in findings], "rates": rows, "exit_code": code})
        return code
    lines = [(f"  {'found ' if one.right else 'MISSED'}  {one.fault}: {one.came}", "" if one.right else "31") for one in findings]
    lines += [("slowdowns planted into this machine's own A/A noise, with the confirming pass:", "")] if counted else []
    for rate in counted:
        what = f"{percent(rate.step)} slower" if rate.step else "nothing"
        low, high = (percent(end) for end in rate.interval)
        word = "found" if rate.step else "false alarms"
        lines.append((f"  {what:>12} planted: {word} {percent(rate.found / rate.trials)} [{low}, {high}] of {rate.trials}", ""))
    sound_ones = sum(one.right for one in findings)
    word, style = ("FAIL", "31") if code else ("PASS", "32")
    lines.append((f"{word} (exit code {code}): {sound_ones} of {len(findings)} as they should be", style))
    out(finish(lines, color=color()))
    return code
