"""NVBench's JSON (``--json``, ``--jsonbin``): cold GPU times; samples lie in a file beside it and are read where it is there."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assay.harness.work import Volume
from assay.results.exchange.foreign import (
    Foreign,
    Found,
    listing,
    load_json,
    mapping,
    number_of,
    optional_list,
    positive,
    refuse,
    whole_number,
)

TOOL = "nvbench"
MEAN, SAMPLES = "nv/cold/time/gpu/mean", "nv/json/bin:nv/cold/sample_times"
# Followed by the name of the buffer (state.cxx, add_global_memory_reads); a buffer without a name has no summary.
BYTES = ("nv/gmem/reads/", "nv/gmem/writes/")


def looks_like(text: str) -> bool:
    """Tell whether a file is of this tool."""
    return text.lstrip().startswith("{") and '"states"' in text and "nv/" in text


def read(text: str, *, folder: Path | None = None) -> Foreign:
    """Read a file; ``folder`` is where files of samples are looked for. RefusalError names the state that cannot be right."""
    data = mapping(load_json(text, tool=TOOL), where="the file")
    meta = mapping(data.get("meta") or {}, where="meta")
    version = mapping(mapping(meta.get("version") or {}, where="meta.version").get("json") or {}, where="meta.version.json")
    if version and version.get("major") != 1:
        message = "is a version of NVBench's JSON that is not known"
        raise refuse(message, value=version.get("string"), where="meta.version.json", fix="Known is 1.")
    rows = [mapping(one, where=f"devices[{i}]") for i, one in enumerate(optional_list(data, "devices", where="the file"))]
    devices = {whole_number(one.get("id", i), where=f"devices[{i}].id"): str(one.get("name", "")) for i, one in enumerate(rows)}
    cases, notes = [], []
    for bench in listing(data, "benchmarks", where="the file"):
        name = str(mapping(bench, where="benchmarks").get("name", ""))
        for state in listing(bench, "states", where=name):
            found, note = case(name, mapping(state, where=name), devices, folder)
            cases.append(found)
            notes += [note] if note else []
    if not cases:
        message = "holds no states"
        raise refuse(message, where="benchmarks")
    return Foreign(
        TOOL, cases, version=str(version.get("string", "")), facts={"devices": sorted(set(devices.values()))}, notes=tuple(notes)
    )


def case(bench: str, state: Mapping[str, Any], devices: Mapping[int, str], folder: Path | None) -> tuple[Found, str]:
    """Make one case; gives (case, note)."""
    where = f"{bench} {state.get('name', '')}"
    axes = [mapping(axis, where=f"{where} axis_values") for axis in optional_list(state, "axis_values", where=where)]
    params = {str(axis.get("name")): axis_value(axis, where=where) for axis in axes}
    params |= {"device": devices.get(whole_number(state.get("device") or 0, where=f"{where} device"), "")}
    if state.get("is_skipped"):
        return Found(f"nvbench.{bench}", params, skipped=str(state.get("skip_reason") or "skipped")), ""
    rows = [mapping(one, where=f"{where} summaries") for one in optional_list(state, "summaries", where=where)]
    summaries = {str(one.get("tag")): fields(one, where=where) for one in rows}
    if MEAN not in summaries:
        message = f"has no {MEAN} (a machine whose clock stays under NVBench's threshold gives empty results)"
        raise refuse(message, where=where, fix="Measure again with --throttle-threshold 0, or leave the state out.")
    mean = positive(summaries[MEAN].get("value"), where=f"{where} {MEAN}")
    seconds, note = samples(summaries, folder, where)
    moved = sum(number_of(found.get("value", 0), where=f"{where} {tag}") for tag, found in summaries.items() if tag.startswith(BYTES))
    volume = Volume(memory_nbytes=round(moved))
    notes = {"timer": "nvbench cold: L2 flushed, one kernel a sample"}
    return Found(f"nvbench.{bench}", params, seconds or (mean,), aggregate=not seconds, volume=volume, notes=notes), note


def axis_value(axis: Mapping[str, Any], *, where: str) -> Any:
    """Give an axis' value in its own type."""
    value = axis.get("value")
    whole = axis.get("type") == "int64" and value is not None
    return whole_number(value, where=f"{where} {axis.get('name')}") if whole else str(value)


def fields(summary: Mapping[str, Any], *, where: str) -> dict[str, Any]:
    """Give a summary's data by name."""
    rows = [mapping(one, where=f"{where} {summary.get('tag')}") for one in optional_list(summary, "data", where=where)]
    return {str(one.get("name")): one.get("value") for one in rows}


def beside(folder: Path, name: str) -> Path | None:
    """Give a file inside ``folder`` by name; None where there is none, or where the name leads elsewhere."""
    try:
        path = (folder / name).resolve()
        return path if not Path(name).is_absolute() and path.is_relative_to(folder.resolve()) and path.is_file() else None
    except (OSError, ValueError):  # a name that no file can have
        return None


def samples(summaries: Mapping[str, Mapping[str, Any]], folder: Path | None, where: str) -> tuple[list[float], str]:
    """Read the file of samples (little-endian float32, seconds), inside ``folder`` only; gives (seconds, note why there are none)."""
    meta = summaries.get(SAMPLES)
    if meta is None or folder is None:
        return [], ""
    name, count = str(meta.get("filename", "")), whole_number(meta.get("size", 0), where=f"{where} {SAMPLES}")
    path = beside(folder, name)
    if path is None:
        return [], f"{where}: its samples are not beside the file ({name}), so only the mean is kept"
    raw = path.read_bytes()
    if len(raw) != 4 * count:
        message = f"the file of samples has {len(raw)} bytes, {count} samples need {4 * count}"
        raise refuse(message, value=name, where=where)
    return [positive(value, where=f"{where} {name}") for value in struct.unpack(f"<{count}f", raw)], ""
