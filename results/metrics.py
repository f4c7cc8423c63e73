"""Measurements -> records: named pure reductions, each number with its unit, its limit and how it was reduced."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from assay.harness.measurement import Measurement
from assay.results.device_records import device_records
from assay.results.limits import CALIBRATION, MOST, Limit, canonical, find_limits
from assay.results.record import METRICS, SCORES, Record, finite_float
from assay.results.spread import Spread, summarise
from assay.results.telemetry import marks_of
from assay.results.truth import figures_doubt, is_number

MEDIAN = "median_rep"
SLOWEST = "median_rep(max_rank)"


def derive(
    measurements: Iterable[Measurement],
    *,
    run: str,
    hardware: Mapping[str, Any],
    hw_class: str,
    sw_class: str,
) -> list[Record]:
    """Derive every record of a run.

    A case with a wrong answer keeps its error scores and gets no performance figure; a series with a value that is no positive finite
    time gets none either (``truth.figures_doubt`` says why). RefusalError for a hardware entry that cannot be right.
    """
    kept = list(measurements)
    limits = find_limits(kept, hardware)
    origin = {"run": run, "hw_class": hw_class, "sw_class": sw_class}
    found: list[Record] = []
    for measurement in kept:
        own = origin | {"key": measurement.case.key, "suite": measurement.case.suite, "inject": bool(measurement.case.inject)}
        if measurement.status == "measured" and not figures_doubt(measurement):
            found += performance(measurement, own, limits)
            found += device_records(measurement, own)
        if measurement.status in {"measured", "wrong"}:
            found += scores(measurement, own)
    return found


def performance(measurement: Measurement, own: Mapping[str, Any], limits: Mapping[str, Limit]) -> Iterator[Record]:
    """Yield times and rates of one case with a right answer, subject by subject; then skew and wire bytes."""
    flags = tuple(measurement.flags) + ((f"samples {measurement.samples.dropped}",) if measurement.samples.dropped else ())
    marked = flags
    for subject, seconds, agg in series(measurement):
        spread = summarise(seconds)
        flags = (*marked, *marks_of(measurement, subject))
        named = flags + slowest_flag(measurement) if subject == "cluster" else flags
        yield record("time", spread, own, subject=subject, agg=agg, flags=named)
        for metric, amount, resource in rates(measurement):
            limit = None if judges_itself(measurement, limits.get(resource)) else limits.get(resource)
            yield record(metric, spread.rate(amount), own, subject=subject, agg=agg, flags=flags, limit=limit)
    if measurement.scope == "world" and len(measurement.samples.rows) > 1:
        gaps = [max(column) - min(column) for column in zip(*measurement.samples.rows, strict=True)]
        yield record("skew", summarise(gaps), own, subject="cluster", agg="median_rep(max_rank-min_rank)", flags=marked)
    wire = finite_float(measurement.volume.wire_nbytes)
    if measurement.scope == "world" and wire is not None and 0 < wire < MOST:
        unit, better = METRICS["wire_nbytes"]
        yield Record(**own, subject="cluster", metric="wire_nbytes", value=wire, unit=unit, better=better, agg="per rank and step")


def series(measurement: Measurement) -> Iterator[tuple[str, Sequence[float], str]]:
    """Yield (subject, seconds of each repetition, name of the reduction): one a rank, or the slowest rank's for a world's case.

    Where ranks were dropped to keep the file small, only the slowest rank is left and speaks for the cluster.
    """
    samples = measurement.samples
    if measurement.scope == "world" or (samples.dropped and len(samples.rows) < measurement.case.nranks):
        yield "cluster", samples.slowest, SLOWEST
        return
    for rank, row in enumerate(samples.rows):
        yield f"device{rank}", row, MEDIAN


def rates(measurement: Measurement) -> Iterator[tuple[str, float, str]]:
    """Yield (metric, amount a step, resource that limits it) for what this case moves; kinds of bytes are never mixed.

    busbw = algbw x bus factor (nccl-tests, doc/PERFORMANCE.md), with none where the factor is None and none at one rank.
    """
    volume = measurement.volume
    message = max(finite_float(volume.message_nbytes) or 0.0, 0.0)
    factor = max(finite_float(volume.bus_factor) or 0.0, 0.0) if measurement.case.nranks > 1 else 0.0
    amounts = (
        ("flop_rate", finite_float(volume.flops), canonical(str(volume.resource))),
        ("memory_rate", finite_float(volume.memory_nbytes), "memory"),
        ("algbw", message, ""),
        ("busbw", message * factor, "link"),
    )
    for metric, amount, resource in amounts:
        if amount is not None and 0 < amount < MOST:
            yield metric, amount, resource


def meaningless(measurement: Measurement, metric: str) -> str:
    """Say why a metric has no meaning for this case, so that its absence is no gap; empty if it should be there."""
    if metric == "busbw" and (measurement.case.nranks == 1 or measurement.volume.bus_factor is None):
        return "busbw has no meaning for one rank or without a bus factor"
    return ""


def judges_itself(measurement: Measurement, limit: Limit | None) -> bool:
    """Tell whether a calibration case would be held against what it measured itself."""
    return limit is not None and limit.measured and measurement.case.suite == CALIBRATION


def record(
    metric: str,
    spread: Spread,
    own: Mapping[str, Any],
    *,
    subject: str,
    agg: str,
    flags: tuple[str, ...],
    limit: Limit | None = None,
) -> Record:
    """Make one record; without a limit it has no share."""
    unit, better = METRICS[metric]
    held: dict[str, Any] = {}
    if limit is not None:
        held = {"limit": limit.value, "limit_name": limit.name, "share": spread.value / limit.value}
    return Record(**own, **asdict(spread), **held, subject=subject, metric=metric, unit=unit, better=better, agg=agg, flags=flags)


def scores(measurement: Measurement, own: Mapping[str, Any]) -> Iterator[Record]:
    """Yield the check's error measures, worst over ranks and checks, each beside the limit it was checked with."""
    checked = measurement.checked
    for name, score in checked.scores.items():
        if not is_number(score) or name in METRICS:
            continue
        limit = finite_float(checked.limits.get(name))
        positive = limit is not None and limit > 0
        unit, better = SCORES.get(name, ("1", "lower"))
        yield Record(
            **own,
            subject="cluster",
            metric=name,
            value=float(score),
            unit=unit,
            better=better,
            agg="max_check(max_rank)",
            n=checked.checks,
            limit=limit,
            limit_name="limit of the check" if limit is not None else "",
            share=float(score) / limit if limit is not None and positive else None,
        )


def slowest_rank(rows: Sequence[Sequence[float]]) -> tuple[int, int] | None:
    """Give (rank, repetitions) of the rank that was slowest most often; ties go to the lower rank. None for fewer than two ranks."""
    if len(rows) < 2:  # noqa: PLR2004 - one rank cannot be slower than itself
        return None
    slowest = [column.index(max(column)) for column in zip(*rows, strict=True)]
    rank = max(range(len(rows)), key=slowest.count)
    return rank, slowest.count(rank)


def slowest_flag(measurement: Measurement) -> tuple[str, ...]:
    """Name the slowest rank of a case, or say that it cannot be named."""
    rows = measurement.samples.rows
    found = slowest_rank(rows)
    if found is not None:
        return (f"slowest rank{found[0]} in {found[1]} of {len(rows[0])} repetitions",)
    return ("slowest rank unknown: its samples were dropped",) if measurement.case.nranks > 1 else ()
