"""google-benchmark's JSON (``--benchmark_out_format=json``, schema 1): repetitions are runs of one case, aggregates are left to us."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assay.harness.work import Volume
from assay.results.exchange.foreign import Foreign, Found, listing, load_json, mapping, number_of, positive, refuse

TOOL = "google-benchmark"
# Aggregates of versions before 1.5, which had no run_type: their names end so.
AGGREGATES = ("_mean", "_median", "_stddev", "_cv", "_BigO", "_RMS")
# A rate is per second of CPU unless the benchmark asked for another clock, which its name tells (benchmark_runner.cc, UseRealTime).
WALL = {"real_time", "manual_time"}
UNITS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}


def looks_like(text: str) -> bool:
    """Tell whether a file is of this tool."""
    return text.lstrip().startswith("{") and '"benchmarks"' in text and '"time_unit"' in text


def read(text: str) -> Foreign:
    """Read a file; RefusalError names the benchmark and field that cannot be right."""
    data = mapping(load_json(text, tool=TOOL), where="the file")
    context = mapping(data.get("context") or {}, where="context")
    if context.get("json_schema_version", 1) != 1:
        message = "is a schema of google-benchmark that is not known"
        raise refuse(message, value=context.get("json_schema_version"), where="context.json_schema_version", fix="Known is 1.")
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for number, one in enumerate(listing(data, "benchmarks", where="the file")):
        row = mapping(one, where=f"benchmarks[{number}]")
        if iteration(row):
            groups.setdefault(str(row.get("run_name") or row.get("name") or number), []).append(row)
    if not groups:
        message = "holds no iterations (only aggregates?)"
        raise refuse(message, where="benchmarks", fix="Run without --benchmark_report_aggregates_only.")
    cases = [case(name, rows) for name, rows in groups.items()]
    facts = {"num_cpus": context.get("num_cpus"), "mhz_per_cpu": context.get("mhz_per_cpu"), "build": context.get("library_build_type")}
    host, version = str(context.get("host_name", "")), str(context.get("library_version", ""))
    return Foreign(TOOL, cases, version=version, host=host, started=str(context.get("date", "")), facts=facts)


def iteration(row: Mapping[str, Any]) -> bool:
    """Tell a repetition from an aggregate over repetitions, whose figures may be no times at all."""
    if "run_type" in row:
        return bool(row["run_type"] == "iteration")
    return not str(row.get("name", "")).endswith(AGGREGATES)


def duration(row: Mapping[str, Any], field: str, *, where: str) -> float:
    """Read one time of a repetition in seconds."""
    unit = row.get("time_unit", "ns")
    if not isinstance(unit, str) or unit not in UNITS:
        message = "is no unit of time"
        raise refuse(message, value=unit, where=f"{where}.time_unit", fix=f"Known: {', '.join(UNITS)}.")
    return positive(row.get(field), where=f"{where}.{field}") * UNITS[unit]


def moved(name: str, row: Mapping[str, Any]) -> float:
    """Give the bytes of one step: the rate that was told, times the clock that it was told by."""
    if row.get("bytes_per_second") is None:
        return 0.0
    clock = "real_time" if WALL & set(name.split("/")) else "cpu_time"
    return number_of(row["bytes_per_second"], where=f"{name}.bytes_per_second") * duration(row, clock, where=name)


def case(name: str, rows: list[Mapping[str, Any]]) -> Found:
    """Make one case of all repetitions of one benchmark; each is a mean over its iterations."""
    base, *params = name.split("/")
    named = {f"arg{i}": value for i, value in enumerate(params)}
    error = next((str(row.get("error_message") or "the benchmark reported an error") for row in rows if row.get("error_occurred")), "")
    if error:
        return Found(f"google_benchmark.{base}", named, error=error)
    skipped = next((str(row.get("skip_message") or "skipped") for row in rows if row.get("skipped")), "")
    if skipped:
        return Found(f"google_benchmark.{base}", named, skipped=skipped)
    seconds = [duration(row, "real_time", where=name) for row in rows]
    volume = Volume(memory_nbytes=round(moved(name, rows[0])))
    iterations = {"repetition": f"mean over {rows[0].get('iterations', '?')} iterations"}
    return Found(f"google_benchmark.{base}", named, seconds, aggregate=len(rows) == 1, volume=volume, notes=iterations)
