"""The one JSON object of a run (``assay show --json``); its schema is ``schema/show.v1.json``."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from assay.harness.errors import StoreError
from assay.harness.rundir import RunDir
from assay.results.coverage import cover
from assay.results.judge import Judgement, view
from assay.results.store import Store

SCHEMA = "assay.show/1"


def document(rundir: RunDir) -> dict[str, Any]:
    """Make the document; an incomplete run gives what is readable of it, judged on the fly.

    Verdicts of a finished run are those on disk, so that showing a run never changes what was thought of it.
    """
    from assay.harness.door.compose import load_yaml

    return made(rundir, view(rundir, config=load_yaml(rundir.path / "config.yaml")))


def made(rundir: RunDir, judgement: Judgement) -> dict[str, Any]:
    """Assemble the document from a judged run."""
    try:
        stored = rundir.read_json("verdicts.json")
    except StoreError:
        stored = judgement.as_dict()
    info = Store(rundir.path.parent).info(rundir.id)
    plan = rundir.read_json("plan.json")
    return {
        "schema": SCHEMA,
        "run": {**judgement.run, "status": info.status, "path": str(rundir.path), "facts": rundir.read_json("facts.json")},
        "cases": cases(plan, judgement),
        "records": [record.as_dict() for record in judgement.records],
        "coverage": cover(plan, judgement.measurements).as_dict(),
        "verdicts": stored["verdicts"],
        "comparison": stored["comparison"],
        "problems": list(judgement.problems),
    }


def cases(plan: dict[str, Any], judgement: Judgement) -> list[dict[str, Any]]:
    """List every planned case with what came of it; one without a measurement is ``missing``."""
    done = {m.case.key: m for m in judgement.measurements}
    rows = []
    for case in plan["cases"]:
        found = done.get(case["key"])
        row: dict[str, Any] = {"key": case["key"], "suite": case["suite"], "params": case["params"], "status": "missing", "reason": "nothing was written down"}
        if found is not None:
            row |= {"status": found.status, "reason": found.reason, "scope": found.scope, "seconds": found.seconds}
            row |= {"checked": asdict(found.checked), "fault": None if found.fault is None else asdict(found.fault)}
            row |= {"timer": dict(found.timer), "notes": dict(found.notes), "flags": list(found.flags)}
            row |= {"repetitions": len(found.samples.rows[0]) if found.samples.rows else 0}
        rows.append(row)
    return rows
