"""What this machine's noise lets anybody see: A against A, case by case."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

from assay.results.paired import detectable
from assay.results.units import percent, plain, quantity

if TYPE_CHECKING:
    from assay.results.gate_report import GateReport
    from assay.results.gate_rows import Row

COUNTS = (5, 10, 20)


@dataclass(frozen=True)
class Noise:
    """One case's noise.

    Attributes:
        key: of the case.
        subject: device or cluster.
        median: geometric mean of the per-run medians, in ``unit``.
        unit: of the median.
        runs: how many.
        cv: standard deviation of the runs' log medians (a share): what differs between launches.
        pair: standard deviation of a pair's log ratio: what is left of it where both runs are neighbours.
        sees: smallest change found with 80 % power (one-sided 2.5 %) by this many pairs.
        status: what the gate's rule said of A against A.

    """

    key: str
    subject: str
    median: float
    unit: str
    runs: int
    cv: float
    pair: float
    sees: dict[int, float]
    status: str


def noise_of(row: Row) -> Noise | None:
    """Give the noise of one row; None where it has no figures."""
    if row.base is None or len(row.values) < 2:  # noqa: PLR2004 - a spread needs two
        return None
    logs = [math.log(value) for pair in row.values for value in pair]
    ratios = [math.log(head / base) for base, head in row.values]
    pair = stdev(ratios)
    sees = {n: math.expm1(found) for n in COUNTS if (found := detectable(pair, n)) is not None}
    return Noise(row.key, row.subject, math.exp(fmean(logs)), row.unit, len(logs), stdev(logs), pair, sees, row.status)


def noises(report: GateReport) -> list[Noise]:
    """Give the noise of every case that has one, noisiest first."""
    found = [noise for row in report.rows if (noise := noise_of(row)) is not None]
    return sorted(found, key=lambda noise: (-noise.pair, noise.key, noise.subject))


def noise_lines(report: GateReport) -> list[str]:
    """Write it for a terminal."""
    found = noises(report)
    lines = [f"A/A on this machine, {2 * report.pairs} runs of each case in pairs (gate {report.id})"]
    heads = "   ".join(f"seen by {n}" for n in COUNTS)
    lines += [f"  between runs  in a pair   {heads}   verdict       case"] if found else ["  no case has figures in every run"]
    for noise in found:
        sees = "   ".join(f"{percent(noise.sees[n]):>{len(f'seen by {n}')}}" if n in noise.sees else "-" for n in COUNTS)
        name = f"{noise.key} {noise.subject} ({quantity(noise.median, noise.unit)})"
        lines.append(plain(f"  {percent(noise.cv):>12}  {percent(noise.pair):>9}   {sees}   {noise.status:12}  {name}"))
    lines += [plain(f"  {row.status}: {row.key} {row.subject}: {row.reason}") for row in report.rows if noise_of(row) is None]
    if found:
        lines.append(summary(found, report))
    return lines


def summary(found: Sequence[Noise], report: GateReport) -> str:
    """Say in a sentence what can be seen here, and how often nothing was taken for something."""
    middle = sorted(found, key=lambda noise: noise.pair)[len(found) // 2]
    alarms = sum(noise.status in {"slower", "faster"} for noise in found)
    limit = percent(middle.sees[10]) if 10 in middle.sees else "nothing: a coarse clock makes the runs equal"  # noqa: PLR2004 - the default pairs
    text = f"half of the cases: with 10 pairs, changes under {limit} cannot be seen; false alarms of the gate: {alarms} of {len(found)}"
    return text + (f", of its first pass on one side alone: {report.aa[0]} of {report.aa[1]}" if report.aa[1] else "")


def document(report: GateReport) -> dict[str, Any]:
    """Give it as plain JSON types."""
    rows = [asdict(noise) | {"sees": {str(n): value for n, value in noise.sees.items()}} for noise in noises(report)]
    return {
        "schema": "assay.noise/1",
        "gate": report.id,
        "pairs": report.pairs,
        "rows": rows,
        "aa": list(report.aa),
        "counts": report.counts,
    }
