"""What the devices told beside a measurement: marks on its numbers, spread of what was sampled, energy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import pairwise
from statistics import median
from typing import Any

from assay.harness.measurement import Measurement
from assay.results.energy import Energy, energy
from assay.results.record import finite_float

Row = Mapping[str, Any]
# Reasons that hold clocks down by choice or because nothing is to be done; the others are throttling.
NO_THROTTLE = {"gpu idle", "applications clocks setting", "sync boost", "display clock setting"}
FULL_CLOCK, STEADY = 0.95, 0.05
NUMBERS = ("power_watts", "temperature_celsius", "sm_clock_mhz")
ERRORS = {
    "ecc_volatile_corrected": "corrected ECC errors",
    "ecc_volatile_uncorrected": "uncorrected ECC errors",
    "ecc_aggregate_corrected": "corrected ECC errors in all its life",
    "ecc_aggregate_uncorrected": "uncorrected ECC errors in all its life",
    "remapped_rows_corrected": "remapped rows after corrected errors",
    "remapped_rows_uncorrected": "remapped rows after uncorrected errors",
    "nvlink_errors": "NVLink errors",
}


def value(row: Row, when: str, name: str) -> float | None:
    """Give a number read before or after, None where there was none."""
    reading = (row.get(when) or {}).get(name) or {}
    return finite_float(reading.get("value")) if reading.get("status") == "ok" else None


def column(row: Row, name: str) -> list[Any]:
    """Give a sampled column, as long as the column of seconds."""
    samples = row.get("samples") or {}
    found = samples.get(name)
    return list(found) if isinstance(found, Sequence) else [None] * len(samples.get("seconds") or ())


def in_window(row: Row, name: str) -> list[Any]:
    """Give what was sampled of ``name`` in the timed part; what lies around it tells of an idle device and is left out."""
    seconds, length = (row.get("samples") or {}).get("seconds") or [], row.get("window_seconds")
    known = zip(seconds, column(row, name), strict=False)
    return [told for at, told in known if told is not None and length is not None and 0 <= at <= length]


def spread(row: Row, name: str) -> dict[str, float] | None:
    """Give n, min, median and max of what was sampled; None where nothing was."""
    found = [number for told in in_window(row, name) if (number := finite_float(told)) is not None]
    return {"n": len(found), "min": min(found), "median": median(found), "max": max(found)} if found else None


def energy_of(row: Row) -> Energy | str:
    """Give the energy of the timed part, or why there is none."""
    if row.get("source", "none") == "none":
        return f"no telemetry: {row.get('reason', '')}"
    for name in ("energy_joules", "power_watts"):
        reading = (row.get("before") or {}).get(name) or {"status": "not supported"}
        if reading["status"] != "ok":
            return f"{name}: {reading['status']}"
    length, seconds = row.get("window_seconds"), (row.get("samples") or {}).get("seconds") or []
    if length is None:
        return "nothing was timed"
    numbers = ([finite_float(told) for told in column(row, name)] for name in ("energy_joules", "power_watts"))
    return energy([sample for sample in zip(seconds, *numbers, strict=False) if 0 <= sample[0] <= length])


def marks(row: Row) -> tuple[str, ...]:
    """Mark what a reader of this device's numbers should know; details stand in brackets at the end."""
    if row.get("source", "none") == "none":
        return ()
    return (*throttled(row), *clocks(row), *shared(row), *grown(row), *links(row), *lost(row))


def throttled(row: Row) -> Iterator[str]:
    """Tell each reason for throttling with its share of the samples; of the whole case where none fell into the timed part."""
    timed = in_window(row, "throttle")
    told = timed or [names for names in column(row, "throttle") if names is not None]
    of = f"{len(told)} samples" if timed else f"{len(told)} samples of the whole case"
    for reason in dict.fromkeys(reason for names in told for reason in names):
        share = sum(reason in names for names in told) / len(told)
        if reason not in NO_THROTTLE:
            yield f"throttled: {reason} [{share:.0%} of {of}]"
        elif reason == "applications clocks setting":
            yield f"clock state: held by applications clocks [{share:.0%} of {of}]"


def clocks(row: Row) -> Iterator[str]:
    """Tell a clock below its maximum, and one that moved: it is not locked."""
    found, most = spread(row, "sm_clock_mhz"), value(row, "before", "sm_clock_max_mhz")
    if found is None:
        return
    if most and found["median"] < FULL_CLOCK * most:
        yield f"clock state: below its maximum [{found['median']:.0f} of {most:.0f} MHz, {found['median'] / most:.0%}]"
    if found["max"] - found["min"] > STEADY * found["median"]:
        yield f"clock state: not steady, so not locked [{found['min']:.0f}..{found['max']:.0f} MHz]"


def shared(row: Row) -> Iterator[str]:
    """Tell who else was on the device."""
    for process in row.get("foreign") or ():
        yield f"shared with {process.get('name') or 'unknown'} (pid {process.get('pid')})"


