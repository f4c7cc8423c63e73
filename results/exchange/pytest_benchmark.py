"""pytest-benchmark's JSON, both ways: what it wrote becomes a run, and a run becomes what its ``compare`` reads."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from assay.results.exchange.foreign import Foreign, Found, listing, load_json, mapping, optional_list, positive, refuse

if TYPE_CHECKING:
    from assay.results.judge import Judgement

TOOL = "pytest-benchmark"
# What version 5 of pytest-benchmark calls itself in a file; its reader compares nothing but the fields.
VERSION = "5.0.0"


def looks_like(text: str) -> bool:
    """Tell whether a file is of this tool."""
    return text.lstrip().startswith("{") and '"machine_info"' in text and '"benchmarks"' in text


def read(text: str) -> Foreign:
    """Read a file; RefusalError names the benchmark and field that cannot be right."""
    data = mapping(load_json(text, tool=TOOL), where="the file")
    cases = []
    for number, one in enumerate(listing(data, "benchmarks", where="the file")):
        row = mapping(one, where=f"benchmarks[{number}]")
        name = str(row.get("fullname") or row.get("name") or number)
        stats = mapping(row.get("stats"), where=f"{name}.stats")
        rounds = optional_list(stats, "data", where=f"{name}.stats")
        values = rounds or [stats.get("median")]
        seconds = [positive(value, where=f"{name}.stats.{'data' if rounds else 'median'}") for value in values]
        params = {"test": name} | {
            f"param_{key}": str(value) for key, value in mapping(row.get("params") or {}, where=f"{name}.params").items()
        }
        # A test that fails after its timing is in the file like any other, so the file does not say that it passed.
        cases.append(Found("pytest", params, seconds, aggregate=not rounds))
    if not cases:
        message = "holds no benchmarks"
        raise refuse(message, where="benchmarks")
    machine = mapping(data.get("machine_info") or {}, where="machine_info")
    commit = mapping(data.get("commit_info") or {}, where="commit_info")
    facts = {
        "cpu_model": mapping(machine.get("cpu") or {}, where="machine_info.cpu").get("brand_raw", ""),
        "python": machine.get("python_version", ""),
        "git": dict(commit),
    }
    host, started = str(machine.get("node", "")), str(data.get("datetime", ""))
    return Foreign(TOOL, cases, version=str(data.get("version", "")), host=host, started=started, facts=facts)


def write(judgement: Judgement) -> dict[str, Any]:
    """Give a run in pytest-benchmark's form: seconds of every repetition, on the slowest rank; only cases that have figures."""
    timed = {record.key for record in judgement.records if record.metric == "time"}
    rows = [benchmark(case, judgement) for case in judgement.cases if case["key"] in timed]
    described = judgement.described
    return {
        "machine_info": {"node": str(described.get("host", "")), "hw_class": str(described.get("hw_class", ""))},
        "commit_info": {"id": "", "time": "", "dirty": False, "project": "assay", "branch": ""},
        "benchmarks": rows,
        "datetime": str(described.get("started", "")),
        "version": VERSION,
    }


def benchmark(case: Mapping[str, Any], judgement: Judgement) -> dict[str, Any]:
    """Give one case."""
    key = str(case["key"])
    seconds = judgement.measurements[key].samples.slowest if key in judgement.measurements else []
    params = {name: str(value) for name, value in dict(case.get("params") or {}).items()}
    options = {"disable_gc": False, "timer": "assay", "min_rounds": len(seconds), "max_time": 0.0, "min_time": 0.0, "warmup": True}
    return {
        "group": str(case.get("suite", "")),
        "name": key,
        "fullname": key,
        "params": params or None,
        "param": None,
        "extra_info": {"run": judgement.run.id},
        "options": options,
        "stats": stats(seconds),
    }


def stats(seconds: Sequence[float]) -> dict[str, Any]:
    """Give the statistics that pytest-benchmark's own reader shows (pytest_benchmark.stats.Stats)."""
    ordered = sorted(seconds)
    mean = statistics.fmean(ordered)
    quarters = statistics.quantiles(ordered, n=4, method="inclusive") if len(ordered) > 1 else [ordered[0]] * 3
    spread = statistics.stdev(ordered) if len(ordered) > 1 else 0.0
    iqr = quarters[2] - quarters[0]
    low, high = quarters[0] - 1.5 * iqr, quarters[2] + 1.5 * iqr
    far = sum(value < low or value > high for value in ordered)
    within = [value for value in ordered if low <= value <= high]
    return {
        "min": ordered[0],
        "max": ordered[-1],
        "mean": mean,
        "stddev": spread,
        "rounds": len(ordered),
        "median": statistics.median(ordered),
        "iqr": iqr,
        "q1": quarters[0],
        "q3": quarters[2],
        "iqr_outliers": far,
        "stddev_outliers": sum(abs(value - mean) > spread for value in ordered),
        "outliers": f"{sum(abs(value - mean) > spread for value in ordered)};{far}",
        "ld15iqr": within[0],
        "hd15iqr": within[-1],
        "ops": 1 / mean,
        "total": sum(ordered),
        "iterations": 1,
        "data": list(seconds),
    }
