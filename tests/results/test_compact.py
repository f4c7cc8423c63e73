"""Compacted figures are the same figures; a run that changes afterwards is read anew."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from assay.harness.door.main import main
from assay.harness.errors import RefusalError
from assay.results.compact import compact
from assay.results.compacted import FOLDER, INDEX, compacted
from assay.results.frames import MANY, load, query
from assay.results.history import tell_history
from assay.results.history_json import history_json
from assay.results.store import Store
from tests.results.builders import time_record, write_records
from tests.results.stories import around, cases, tell

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


def readers(store: Store) -> tuple[Any, ...]:
    """Ask a store in every way that may read compacted figures."""
    frame = load(store=store)
    table = query("SELECT * EXCLUDE flags, array_to_string(flags, ',') AS flags FROM records ORDER BY ALL", store=store)
    told = []
    for metric in ("time", "skew"):
        try:
            told.append(history_json(tell_history(store, metric=metric)))
        except RefusalError as error:
            told.append({"refused": str(error)})
    return frame.to_json(orient="split"), table.to_json(orient="split"), told


def odd_store(root: Path) -> Store:
    """Make a store with a step, several metrics, marks, odd text, and runs that must not be taken from the compacted file."""
    series = {name: around(1e-3 * (1 + k), step=0.1, at=15) for k, name in enumerate(cases(3))}
    store = tell(
        root, series, runs=range(30), record=lambda i: {"flags": ["hot"] if i % 7 == 0 else [], "ci_lo": 0.1 + 0.2 if i % 2 else None}
    )
    ids = store.ids()
    path = {i: root / ids[i] / "records.jsonl" for i in range(30)}
    more = [
        replace(time_record(1 / 3, run=ids[3], key="odd/1/cpu/\u0000\u2028'\"/1x1"), metric="skew"),
        time_record(5e-324, run=ids[3], key="k", n=2**60),
        time_record(2.0, run=ids[3], key=cases(3)[0]),  # a second figure of one series: the first counts
    ]
    with path[3].open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(one.as_dict()) + "\n" for one in more)
    damaged = path[5].read_text(encoding="utf-8")
    path[5].write_text(damaged + '{"metric": "time", "value": NaN, "key": "k"}\n' + damaged[:40], encoding="utf-8")
    path[6].write_text(path[6].read_text(encoding="utf-8").replace(ids[6], ids[7]), encoding="utf-8")  # lines that name another run
    older = [json.loads(line) for line in path[8].read_text(encoding="utf-8").splitlines()]
    path[8].write_text(
        "".join(json.dumps({k: v for k, v in one.items() if k not in {"better", "n"}}) + "\n" for one in older), encoding="utf-8"
    )
    path[9].write_text("", encoding="utf-8")
    return store


def test_every_reader_says_the_same_with_and_without_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = odd_store(tmp_path)
    ids = store.ids()
    before = readers(store)
    assert len(ids) >= MANY
    compact(store)
    assert set(ids) - set(compacted(store.root, ids).runs) == {ids[5], ids[6], ids[8]}
    assert readers(store) == before
    asked: list[str] = []
    read = Path.read_bytes

    def spied(path: Path) -> bytes:
        asked.extend([path.parent.name] if path.name == "records.jsonl" else [])
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", spied)
    tell_history(store)
    assert set(asked) == {ids[5], ids[6], ids[8]}, "only these are read from their own files"


def test_a_changed_run_and_a_damaged_file_fall_back(tmp_path: Path) -> None:
    store = tell(tmp_path, {name: around(1e-3) for name in cases(2)}, runs=range(25))
    compact(store)
    ids = store.ids()
    path = tmp_path / ids[4] / "records.jsonl"
    path.write_text(path.read_text(encoding="utf-8").replace('"unit": "s"', '"unit": "s", "p99": 1.0'), encoding="utf-8")
    assert ids[4] not in compacted(tmp_path, ids).runs
    after = readers(store)
    (file,) = (tmp_path / FOLDER).glob("*.parquet")
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    assert compacted(tmp_path, ids).runs == ()
    assert readers(store) == after
