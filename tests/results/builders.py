"""Cases, measurements and run directories made by hand, as the measuring half would leave them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from assay.harness.case import Case
from assay.harness.measurement import Checked, Measurement, Samples
from assay.harness.rundir import LineWriter, RunDir
from assay.harness.work import Volume
from assay.results.record import Record

ROOT = Path(__file__).parents[2]
RIGHT = Checked(ok=True, checks=2, tested=64, scores={"row": 1e-4}, limits={"row": 1e-3})
GEMM = Volume(flops=2e9, memory_nbytes=4_000_000, resource="matrix_fp32")
FACTS = {"cpu_model": "Toy 1", "cores": 2, "memory_gib": 8, "devices": [], "kernel": "6.1", "python": "3.11", "packages": {}, "mpi": "none"}
MEASURED = {"name": "measured", "limits": {}}


def rules(**changes: Any) -> dict[str, Any]:
    """Give the shipped rules with some replaced (None takes one away)."""
    shipped = yaml.safe_load((ROOT / "conf" / "rules" / "default.yaml").read_text(encoding="utf-8"))
    return {name: rule for name, rule in (shipped | changes).items() if rule is not None}


def bare_rules(**more: Any) -> dict[str, Any]:
    """Give the rules that must be there, and some more."""
    return {name: rule for name, rule in rules().items() if rule["kind"] != "floor"} | more


def case(suite: str = "gemm", nranks: int = 1, **params: Any) -> Case:
    """Make a case; its device is a CPU."""
    return Case(suite, f"assay.suites.{suite}:{suite}", params, nranks=nranks, layout=f"1x{nranks}")


def measured(
    of: Case, *rows: Sequence[float], volume: Volume = GEMM, scope: str = "device", checked: Checked = RIGHT, **more: Any
) -> Measurement:
    """Make a measurement with a right answer; rows are seconds, one sequence a rank."""
    return Measurement(of, "measured", scope=scope, volume=volume, samples=Samples(tuple(map(tuple, rows))), checked=checked, **more)


def wrong(of: Case, **more: Any) -> Measurement:
    """Make a measurement with a wrong answer and (as if somebody forgot) with times."""
    checked = Checked(
        ok=False, checks=1, tested=64, rank=1, reason="row 17 is off", where="row 17, column 3", scores={"row": 0.5}, limits={"row": 1e-3}
    )
    return replace(measured(of, [1.0] * 10, checked=checked), status="wrong", **more)


def message(nbytes: int, factor: float | None, wire: int | None = None) -> Volume:
    """Make the volume of a collective."""
    return Volume(message_nbytes=nbytes, wire_nbytes=nbytes if wire is None else wire, bus_factor=factor)


def calibration(resource: str, *rows: Sequence[float], volume: Volume) -> Measurement:
    """Make one calibration case."""
    return measured(case("calibrate", nranks=max(len(rows), 1), resource=resource), *rows, volume=volume)


def plan_of(cases: Sequence[Case], left_out: Sequence[tuple[Case, str]] = ()) -> dict[str, Any]:
    """Make the JSON of a plan."""
    left = [{"case": one.as_dict(), "reason": reason} for one, reason in left_out]
    nranks = cases[0].nranks if cases else 1
    return {"schema": 1, "name": "toy", "nranks": nranks, "cases": [one.as_dict() for one in cases], "left_out": left, "notes": []}


def write_run(
    path: Path,
    measurements: Sequence[Measurement] = (),
    *,
    planned: Sequence[Case] | None = None,
    left_out: Sequence[tuple[Case, str]] = (),
    facts: Mapping[str, Any] = FACTS,
    **described: Any,
) -> RunDir:
    """Write a run directory; without ``planned`` exactly what was measured was planned."""
    path.mkdir(parents=True, exist_ok=True)
    run = RunDir(path)
    plain = {
        "id": path.name,
        "schema": 1,
        "status": "finished",
        "started": "2026-11-24T00:00:00.000+00:00",
        "ended": "2026-11-24T00:01:00.000+00:00",
        "plan": "toy",
        "session": path.name,
        "order": 0,
        "command": ["assay", "run"],
        "assay": "0.1.0",
        "nranks": 1,
        "exit_code": 0,
        "summary": None,
        "hw_class": "hw1",
        "sw_class": "sw1",
        "host": "toy",
        "pid": 1,
        "attached": False,
        "inject": False,
    }
    run.write_json("run.json", plain | described)
    run.write_json("facts.json", dict(facts))
    run.write_json("plan.json", plan_of([m.case for m in measurements] if planned is None else planned, left_out))
    (path / "config.yaml").write_text(yaml.safe_dump({"rules": bare_rules(), "hardware": MEASURED}), encoding="utf-8")
    writer = LineWriter(path / "measurements" / "000-ranks.jsonl", {"run": path.name})
    for measurement in measurements:
        writer.measurement(measurement)
    writer.close()
    return run


def time_record(value: float, *, run: str, key: str = "gemm/1/cpu/barrier/m=64/1x1", subject: str = "device0", **more: Any) -> Record:
    """Make a record of seconds."""
    return Record(
        run=run, key=key, suite="gemm", subject=subject, metric="time", **({"value": value, "unit": "s", "better": "lower"} | more)
    )


def write_records(path: Path, records: Sequence[Record], **described: Any) -> RunDir:
    """Write a run that has its records already."""
    run = write_run(path, **described)
    (path / "records.jsonl").write_text("".join(json.dumps(record.as_dict()) + "\n" for record in records), encoding="utf-8")
    return run
