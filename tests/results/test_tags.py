"""A tag says who gave it, when, on which nodes its runs were made and what is not in them; old tags are read as they were."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from assay.harness.door.main import main
from assay.harness.rundir import LineWriter, RunDir
from assay.results.store import Store
from assay.results.tags import user
from tests.results.builders import time_record, write_records

KEY = "gemm/1/cpu/barrier/m=64/1x1"


def run_of(store: Path, number: int, *, hosts: tuple[str, ...] = (), absent: dict[str, str] | None = None) -> str:
    """Write one run whose ranks sat on these hosts, and in which these cases have no figure."""
    name = f"20261126-000000-{number:03d}-{number:06x}"
    run: RunDir = write_records(store / name, [time_record(1e-3, run=name, key=KEY)], host="door")
    if hosts:
        LineWriter(run.path / "measurements" / "001-ranks.jsonl", {"run": name, "ranks": [{"host": host} for host in hosts]}).close()
    rows = [{"key": key, "status": "skipped", "reason": why} for key, why in (absent or {}).items()]
    run.write_json("verdicts.json", {"coverage": {"rows": rows[:1], "left_out_rows": rows[1:]}})
    return name


def verb(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    """Run the verb; gives what it said."""
    assert main(["tag", *words]) == code
    said = capsys.readouterr()
    return said.out + said.err


def test_who_when_nodes_and_what_is_missing_are_written_down(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ids = [run_of(tmp_path, 1, hosts=("n1", "n2", "n1")), run_of(tmp_path, 2, absent={"gemm/a": "no memory", "gemm/b": "no device"})]
    where = ["--store", str(tmp_path)]
    said = verb(capsys, ",".join(ids), "golden", *where, "--exclude", "n3=throttles", "--exclude", "sort/*,m=2=too noisy")
    (tag,) = Store(tmp_path).tags()
    assert (tag.who, tag.nodes, tag.runs) == (user(), ("door", "n1", "n2"), tuple(ids))
    assert tag.when.endswith("+00:00")
    assert dict(tag.excluded) == {"n3": "throttles", "sort/*,m=2": "too noisy"}
    assert dict(tag.left_out) == {key: f"skipped: {why} (in {ids[1]})" for key, why in (("gemm/a", "no memory"), ("gemm/b", "no device"))}
    for text in (
        f"golden: {ids[0]}, {ids[1]} (3 nodes: door, n1, n2; {tag.who}, {tag.when})",
        "excluded n3: throttles",
        "no figure of gemm/a",
    ):
        assert text in said
    assert verb(capsys, *where) == said, "it is listed as it was given"
    listed = json.loads(verb(capsys, *where, "--json"))["tags"]
    assert listed == [json.loads((tmp_path / "tags" / "golden.json").read_text(encoding="utf-8"))]
    assert json.loads(verb(capsys, ids[0], "other", *where, "--json"))["tags"][0]["nodes"] == ["n1", "n2"]


def test_a_whole_set_has_nothing_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = verb(capsys, run_of(tmp_path, 1), "golden", "--store", str(tmp_path))
    assert "1 node: door" in said
    assert "excluded" not in said
    assert "no figure" not in said


def test_many_missing_cases_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = run_of(tmp_path, 1, absent={f"gemm/{i}": "x" for i in range(20)})
    assert "and 12 more cases without a figure" in verb(capsys, run, "golden", "--store", str(tmp_path))


def test_an_exclusion_without_a_reason_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = run_of(tmp_path, 1)
    assert "without a reason" in verb(capsys, run, "golden", "--store", str(tmp_path), "--exclude", "n3", code=3)
    assert Store(tmp_path).tags() == []


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ({"name": "old", "runs": ["r"], "who": "ada", "when": "2026-01-01T00:00:00+00:00"}, ""),
        ({"runs": ["r"]}, ""),
        ({"runs": ["r"], "nodes": None, "excluded": None}, ""),
        ({"runs": ["r"], "excluded": ["n3"]}, "cannot be read"),
        ({"runs": ["r"], "nodes": 3}, "cannot be read"),
    ],
)
def test_tags_of_before_and_damaged_ones(tmp_path: Path, written: dict[str, Any], problem: str) -> None:
    (tmp_path / "tags").mkdir()
    (tmp_path / "tags" / "old.json").write_text(json.dumps(written), encoding="utf-8")
    (tag,) = Store(tmp_path).tags()
    assert tag.problem.startswith(problem)
    assert tag.runs == (() if problem else ("r",))
    assert bool(tag.problem) == bool(problem)
    assert (tag.nodes, dict(tag.excluded)) == ((), {})


def test_a_baseline_counts_the_nodes_of_its_ranks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = run_of(tmp_path, 1, hosts=("n1", "n2"))
    assert main(["baseline", "propose", "release", run, "--reason", "first", "--store", str(tmp_path)]) == 0
    assert "1 runs from 2 nodes (n1, n2)" in capsys.readouterr().out
