"""The published JSON Schema of ``--json``: real documents satisfy it, broken ones do not."""

from __future__ import annotations

import copy
import json
import math
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from assay import results as package
from assay.harness.measurement import Checked, Fault, Measurement
from assay.harness.rundir import LineWriter, RunDir, finite
from assay.results.document import SCHEMA

FILE = Path(str(package.__file__)).parent / "schema" / "show.v1.json"
TINY = ("budget.seconds=0.05", "budget.warmup_seconds=0.05", "budget.min_reps=3")
CASES = ("suite=[all_reduce]", "suite.all_reduce.axes.bytes=[8,1024]", "suite.all_reduce.transport=loopback", "site.nranks=1")
Document = dict[str, Any]
PUBLISHED: Document = json.loads(FILE.read_text(encoding="utf-8"))
VALIDATOR = Draft202012Validator(PUBLISHED)


def faults(document: object) -> list[str]:
    """List what the schema has against a document."""
    return [f"{error.json_path}: {error.message}" for error in VALIDATOR.iter_errors(document)]


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Document]:
    """Make two runs with one command; the second is compared with the first. Gives the store and what was printed."""
    folder = tmp_path_factory.mktemp("session")
    argv = [sys.executable, "-m", "assay.harness.door.main", "run", *CASES, *TINY, "--runs", "2", "--json", "store.url=store"]
    inside = ("PMI_", "PMIX_", "OMPI_", "SLURM_", "ASSAY_", "TORCHELASTIC_", "WORLD_SIZE")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(inside)}
    done = subprocess.run(argv, cwd=folder, env=clean, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "store", json.loads(done.stdout)


@pytest.fixture
def altered(session: tuple[Path, Document], tmp_path: Path) -> Callable[..., Document]:
    """Give a callable that writes other measurements into a copy of the first run and shows it, as ``--json`` would print it."""

    def show(change: Callable[[Measurement], Measurement | None]) -> Document:
        from assay.results.document import document

        store, printed = session
        run = RunDir(tmp_path / printed["runs"][0]["run"]["id"])
        shutil.copytree(store / run.id, run.path)
        (run.path / "verdicts.json").unlink()
        found = [change(measurement) for measurement in run.measurements().measurements]
        (only,) = run.measurement_files()
        only.unlink()
        writer = LineWriter(only, {"run": run.id})
        for measurement in filter(None, found):
            writer.measurement(measurement)
        writer.close()
        shown: Document = json.loads(json.dumps(finite(document(run)), allow_nan=False))
        return shown

    return show


def test_the_schema_itself_is_valid_and_names_its_version() -> None:
    Draft202012Validator.check_schema(PUBLISHED)
    assert PUBLISHED["title"] == SCHEMA
    assert PUBLISHED["properties"]["schema"] == {"const": SCHEMA}


def test_what_a_real_run_prints_satisfies_it(session: tuple[Path, Document]) -> None:
    _, printed = session
    first, second = printed["runs"]
    assert faults(first) == []
    assert faults(second) == []
    assert first["comparison"] is None
    assert second["comparison"]["base"] == [first["run"]["id"]]
    assert len(first["cases"]) == 3  # two and the calibration of the link


def test_a_case_that_broke_and_one_without_an_answer_satisfy_it(altered: Callable[..., Document]) -> None:
    def broken(measurement: Measurement) -> Measurement | None:
        nbytes = measurement.case.params["bytes"]
        if nbytes == 8:
            return replace(measurement, status="timeout", reason="hung", fault=Fault(0, "time", 4, "late", {"rank 0": "File ..."}))
        return None if nbytes == 1024 else measurement

    document = altered(broken)
    assert [case["status"] for case in document["cases"]] == ["measured", "timeout", "missing"]
    assert faults(document) == []


def test_a_wrong_answer_with_a_score_that_is_no_number_satisfies_it(altered: Callable[..., Document]) -> None:
    worst = Checked(ok=False, checks=2, tested=4, rank=0, reason="row 1 is not a number", scores={"row": math.nan}, limits={"row": 1e-3})
    document = altered(lambda measurement: replace(measurement, status="wrong", reason="wrong answer", checked=worst))
    assert {case["checked"]["scores"]["row"] for case in document["cases"]} == {"nan"}
    assert faults(document) == []


def required(schema: Any, node: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """List the paths of all required fields of a document (of lists the first element only), as the schema names them."""
    if "$ref" in schema:
        schema = PUBLISHED["$defs"][schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        schema = next((part for part in schema["anyOf"] if part.get("type") != "null"), schema)
        return required(schema, node, path) if isinstance(node, dict) and "anyOf" not in schema else []
    if isinstance(node, list):
        return required(schema["items"], node[0], (*path, 0)) if node and "items" in schema else []
    found: list[tuple[str | int, ...]] = [(*path, name) for name in schema.get("required", ())]
    for name, part in schema.get("properties", {}).items():
        if isinstance(node, dict) and name in node:
            found += required(part, node[name], (*path, name))
    return found


def test_every_field_it_requires_is_missed(session: tuple[Path, Document]) -> None:
    _, printed = session
    document = printed["runs"][1]
    paths = required(PUBLISHED, document)
    assert len(paths) > 80  # all levels were walked
    for path in paths:
        broken = copy.deepcopy(document)
        inner: Any = broken
        for step in path[:-1]:
            inner = inner[step]
        del inner[path[-1]]
        assert faults(broken), f"{path} may be missing"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("schema",), "assay.show/2"),
        (("cases", 0, "layout"), "2"),
        (("cases", 0, "status"), "ok"),
        (("cases", 0, "checked", "tested"), -1),
        (("records", 0, "value"), "nan"),
        (("records", 0, "unit"), "GB/s"),
        (("verdicts",), []),
        (("verdicts", 0, "status"), "passed"),
        (("verdicts", 0, "reason"), ""),
        (("coverage", "missing"), None),
        (("run", "exit_code"), 7),
        (("exit_code",), 130),
        (("comparison", "rows", 0, "interval"), [0.1]),
        (("comparison", "counts"), {"better": 1}),
    ],
    ids=lambda part: ".".join(map(str, part)) if isinstance(part, tuple) else None,
)
def test_a_broken_document_is_refused(session: tuple[Path, Document], path: tuple[Any, ...], value: object) -> None:
    _, printed = session
    broken: Any = copy.deepcopy(printed["runs"][1])
    inner = broken
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    assert faults(broken)


@pytest.mark.parametrize("name", ["scope", "seconds", "checked", "volume"])
def test_only_a_missing_case_may_leave_out_how_it_was_measured(session: tuple[Path, Document], name: str) -> None:
    _, printed = session
    broken = copy.deepcopy(printed["runs"][0])
    broken["cases"][0][name] = None
    assert faults(broken)
    broken["cases"][0] |= {"status": "missing", "scope": None, "seconds": None, "checked": None, "volume": None}
    assert faults(broken) == []


def test_only_an_unreadable_run_may_leave_out_what_it_is(session: tuple[Path, Document]) -> None:
    _, printed = session
    broken = copy.deepcopy(printed["runs"][0])
    broken["run"] = {"id": broken["run"]["id"], "status": "unreadable"}
    assert faults(broken) == []
    broken["run"]["status"] = "finished"
    assert faults(broken)
