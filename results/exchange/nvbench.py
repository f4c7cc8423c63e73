"""NVBench's JSON (``--json``, ``--jsonbin``): cold GPU times; samples lie in a file beside it and are read where it is there."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assay.harness.work import Volume
from assay.results.exchange.foreign import Foreign, Found, listing, load_json, mapping, number_of, positive, refuse

TOOL = "nvbench"
MEAN, SAMPLES = "nv/cold/time/gpu/mean", "nv/json/bin:nv/cold/sample_times"
BYTES = ("nv/gmem/reads/0", "nv/gmem/writes/0")


def looks_like(text: str) -> bool:
    """Tell whether a file is of this tool."""
    return text.lstrip().startswith("{") and '"states"' in text and "nv/" in text


def read(text: str, *, folder: Path | None = None) -> Foreign:
    """Read a file; ``folder`` is where files of samples are looked for. RefusalError names the state that cannot be right."""
    data = mapping(load_json(text, tool=TOOL), where="the file")
    meta = mapping(data.get("meta") or {}, where="meta")
    version = mapping((meta.get("version") or {}).get("json") or {}, where="meta.version.json")
    if version and version.get("major") != 1:
        message = "is a version of NVBench's JSON that is not known"
        raise refuse(message, value=version.get("string"), where="meta.version.json", fix="Known is 1.")
    devices = {int(one.get("id", i)): str(one.get("name", "")) for i, one in enumerate(data.get("devices") or [])}
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
    params = {str(axis["name"]): axis_value(axis) for axis in state.get("axis_values") or []}
    params |= {"device": devices.get(int(state.get("device") or 0), "")}
    if state.get("is_skipped"):
        return Found(f"nvbench.{bench}", params, error=str(state.get("skip_reason") or "skipped")), ""
    summaries = {str(one.get("tag")): fields(one) for one in state.get("summaries") or []}
    if MEAN not in summaries:
        message = f"has no {MEAN} (a machine whose clock stays under NVBench's threshold gives empty results)"
        raise refuse(message, where=where, fix="Measure again with --throttle-threshold 0, or leave the state out.")
    mean = positive(summaries[MEAN].get("value"), where=f"{where} {MEAN}")
    seconds, note = samples(summaries, folder, where)
    moved = sum(number_of(summaries[tag].get("value", 0), where=where) for tag in BYTES if tag in summaries)
    volume = Volume(memory_nbytes=round(moved))
    notes = {"timer": "nvbench cold: L2 flushed, one kernel a sample"}
    return Found(f"nvbench.{bench}", params, seconds or (mean,), aggregate=not seconds, volume=volume, notes=notes), note


def axis_value(axis: Mapping[str, Any]) -> Any:
    """Give an axis' value in its own type."""
    value = axis.get("value")
    return int(value) if axis.get("type") == "int64" and value is not None else str(value)


def fields(summary: Mapping[str, Any]) -> dict[str, Any]:
    """Give a summary's data by name."""
    return {str(one.get("name")): one.get("value") for one in summary.get("data") or []}


def samples(summaries: Mapping[str, Mapping[str, Any]], folder: Path | None, where: str) -> tuple[list[float], str]:
    """Read the file of samples (little-endian float32, seconds), inside ``folder`` only; gives (seconds, note why there are none)."""
    meta = summaries.get(SAMPLES)
    if meta is None or folder is None:
        return [], ""
    name, count = str(meta.get("filename", "")), int(number_of(meta.get("size", 0), where=where))
    path = (folder / name).resolve()
    if Path(name).is_absolute() or not path.is_relative_to(folder.resolve()) or not path.is_file():
        return [], f"{where}: its samples are not beside the file ({name}), so only the mean is kept"
    raw = path.read_bytes()
    if len(raw) != 4 * count:
        message = f"the file of samples has {len(raw)} bytes, {count} samples need {4 * count}"
        raise refuse(message, value=name, where=where)
    return [positive(value, where=f"{where} {name}") for value in struct.unpack(f"<{count}f", raw)], ""
