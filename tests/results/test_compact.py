"""Compacted figures are the same figures; a run that changes afterwards is read anew."""

from __future__ import annotations

import json
from pathlib import Path

from assay.harness.door.main import main
from assay.results.compact import FOLDER, INDEX, compact
from assay.results.frames import query
from assay.results.store import Store
from tests.results.builders import time_record, write_records

COUNT = "SELECT count(*) AS n, sum(value) AS total FROM records"


def answer(store: Store) -> tuple[int, float]:
    found = query(COUNT, store=store)
    return int(found["n"][0]), float(found["total"][0])


def fill(root: Path, *numbers: int) -> None:
    for i in numbers:
        name = f"20261126-000000-{i:03d}-{i:06x}"
        write_records(root / name, [time_record(float(i + j), run=name, key=f"k{j}") for j in range(5)])


def test_the_same_answer_from_one_file(tmp_path: Path) -> None:
    fill(tmp_path, 1, 2, 3)
    store = Store(tmp_path)
    before = answer(store)
    assert compact(store) == (3, 15)
    assert answer(store) == before == (15, sum(i + j for i in (1, 2, 3) for j in range(5)))
    fill(tmp_path, 4)
    assert answer(store)[0] == 20  # the newest run is not compacted yet
    assert store.ids() == [f"20261126-000000-{i:03d}-{i:06x}" for i in (1, 2, 3, 4)]


def test_a_run_that_changed_is_read_anew(tmp_path: Path) -> None:
    fill(tmp_path, 1, 2)
    store = Store(tmp_path)
    compact(store)
    path = tmp_path / store.ids()[0] / "records.jsonl"
    path.write_text(path.read_text(encoding="utf-8").splitlines()[0] + "\n", encoding="utf-8")
    assert answer(store)[0] == 6


def test_compacting_again_replaces_the_file(tmp_path: Path) -> None:
    fill(tmp_path, 1)
    store = Store(tmp_path)
    compact(store)
    fill(tmp_path, 2)
    assert compact(store) == (2, 10)
    assert len(list((tmp_path / FOLDER).glob("*.parquet"))) == 1
    assert answer(store)[0] == 10


def test_a_damaged_index_compacts_nothing(tmp_path: Path) -> None:
    fill(tmp_path, 1)
    store = Store(tmp_path)
    compact(store)
    for text in ("{", "[]", json.dumps({"file": "../x.parquet", "runs": {}}), json.dumps({"file": "gone.parquet", "runs": {}})):
        (tmp_path / FOLDER / INDEX).write_text(text, encoding="utf-8")
        assert answer(store)[0] == 5


def test_the_verb(tmp_path: Path) -> None:
    fill(tmp_path, 1)
    assert main(["compact", "--store", str(tmp_path)]) == 0
    assert answer(Store(tmp_path))[0] == 5
