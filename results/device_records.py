"""Telemetry -> records: power, temperature, clock and, where it can be believed, energy of each device."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from assay.harness.measurement import Measurement
from assay.results.energy import Energy
from assay.results.record import METRICS, Record, finite_float
from assay.results.telemetry import energy_of, marks_of, rows, spread, value

SAMPLED = {"power": "power_watts", "temperature": "temperature_celsius", "sm_clock": "sm_clock_mhz"}
# Under this share of the timed part spent in steps, the energy of what lies between them is told.
BUSY = 0.9


def device_records(measurement: Measurement, own: Mapping[str, Any]) -> Iterator[Record]:
    """Yield the records of every device of one case."""
    for rank, row in enumerate(rows(measurement)):
        subject = f"device{rank}"
        flags = (*measurement.flags, *marks_of(measurement, subject))
        for metric, name in SAMPLED.items():
            told = spread(row, name)
            if told is not None:
                limit = value(row, "before", "sm_clock_max_mhz") if metric == "sm_clock" else None
                held = {"limit": limit, "limit_name": "its maximum", "share": told["median"] / limit} if limit else {}
                yield record(
                    own,
                    subject,
                    metric,
                    told["median"],
                    agg="median_sample",
                    n=int(told["n"]),
                    min=told["min"],
                    max=told["max"],
                    flags=flags,
                    **held,
                )
        found = energy_of(row)
        if isinstance(found, Energy):
            yield from joules(measurement, own, rank, found, flags)


def joules(measurement: Measurement, own: Mapping[str, Any], rank: int, found: Energy, flags: tuple[str, ...]) -> Iterator[Record]:
    """Yield energy of the timed part, of a step, and of a floating-point operation."""
    subject, window = f"device{rank}", finite_float(rows(measurement)[rank].get("window_seconds")) or 0.0
    agg = f"counter over {found.seconds:.1f} s; sampled power within {found.apart:.1%}"
    yield record(own, subject, "energy", found.joules, agg=agg, n=found.n, flags=flags)
    samples = measurement.samples
    if rank >= len(samples.rows) or samples.dropped or not samples.rows[rank]:
        return
    busy = sum(samples.rows[rank]) / window if window else 0.0
    told = flags if busy >= BUSY else (*flags, f"energy of a step holds what lies between steps [{1 - busy:.0%} of the time]")
    per_step = found.watts * window / len(samples.rows[rank])
    yield record(own, subject, "energy_per_step", per_step, agg=agg, n=len(samples.rows[rank]), flags=told)
    flops = finite_float(measurement.volume.flops)
    if flops is not None and flops > 0:
        yield record(own, subject, "energy_per_flop", per_step / flops, agg=agg, n=len(samples.rows[rank]), flags=told)


def record(own: Mapping[str, Any], subject: str, metric: str, number: float, **more: Any) -> Record:
    """Make one record in the metric's unit."""
    unit, better = METRICS[metric]
    return Record(**own, subject=subject, metric=metric, value=float(number), unit=unit, better=better, **more)
