"""Telemetry of a run for people: one line a device, with number of samples and spread; or why there is none."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from assay.harness.measurement import Measurement
from assay.results.energy import Energy
from assay.results.record import finite_float
from assay.results.telemetry import NUMBERS, Row, energy_of, in_window, rows, value
from assay.results.units import percent

BOLD = "1"
SHOWN = {"power_watts": "W", "temperature_celsius": "C", "sm_clock_mhz": "MHz"}
MOST = 16


def telemetry_lines(measurements: Sequence[Measurement]) -> list[tuple[str, str]]:
    """Write the section; nothing for runs of before there was telemetry."""
    measured = [measurement for measurement in measurements if measurement.telemetry]
    if not measured:
        return []
    devices: dict[int, list[Row]] = {}
    for measurement in measured:
        for rank, row in enumerate(rows(measurement)):
            devices.setdefault(rank, []).append(row)
    reasons = {str(row.get("reason", "")) for told in devices.values() for row in told if row.get("source", "none") == "none"}
    known = {rank: [row for row in told if row.get("source", "none") != "none"] for rank, told in devices.items()}
    known = {rank: told for rank, told in known.items() if told}
    lines = [("", "")] + ([(f"telemetry: none ({'; '.join(sorted(reasons))})", "")] if reasons else [])
    if known:
        lines.append(("telemetry (median, min..max over samples in the timed parts)", BOLD))
    for rank, told in list(known.items())[:MOST]:
        lines += [(f"  device{rank}: {text}", "") for text in device_lines(told)]
    return [*lines, (f"  ... and {len(known) - MOST} devices more (--json)", "")] if len(known) > MOST else lines


def device_lines(told: Sequence[Row]) -> list[str]:
    """Write one device: what was sampled over all cases, energy of those cases in which it can be believed."""
    parts = []
    for name in NUMBERS:
        found = [known for row in told for number in in_window(row, name) if (known := finite_float(number)) is not None]
        if not found:
            status = ((told[0].get("before") or {}).get(name) or {"status": "not supported"})["status"]
            status = "not sampled: the timed parts are too short" if status == "ok" else status
            parts.append(f"{name.rsplit('_', 1)[0].replace('_', ' ')} {status}")
            continue
        shown = f"{median(found):.0f} {SHOWN[name]} ({min(found):.0f}..{max(found):.0f}, n={len(found)})"
        most = value(told[0], "before", "sm_clock_max_mhz") if name == "sm_clock_mhz" else None
        parts.append(shown + (f" = {percent(median(found) / most)} of its maximum" if most else ""))
    energies = [energy_of(row) for row in told]
    believed = [found for found in energies if isinstance(found, Energy)]
    if believed:
        total, seconds = sum(found.joules for found in believed), sum(found.seconds for found in believed)
        parts.append(f"{total:.0f} J in {seconds:.1f} s of {len(believed)} of {len(told)} cases")
    else:
        parts.append("no joules: " + "; ".join(dict.fromkeys(str(found) for found in energies)))
    note = (told[0].get("device") or {}).get("note")
    return [", ".join(parts), *([str(note)] if note else [])]