def grown(row: Row) -> Iterator[str]:
    """Tell error counters that grew, and those that cannot be compared because they were reset."""
    for name, words in ERRORS.items():
        before, after = value(row, "before", name), value(row, "after", name)
        if before is None or after is None or before == after:
            continue
        yield (
            f"{words} grew [by {after - before:.0f}]"
            if after > before
            else f"counter of {words} went backwards [{before:.0f} to {after:.0f}]"
        )
    energies = [number for told in column(row, "energy_joules") if (number := finite_float(told)) is not None]
    if any(later < earlier for earlier, later in pairwise(energies)):
        yield "energy counter went backwards"
    for name, words in (("remap_pending", "remapped rows wait for a reset"), ("remap_failed", "a row could not be remapped")):
        if value(row, "after", name):
            yield words


def links(row: Row) -> Iterator[str]:
    """Tell a link that is narrower or slower than device and slot can; the generation is the best seen, since it drops in idleness."""
    for name, words in (("pcie_width", "PCIe narrower than its maximum"), ("pcie_generation", "PCIe slower than its maximum")):
        seen = [value(row, "before", name), value(row, "after", name), *map(finite_float, column(row, name))]
        best, most = max((told for told in seen if told is not None), default=None), value(row, "before", f"{name}_max")
        if best is not None and most is not None and best < most:
            yield f"{words} [{'x' if name == 'pcie_width' else 'generation '}{best:.0f} of {most:.0f}]"
    links, active = (value(row, "after", name) for name in ("nvlink_links", "nvlink_active"))
    if links and active and active < links:
        yield f"NVLink: not every link is up [{active:.0f} of {links:.0f}]"


def lost(row: Row) -> Iterator[str]:
    """Tell readings that were there before the case and not after it."""
    if row.get("lost"):
        yield f"telemetry lost in mid-case [{row['lost']}]"
    before, after = row.get("before") or {}, row.get("after") or {}
    gone: dict[str, list[str]] = {}
    for name, reading in before.items():
        now = after.get(name) or {"status": "failed"}
        if reading.get("status") == "ok" and now["status"] != "ok":
            gone.setdefault(now["status"], []).append(name)
    for status, names in gone.items():
        yield f"telemetry lost in mid-case: {status} [{', '.join(names)}]"


def rows(measurement: Measurement) -> list[Row]:
    """Give each rank's telemetry; one whose file was damaged is told as none."""
    return [
        row if readable(row) else {"source": "none", "reason": "what was written down of it cannot be read"}
        for row in measurement.telemetry
    ]


def readable(row: object) -> bool:
    """Tell whether one rank's telemetry has the shape that was written."""
    if not isinstance(row, Mapping):
        return False
    parts = [row.get(name) or {} for name in ("device", "before", "after", "samples")]
    if not all(isinstance(part, Mapping) for part in parts):
        return False
    _, before, after, samples = parts
    told = all(isinstance(reading, Mapping) and isinstance(reading.get("status"), str) for reading in (*before.values(), *after.values()))
    columns = all(isinstance(samples[name], list) for name in samples if name != "lost")
    timed = all(finite_float(at) is not None for at in samples.get("seconds") or ())
    reasons = all(names is None or isinstance(names, list) for names in samples.get("throttle") or ())
    length, others = row.get("window_seconds"), row.get("foreign") or []
    whole = isinstance(others, list) and all(isinstance(process, Mapping) for process in others)
    return told and columns and timed and reasons and whole and (length is None or finite_float(length) is not None)


def marks_of(measurement: Measurement, subject: str) -> tuple[str, ...]:
    """Give the marks on a subject's numbers: of its own device, or of all for the cluster, each named."""
    found = enumerate(rows(measurement))
    if subject == "cluster":
        told = [f"device{rank}: {mark}" for rank, row in found for mark in marks(row)]
    else:
        told = [mark for rank, row in found if subject == f"device{rank}" for mark in marks(row)]
    known = [flag for flag in measurement.flags if flag.startswith("shared with ")]
    return tuple(mark for mark in dict.fromkeys(told) if not any(already(mark, flag) for flag in known))


def already(mark: str, flag: str) -> bool:
    """Tell whether a flag of the whole run names the process that a mark is about: ``NAME (pid N, ...`` and ``NAME (pid N)``."""
    return "shared with " in mark and mark.split("shared with ", 1)[1].removesuffix(")") + "," in flag


def summary(measurement: Measurement) -> list[dict[str, Any]]:
    """Give what a document shows of each rank: no raw samples."""
    return [row_summary(rank, row) for rank, row in enumerate(rows(measurement))]


def row_summary(rank: int, row: Row) -> dict[str, Any]:
    """Give one rank's part of a document."""
    if row.get("source", "none") == "none":
        return {"rank": rank, "source": "none", "reason": str(row.get("reason", ""))}
    found = energy_of(row)
    return {
        "rank": rank,
        "source": str(row["source"]),
        "device": dict(row.get("device") or {}),
        "period_seconds": row.get("period_seconds"),
        "sampled": {name: told for name in NUMBERS if (told := spread(row, name)) is not None},
        "before": dict(row.get("before") or {}),
        "after": dict(row.get("after") or {}),
        "foreign": list(row.get("foreign") or ()),
        "marks": list(marks(row)),
        "energy": asdict(found) if isinstance(found, Energy) else None,
        "no_energy": found if isinstance(found, str) else "",
    }
