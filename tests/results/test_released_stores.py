"""A store of every released schema is read for ever: ``tests/stores/vN`` holds one each, made by the version that released it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from assay.results.document import document
from assay.results.frames import load
from assay.results.store import Store

STORES = Path(__file__).parents[1] / "stores"
SCHEMA = Path(__file__).parents[2] / "results" / "schema" / "show.v1.json"


@pytest.mark.parametrize("version", ["v1"])
def test_runs_of_a_released_schema_are_listed_named_and_shown(version: str) -> None:
    store = Store(STORES / version)
    runs = store.runs()
    assert [info.status for info in runs] == ["finished", "finished"]
    assert [info.exit_code for info in runs] == [0, 2]
    assert [run.id for run in store.resolve("first")] == [runs[0].id]
    for info in runs:
        shown = document(store.resolve(info.id)[0])
        Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8"))).validate(shown)
    assert [case["status"] for case in document(store.resolve(runs[0].id)[0])["cases"]] == ["measured"] * 3
    assert "crashed" in {case["status"] for case in document(store.resolve(runs[1].id)[0])["cases"]}


def test_the_figures_of_version_1_are_read_as_they_were_written() -> None:
    frame = load("first", store=str(STORES / "v1"))
    times = frame[(frame.metric == "time") & (frame.subject == "cluster")]
    assert set(times.unit) == {"s"}
    assert len(times) == 2
    path = STORES / "v1" / Store(STORES / "v1").runs()[0].id / "records.jsonl"
    written = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert sorted(frame.value) == sorted(row["value"] for row in written)
