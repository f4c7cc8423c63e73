"""From a foreign file to an ordinary run in a store, whole or not at all."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

from assay.harness.case import Case
from assay.harness.errors import RefusalError, StoreError
from assay.harness.rundir import LineWriter, RunDir, dumps
from assay.results.exchange import google_benchmark, nccl_tests, nvbench, osu, pytest_benchmark, superbench
from assay.results.exchange.foreign import Foreign
from assay.results.judge import judge
from assay.results.side import optional
from assay.results.store import Store

READERS: Mapping[str, ModuleType] = {
    module.TOOL: module for module in (nccl_tests, osu, nvbench, google_benchmark, pytest_benchmark, superbench)
}
# An imported run is judged by truth and coverage; nobody knows the limits of a machine that only a file tells of.
RULES = {
    "answer": {"kind": "correct"},
    "coverage": {"kind": "coverage", "share": 1.0},
    "plausible": {"kind": "plausible", "stated": 1.05, "measured": 1.5},
    "relative": {"kind": "relative", "min_effect": 0.03, "min_seconds": 1e-6},
}


def read_file(path: Path, *, tool: str | None = None) -> Foreign:
    """Read a foreign file; its tool is told by its content where nobody names it.

    RefusalError for a file that cannot be read, that no tool or several could have written, or that is cut off or of another version.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        message = f"cannot be read: {error}"
        raise RefusalError(message, value=str(path), where="FILE", fix="Give a text file.") from error
    name = tool or guess(text, path)
    module = READERS[name]
    try:
        found: Foreign = module.read(text, folder=path.parent) if module is nvbench else module.read(text)
    except RefusalError as error:
        error.where = f"{path}, {error.where}"
        raise
    unique = {measurement.case.key for measurement in (one.measurement(name) for one in found.cases)}
    if len(unique) < len(found.cases):
        message = f"{len(found.cases) - len(unique)} of {len(found.cases)} cases have the name of another one"
        raise RefusalError(message, where=str(path), fix="Give one file for each repetition of a test: a run holds every case once.")
    return found


def check(paths: Sequence[Path], store: Store, *, tool: str | None = None) -> None:
    """Refuse files before any becomes a run: one that cannot be read, and one whose bytes are a run already.

    The run is the unit of every comparison, so the same file twice would be two measurements that were one.
    """
    known = imported_files(store)
    for path in paths:
        read_file(path, tool=tool)
        sha = hashlib.sha256(path.read_bytes()).hexdigest()
        if sha in known:
            message = f"is {known[sha]} already, and the same file is no second measurement"
            raise RefusalError(message, value=str(path), where="FILE", fix="Use that run, or take it out of the store first.")
        known[sha] = f"the file {path.name}"


def imported_files(store: Store) -> dict[str, str]:
    """Give the hash of every file that became a run of this store, and which run."""
    found = {}
    for name in store.ids():
        source = optional(RunDir(store.root / name), "run.json").get("imported")
        if isinstance(source, Mapping):
            found[str(source.get("sha256"))] = f"run {name}"
    return found


def guess(text: str, path: Path) -> str:
    """Tell by content which tool wrote a file; RefusalError where none or several fit."""
    fits = [name for name, module in READERS.items() if module.looks_like(text)]
    if len(fits) == 1:
        return fits[0]
    message = f"could be of {' or '.join(fits)}" if fits else "is of no tool that is known"
    raise RefusalError(message, value=str(path), where="FILE", fix=f"Say --format; known: {', '.join(READERS)}.")


def bring_in(path: Path, store: Store, *, tool: str | None = None, host: str = "", date: datetime | None = None) -> RunDir:
    """Make a run of a foreign file; it is listed, shown and compared like any other, and marked as imported."""
    found = read_file(path, tool=tool)
    moment = date or dated(found.started) or datetime.fromtimestamp(path.stat().st_mtime, UTC)
    run = store.create(moment)
    try:
        write_run(run, found, path, moment, host=host or found.host)
    except BaseException:
        shutil.rmtree(run.path, ignore_errors=True)
        raise
    return run


def write_run(run: RunDir, found: Foreign, path: Path, moment: datetime, *, host: str) -> None:
    """Write every file of an imported run."""
    import yaml

    measurements = [one.measurement(found.tool) for one in found.cases]
    cases = [measurement.case for measurement in measurements]
    stamp = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    facts = {"imported": found.tool, "tool_version": found.version, **found.facts}
    hashed = {name: digest({key: facts.get(key) for key in keys}) for name, keys in CLASSES.items()}
    run.write_json("plan.json", plan_of(cases, found))
    run.write_json("facts.json", facts)
    (run.path / "config.yaml").write_text(yaml.safe_dump({"site": {}, "launch": {}, "rules": RULES, "hardware": {}}), encoding="utf-8")
    writer = LineWriter(run.path / "measurements" / "000-ranks.jsonl", {"run": run.id, "ranks": []})
    for measurement in measurements:
        writer.measurement(measurement)
    writer.close()
    source = {"file": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "tool": found.tool, "version": found.version}
    described = {
        "id": run.id,
        "schema": 1,
        "status": "finished",
        "started": stamp,
        "ended": stamp,
        "plan": f"import:{found.tool}",
        "session": run.id,
        "order": 0,
        "command": ["assay", "import", path.name, "--format", found.tool],
        "assay": "",
        "nranks": max((case.nranks for case in cases), default=1),
        "exit_code": None,
        "summary": None,
        "attached": False,
        "inject": False,
        **hashed,
        "host": host,
        "pid": 0,
        "imported": source | {"notes": list(found.notes)},
    }
    run.write_json("run.json", described)
    judgement = judge(run, config={"rules": RULES, "hardware": {}}, troubles=found.notes)
    run.write_json("run.json", described | {"exit_code": judgement.exit_code, "summary": judgement.summary()})


# What tells machines, and what tells software apart, in the facts that tools write.
CLASSES = {
    "hw_class": ("devices", "cpu_model", "num_cpus", "mhz_per_cpu"),
    "sw_class": ("imported", "tool_version", "nccl", "python", "build"),
}


def digest(facts: Mapping[str, Any]) -> str:
    """Hash some facts; imported runs are comparable where these are equal."""
    return hashlib.sha256(dumps(dict(facts)).encode()).hexdigest()[:12]


def plan_of(cases: Sequence[Case], found: Foreign) -> dict[str, Any]:
    """Give the plan of an imported run: exactly what the file holds."""
    nranks = max((case.nranks for case in cases), default=1)
    rows = [case.as_dict() for case in cases]
    return {"schema": 1, "name": f"import:{found.tool}", "nranks": nranks, "cases": rows, "left_out": [], "notes": list(found.notes)}


def dated(text: str) -> datetime | None:
    """Read a date as tools write it; None for anything else."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def date_of(text: str) -> datetime:
    """Read a date that a user gave; RefusalError for anything else."""
    found = dated(text)
    if found is None:
        message = "is no date"
        raise RefusalError(message, value=text, where="--date", fix="Write it like 2026-11-26 or 2026-11-26T14:00:00+00:00.")
    return found


__all__ = ["READERS", "StoreError", "bring_in", "date_of", "guess", "read_file"]
