"""Tables over many runs: the same numbers as in the files, whatever their age."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import assay.results
from assay.harness.errors import RefusalError
from assay.results.judge import judge
from assay.results.record import Record
from assay.results.store import Store
from tests.results.builders import MEASURED, bare_rules, case, measured, time_record, write_records, write_run

CONFIG = {"rules": bare_rules(), "hardware": MEASURED}


def runs(store: Path, number: int = 2) -> list[str]:
    """Write some judged runs."""
    made = []
    for i in range(number):
        run = write_run(store / f"2026112{i}-120000-000-abcdef", [measured(case(m=64), [1.0 + i] * 7)])
        judge(run, config=CONFIG)
        made.append(run.id)
    return made


def test_load_gives_every_record_with_its_parameters(tmp_path: Path) -> None:
    ids = runs(tmp_path)
    table = assay.results.load(store=tmp_path)
    assert list(table["run"].unique()) == ids
    times = table[table["metric"] == "time"]
    assert list(times["value"]) == [1.0, 2.0]
    assert [json.loads(text) for text in times["params"]] == [{"m": 64}] * 2
    assert set(Record.__dataclass_fields__) <= set(table.columns)


def test_runs_may_be_named_in_every_way(tmp_path: Path) -> None:
    ids = runs(tmp_path)
    store = Store(tmp_path)
    store.tag(ids, "golden")
    for name, expected in (("latest", ids[1:]), ("golden", ids), (ids[0], ids[:1]), (f"latest,{ids[0]}", [ids[1], ids[0]])):
        assert list(assay.results.load(name, store=store)["run"].unique()) == expected
    assert list(assay.results.load(store.resolve("latest")[0], ids[0], store=str(tmp_path))["run"].unique()) == [ids[1], ids[0]]
    with pytest.raises(RefusalError):
        assay.results.load("nope", store=tmp_path)


def test_a_run_that_was_never_judged_is_judged_on_the_fly_and_not_written(tmp_path: Path) -> None:
    run = write_run(tmp_path / "20261124-120000-000-abcdef", [measured(case(m=64), [1.0] * 7)])
    assert list(assay.results.load(store=tmp_path).query("metric == 'time'")["value"]) == [1.0]
    assert not (run.path / "records.jsonl").exists()


def test_the_store_may_come_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs(tmp_path)
    monkeypatch.setenv("ASSAY_STORE", str(tmp_path))
    assert len(assay.results.load()) > 0
    assert assay.results.query("SELECT count(DISTINCT run) AS n FROM records")["n"][0] == 2


def test_sql_reads_the_files_in_place(tmp_path: Path) -> None:
    ids = runs(tmp_path, 3)
    found = assay.results.query("SELECT run, value, unit FROM records WHERE metric = 'time' ORDER BY run", store=tmp_path)
    assert list(map(tuple, found.to_numpy())) == [(run, 1.0 + i, "s") for i, run in enumerate(ids)]


def test_sql_over_an_empty_or_absent_store_finds_nothing(tmp_path: Path) -> None:
    for store in (tmp_path, tmp_path / "none"):
        assert assay.results.query("SELECT count(*) AS n, max(value) AS v FROM records", store=store)["n"][0] == 0
    assert len(assay.results.load(store=tmp_path)) == 0
    assert "value" in assay.results.load(store=tmp_path).columns


def test_older_newer_and_damaged_lines_are_read_together(tmp_path: Path) -> None:
    write_records(tmp_path / "20261124-120000-000-aaaaaa", [time_record(1.0, run="a")])
    old = write_records(tmp_path / "20261124-120000-000-bbbbbb", [])
    lines = [
        '{"key": "k", "metric": "time", "value": 2, "unit": "s"}',
        '{"key": "k", "metric": "time", "value": 3.5, "unit": "s", "new": {"x": [1]}}',
        '{"key": "k", "met',
    ]
    (old.path / "records.jsonl").write_text("\n".join(lines), encoding="utf-8")
    found = assay.results.query("SELECT value, flags, inject FROM records ORDER BY value", store=tmp_path)
    assert list(found["value"]) == [1.0, 2.0, 3.5]
    assert list(assay.results.load(store=tmp_path)["value"]) == [1.0, 2.0, 3.5]


@pytest.mark.parametrize("name", ["it's", "a[b]c", "star*", "q?"])
def test_odd_folder_names_are_no_patterns_and_no_sql(tmp_path: Path, name: str) -> None:
    runs(tmp_path / name, 1)
    runs(tmp_path / "bait", 2)
    assert assay.results.query("SELECT count(DISTINCT run) AS n FROM records", store=tmp_path / name)["n"][0] == 1


def test_importing_the_room_stays_light_and_unknown_names_are_unknown() -> None:
    code = "import sys, assay.results; print(any(name in sys.modules for name in ('pandas', 'duckdb', 'numpy')))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "False"
    with pytest.raises(AttributeError):
        _ = assay.results.unknown  # type: ignore[attr-defined]
