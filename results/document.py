"""One run as one JSON object: what ``assay show --json`` prints (``schema/show.v1.json``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from assay.harness.errors import RefusalError, StoreError
from assay.harness.measurement import Measurement
from assay.harness.rundir import RunDir, finite
from assay.results.judge import Judgement, view
from assay.results.runinfo import read_info
from assay.results.telemetry import summary

SCHEMA = "assay.show/1"
# What a run without a readable configuration is judged by: truth and coverage, no floors.
BARE_RULES = {
    "answer": {"kind": "correct"},
    "coverage": {"kind": "coverage", "share": 1.0},
    "plausible": {"kind": "plausible", "stated": 1.05, "measured": 1.2},
    "relative": {"kind": "relative", "min_effect": 0.03, "min_seconds": 1e-6},
}


def document(rundir: RunDir) -> dict[str, Any]:
    """Give the ``show --json`` object of any run, ended or not; nothing is written, and what cannot be read is a problem in words."""
    judgement = judged(rundir)
    data = {
        "schema": SCHEMA,
        "run": dict(judgement.described) | {"id": rundir.id, "status": read_info(rundir.path).status},
        "ranks": rundir.ranks(),
        "cases": [case_row(case, judgement) for case in judgement.cases],
        "records": [record.as_dict() for record in judgement.records],
        "coverage": judgement.coverage.as_dict(),
        "verdicts": [verdict.as_dict() for verdict in judgement.verdicts],
        "comparison": None if judgement.comparison is None else judgement.comparison.as_dict(),
        "problems": list(judgement.problems),
        "exit_code": judgement.exit_code,
    }
    plain = finite(data)
    assert isinstance(plain, dict)  # noqa: S101 - a mapping stays one
    return plain


def judged(rundir: RunDir) -> Judgement:
    """View a run by its own configuration; without one, or with rules that this version refuses, by truth and coverage alone."""
    config, problem = read_config(rundir)
    if not problem:
        try:
            return view(rundir, config=config)
        except RefusalError as error:
            problem = f"config.yaml holds rules or limits that cannot be used, so only truth and coverage are judged: {error}"
    judgement = view(rundir, config={"rules": BARE_RULES, "hardware": {}})
    return replace(judgement, problems=(*judgement.problems, problem))


def read_config(rundir: RunDir) -> tuple[Mapping[str, Any], str]:
    """Read ``config.yaml`` as plain data (no tags, no interpolation); gives (configuration, problem)."""
    try:
        return rundir.config(), ""
    except (StoreError, RecursionError) as error:
        return {}, f"config.yaml cannot be read, so only truth and coverage are judged: {str(error).splitlines()[0]}"


def case_row(case: Mapping[str, Any], judgement: Judgement) -> dict[str, Any]:
    """Give one planned case with what came of it, raw samples left out."""
    standing = next(row for row in judgement.coverage.rows if row.key == case["key"])
    row = {name: case.get(name) for name in ("key", "suite", "params", "version", "nranks", "layout", "align", "device", "inject")}
    return row | {"status": standing.status, "reason": standing.reason} | measured_part(judgement.measurements.get(case["key"]))


def measured_part(measurement: Measurement | None) -> dict[str, Any]:
    """Give what a measurement says besides its samples; empty parts where there is none."""
    if measurement is None:
        return {
            "scope": None,
            "seconds": None,
            "fault": None,
            "checked": None,
            "flags": [],
            "notes": {},
            "timer": {},
            "volume": None,
            "telemetry": [],
        }
    return {
        "scope": measurement.scope,
        "seconds": measurement.seconds,
        "fault": None if measurement.fault is None else asdict(measurement.fault),
        "checked": asdict(measurement.checked),
        "flags": list(measurement.flags),
        "notes": dict(measurement.notes),
        "timer": dict(measurement.timer),
        "volume": asdict(measurement.volume),
        "telemetry": summary(measurement),
    }
