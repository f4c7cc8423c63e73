"""Exports are read back by their consumers, or held against what these publish of their format; hostile names break nothing."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest
from junitparser import JUnitXml
from prometheus_client.openmetrics import parser as openmetrics

from assay.harness.door.main import main
from assay.results.document import judged
from assay.results.exchange import github
from assay.results.exchange.exporting import FORMATS, text_of, write
from assay.results.exchange.openmetrics import write as write_openmetrics
from assay.results.exchange.outcomes import outcomes
from assay.results.judge import Judgement
from assay.results.record import METRICS, Record
from tests.results.builders import case, measured, write_run, wrong

HOSTILE = "<script>alert(1)</script>\"'&]]>\x00\x1b[31m\n|`=cmd()\\" + "x" * 5000


@pytest.fixture
def judgement(tmp_path: Path) -> Judgement:
    """Judge a run with a right, a wrong, a missing and a hostile case."""
    right, bad, gone, odd = case(m=64), case(m=128), case(m=256), case(name=HOSTILE)
    run = write_run(
        tmp_path / "20261126-000000-000-abcdef",
        [measured(right, [1e-3, 1.1e-3, 0.9e-3] * 5), wrong(bad), measured(odd, [2e-3] * 12)],
        planned=[right, bad, gone, odd],
        host=HOSTILE,
    )
    return judged(run)


def test_junit_is_read_by_junitparser(judgement: Judgement) -> None:
    text = text_of(judgement, "junit")
    (suite,) = JUnitXml.fromstring(text.encode())
    assert (suite.tests, suite.failures, suite.errors) == (5, 1, 2)  # four cases and the coverage of the run
    results = {test.name.split("/")[4] if "/" in test.name else test.name: [type(r).__name__ for r in test.result] for test in suite}
    assert results["m=64"] == []
    assert results["m=128"] == ["Failure"]
    assert results["m=256"] == ["Error"]
    assert 'name="device0 time [s]" value="0.001"' in text


def test_what_passed_only_after_it_had_broken_is_told_as_a_warning(tmp_path: Path) -> None:
    right = measured(case(m=64), [1e-3] * 15, attempt=1)
    broken = replace(right, status="crashed", reason="rank 1 fell", attempt=0)
    found = judged(write_run(tmp_path / "20261126-000000-000-abcdef", [broken, right], planned=[right.case]))
    (suite,) = JUnitXml.fromstring(text_of(found, "junit").encode())
    (test,) = suite
    assert test.result == []
    assert "warn: answer: the answer is right, at attempt 2 (attempt 1 crashed: rank 1 fell)" in test.system_out
    (told,) = github.commands(outcomes(found))
    assert told.startswith("::warning title=assay%3A warn::")
    assert found.word == "warn"


def test_openmetrics_is_read_by_its_own_parser(judgement: Judgement) -> None:
    text = text_of(judgement, "openmetrics")
    families = {family.name: family for family in openmetrics.text_string_to_metric_families(text)}
    times = families["assay_time_seconds"]
    assert (times.type, times.unit) == ("gauge", "seconds")
    found = {sample.labels["case"]: sample.value for sample in times.samples}
    wanted = {record.key: record.value for record in judgement.records if record.metric == "time"}
    assert sorted(found.values()) == sorted(wanted.values())
    assert all(len(value) <= 200 for sample in times.samples for value in sample.labels.values())
    gitlab = text_of(judgement, "gitlab")
    assert gitlab.endswith("# EOF\n")
    assert list(openmetrics.text_string_to_metric_families(gitlab))


def test_every_metric_has_a_name_that_openmetrics_takes() -> None:
    records = [
        Record(run="r", key="k", suite="s", subject="device0", metric=metric, value=1.5, unit=unit, better=better)
        for metric, (unit, better) in {**METRICS, "row": ("1", "lower")}.items()
    ]
    families = list(openmetrics.text_string_to_metric_families(write_openmetrics(records)))
    assert len(families) == len(records)
    assert all(family.samples[0].value == 1.5 for family in families)


def test_pytest_benchmark_compares_it(judgement: Judgement, tmp_path: Path) -> None:
    write(judgement, "pytest-benchmark", tmp_path / "0001_run.json")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest_benchmark",
            "--storage",
            f"file://{tmp_path}",
            "compare",
            str(tmp_path / "0001_run.json"),
            "--csv",
            "out",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader(io.StringIO((tmp_path / "out.csv").read_text(encoding="utf-8"))))
    assert len(rows) == 2
    assert any(float(row["median"]) == pytest.approx(1e-3) for row in rows)


def test_bmf_is_within_benchers_limits(judgement: Judgement) -> None:
    found = json.loads(text_of(judgement, "bmf"))
    assert found
    for name, measures in found.items():
        assert 0 < len(name.encode()) <= 1024
        for slug, metric in measures.items():
            assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug)
            assert len(slug) <= 64
            assert set(metric) <= {"value", "lower_value", "upper_value"}
            assert all(isinstance(value, float) for value in metric.values())


def test_action_benchmark_gets_a_file_a_direction(judgement: Judgement, tmp_path: Path) -> None:
    made = write(judgement, "github-action-benchmark", tmp_path / "out")
    assert {path.name for path in made} == {"customSmallerIsBetter.json", "customBiggerIsBetter.json"}
    for path in made:
        for row in json.loads(path.read_text(encoding="utf-8")):
            # Its README: name, unit and value are required, range and extra are text.
            assert isinstance(row["name"], str)
            assert isinstance(row["unit"], str)
            assert isinstance(row["value"], float)
            assert all(isinstance(row[key], str) for key in ("range", "extra") if key in row)
    smaller = json.loads((tmp_path / "out" / "customSmallerIsBetter.json").read_text(encoding="utf-8"))
    assert any(row["unit"] == "s" for row in smaller)


def test_hud_rows_have_what_its_schema_needs(judgement: Judgement) -> None:
    rows = json.loads(text_of(judgement, "pytorch-hud"))
    assert len(rows) == len(judgement.records)
    for row in rows:
        assert set(row) == {"benchmark", "model", "runners", "dependencies", "metric"}
        assert isinstance(row["metric"]["name"], str)
        assert all(isinstance(value, float) for value in row["metric"]["benchmark_values"])
        assert row["metric"]["extra_info"]["unit"]
        assert all(isinstance(value, str) for value in row["benchmark"]["extra_info"].values())


def test_csv_and_parquet_hold_every_figure(judgement: Judgement, tmp_path: Path) -> None:
    read = pd.read_csv(io.StringIO(text_of(judgement, "csv")))
    assert len(read) == len(judgement.records)
    assert read["value"].tolist() == pytest.approx([record.value for record in judgement.records], rel=1e-15)
    write(judgement, "parquet", tmp_path / "r.parquet")
    back = duckdb.read_parquet(str(tmp_path / "r.parquet")).df()
    assert back["key"].tolist() == [record.key for record in judgement.records]
    assert back["value"].tolist() == [record.value for record in judgement.records]


def test_a_spreadsheet_runs_nothing(judgement: Judgement) -> None:
    odd = replace(judgement, records=[replace(record, limit_name="=HYPERLINK(1)") for record in judgement.records])
    assert "\n=" not in text_of(odd, "csv")
    assert ",'=HYPERLINK(1)" in text_of(odd, "csv")


def test_github_puts_what_failed_first_and_cuts_at_its_limit(judgement: Judgement) -> None:
    found = outcomes(judgement)
    text = github.summary(found, title="t")
    assert text.index("m=128") < text.index("m=64")
    assert "<script" not in text
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert all(len(re.findall(r"(?<!\\)\|", row)) == 5 for row in rows)
    many = github.summary(found * 2000, title="t")
    assert len(many.encode()) <= github.LIMIT
    assert "more |" in many
    told = github.commands(found)
    assert told[0].startswith("::error title=assay%3A wrong::")
    assert all("\n" not in line for line in told)
    many_told = github.commands(found * 100)
    errors = [line for line in many_told if line.startswith("::error")]
    # 300 of them, and GitHub shows ten of a level and step (actions/toolkit, docs/problem-matchers.md): the tenth counts the rest.
    assert len(errors) == 10
    assert errors[-1] == "::error title=assay::291 more findings"


def test_the_verb(judgement: Judgement, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = str(judgement.run.path.parent)
    for fmt in FORMATS:
        out = tmp_path / f"out-{fmt}"
        assert main(["export", judgement.run.id, "--store", store, "--format", fmt, "-o", str(out)]) == 0
        assert out.exists()
    capsys.readouterr()
    assert main(["export", "latest", "--store", store, "--format", "csv"]) == 0
    assert capsys.readouterr().out.startswith("run,key,suite")
    assert main(["export", "latest", "--store", store, "--format", "parquet"]) == 3
    assert main(["export", "latest", "--store", store, "--format", "csv", "-o", str(tmp_path / "no" / "such")]) == 2


def test_an_empty_run_exports_nothing_as_a_pass(tmp_path: Path) -> None:
    found: dict[str, Any] = {}
    empty = judged(write_run(tmp_path / "20261126-000000-000-aaaaaa", [], planned=[case(m=1)]))
    for fmt in ("junit", "openmetrics", "csv", "bmf", "pytorch-hud", "pytest-benchmark", "github"):
        found[fmt] = text_of(empty, fmt)
    (suite,) = JUnitXml.fromstring(found["junit"].encode())
    assert suite.errors >= 1
    assert found["openmetrics"] == "# EOF\n"
