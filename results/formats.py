"""Number formats in a stored run: what each lost, how fast it was, and whether they stand in the published order."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from assay.harness.measurement import Measurement
from assay.harness.rundir import RunDir
from assay.results.record import Record, read_records

SUITE = "formats"
# Relative error on normal data with 1x128 tiles, smallest first: ISCA 2025, section 3.2 (LogFMT-8 below E4M3 below E5M2), and the widths of
# the significands for what it does not compare.
PUBLISHED_ORDER = ("bf16", "logfmt10", "logfmt8", "e4m3", "e5m2")
ORDERED_BY = ("rel_rmse", "calc_diff")


@dataclass(frozen=True)
class Rate:
    """How fast one operation was.

    Attributes:
        elements: a second, the median of the repetitions.
        ci: 95 % interval of that median, None where there were too few.
        nbytes: a second: float32 on one side, codes and scales as they lie in memory on the other.
        best: elements a second of the fastest repetition.
        p99: what 99 % of the repetitions reached.
        n: repetitions.
        share: of the memory's limit, None where nobody knows it.
        limit: where the limit comes from.

    """

    elements: float
    ci: tuple[float, float] | None
    nbytes: float
    best: float
    p99: float
    n: int
    share: float | None
    limit: str


@dataclass(frozen=True)
class Compared:
    """One format: its scores by name, its rates by operation, and what went wrong by operation."""

    format: str
    data: str
    scaled: str
    stored: str
    scores: Mapping[str, float]
    rates: Mapping[str, Rate]
    wrong: Mapping[str, str] = field(default_factory=dict)

    @property
    def sqnr(self) -> float | None:
        """Signal to quantisation noise in dB, -20 log10 of the relative error; None where there is no error, or no score."""
        error = self.scores.get("rel_rmse")
        return -20 * math.log10(error) if error else None

    def as_dict(self) -> dict[str, Any]:
        """Give plain JSON types."""
        return asdict(self) | {"sqnr_db": self.sqnr}


def compared(run: RunDir) -> list[Compared]:
    """Give the formats of a run in the order they were measured in; a case without a right answer has no rate."""
    records, _ = read_records(run)
    own: dict[str, list[Record]] = {}
    for record in records:
        own.setdefault(record.key, []).append(record)
    found: dict[tuple[str, str], list[Measurement]] = {}
    for one in run.measurements().measurements:
        if one.case.suite == SUITE:
            rest = {name: value for name, value in one.case.params.items() if name not in {"format", "operation"}}
            found.setdefault((str(one.case.params["format"]), str(sorted(rest.items()))), []).append(one)
    return [of_format(name, cases, own) for (name, _), cases in found.items()]


def of_format(name: str, cases: Sequence[Measurement], own: Mapping[str, Sequence[Record]]) -> Compared:
    """Put the cases of one format together."""
    scores: dict[str, float] = {}
    rates, wrong = {}, {}
    notes: Mapping[str, str] = {}
    for case in cases:
        operation = str(case.case.params["operation"])
        notes = case.notes or notes
        if case.status != "measured":
            wrong[operation] = f"{case.status}: {case.reason or case.checked.reason}"
            continue
        records = own.get(case.case.key, [])
        scores |= {one.metric: one.value for one in records if one.subject == "cluster"}
        timed = [one for one in records if one.metric == "memory_rate"]
        if timed and float(case.volume.memory_nbytes) > 0:
            slowest = min(timed, key=lambda one: one.value)
            rates[operation] = rate_of(slowest, float(notes["numbers"]) / float(case.volume.memory_nbytes))
    return Compared(name, notes.get("data", ""), notes.get("scaled", ""), notes.get("stored", ""), scores, rates, wrong)


def rate_of(record: Record, elements: float) -> Rate:
    """Turn a rate in bytes into one in elements, of which there are ``elements`` to a byte."""
    ci = record.interval
    return Rate(
        elements=record.value * elements,
        ci=None if ci is None else (ci[0] * elements, ci[1] * elements),
        nbytes=record.value,
        best=(record.value if record.max is None else record.max) * elements,
        p99=(record.value if record.p99 is None else record.p99) * elements,
        n=record.n,
        share=record.share,
        limit=record.limit_name,
    )


def out_of_order(found: Sequence[Compared]) -> Iterator[str]:
    """Say each pair of neighbours in the published order that stands the other way round here."""
    errors = {one.format: one.scores for one in found}
    for score in ORDERED_BY:
        known = [name for name in PUBLISHED_ORDER if score in errors.get(name, {})]
        for low, high in itertools.pairwise(known):
            if errors[low][score] > errors[high][score]:
                yield f"{score} of {low} is {errors[low][score]:.3g}, above {high}'s {errors[high][score]:.3g}"
