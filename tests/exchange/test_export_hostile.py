"""Names and metrics that a consumer would choke on, or would take for one another; and a deciding comparison that no export hides."""

from __future__ import annotations

import io
import unicodedata
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import fastparquet
import pandas as pd
import pytest
from junitparser import JUnitXml
from prometheus_client.openmetrics import parser as openmetrics_parser

from assay.harness.door.main import main
from assay.results.document import judged
from assay.results.exchange import dashboards, github, junit, openmetrics, tabular
from assay.results.exchange.outcomes import Outcome, outcomes
from assay.results.judge import judge
from assay.results.record import Record
from tests.results.builders import bare_rules, case, measured, time_record, write_run

PLAIN = time_record(1.5, run="r")
NAMES = ["a\x00b\x1b[31m\nc", "]]>", '"quoted" & <b>', "half \ud800", "\ufffe\uffff", "\u202e", "k" * 5000, "é" * 3000, "=1+1"]


def families(records: list[Record]) -> list[Any]:
    return list(openmetrics_parser.text_string_to_metric_families(openmetrics.write(records)))


@pytest.mark.parametrize(
    ("metric", "unit"), [("wire_nbytes", "B"), ("bytesratio", "1"), ("time", "s"), ("energy_per_flop", "J/FLOP"), ("ratio", "1")]
)
def test_openmetrics_names_end_with_their_unit(metric: str, unit: str) -> None:
    (family,) = families([replace(PLAIN, metric=metric, unit=unit)])
    assert family.name.endswith(f"_{family.unit}")
    assert [sample.value for sample in family.samples] == [1.5]


def test_openmetrics_keeps_long_names_and_like_metrics_apart() -> None:
    long = [replace(PLAIN, key="k" * 300 + end) for end in "ab"]
    (family,) = families(long)
    assert len({sample.labels["case"] for sample in family.samples}) == 2
    alike = [replace(PLAIN, metric=name, unit="1") for name in ("row max", "row-max")]
    assert len({family.name for family in families(alike)}) == 2


@pytest.mark.parametrize("name", NAMES)
def test_openmetrics_labels_of_any_name(name: str) -> None:
    (family,) = families([replace(PLAIN, key=name, subject=name)])
    assert all(len(value.encode()) <= 200 for value in family.samples[0].labels.values())


@pytest.mark.parametrize("name", NAMES)
def test_junit_of_any_name(name: str) -> None:
    text = junit.write([Outcome(name, name, "failed", name, name, name, properties={name: name})], name=name, stamp=name)
    (suite,) = JUnitXml.fromstring(text.encode())
    (test,) = suite
    assert suite.failures == 1
    assert [type(result).__name__ for result in test.result] == ["Failure"]


@pytest.mark.parametrize("name", NAMES)
def test_github_of_any_name(name: str) -> None:
    one = Outcome("g", name, "failed", "wrong", name, name)
    (line,) = github.commands([one])
    assert not any(unicodedata.category(c) in {"Cc", "Cf", "Cs"} for c in line)
    (row,) = [line for line in github.summary([one], title=name).splitlines() if line.startswith("| wrong")]
    assert not any(unicodedata.category(c) in {"Cc", "Cf", "Cs"} for c in row)
    assert "<b>" not in row


@pytest.mark.parametrize("name", NAMES)
def test_bmf_of_any_name_and_metric(name: str) -> None:
    found = dashboards.bmf([replace(PLAIN, key=name, metric=name), replace(PLAIN, key=name, metric=name + "!")])
    ((benchmark, measures),) = found.items()
    assert 0 < len(benchmark.encode()) <= 1024
    assert benchmark == benchmark.strip()
    assert len(measures) == 2  # a sign more is another measure, and takes no one's place
    assert all(0 < len(slug) <= 64 and slug.strip("-") == slug for slug in measures)


@pytest.mark.parametrize("name", NAMES)
def test_tables_of_any_name(tmp_path: Path, name: str) -> None:
    record = replace(PLAIN, subject=name, flags=(name,))
    wanted = name.encode(errors="backslashreplace").decode()
    read = pd.read_csv(io.BytesIO(tabular.write_csv([record]).encode()))
    assert read["subject"].tolist() == [f"'{wanted}" if wanted.startswith("=") else wanted]
    tabular.write_parquet([record, PLAIN], tmp_path / "r.parquet")
    back = duckdb.read_parquet(str(tmp_path / "r.parquet")).fetchall()
    columns = duckdb.read_parquet(str(tmp_path / "r.parquet")).columns
    assert [dict(zip(columns, row, strict=True))["subject"] for row in back] == [wanted, "device0"]
    assert dict(zip(columns, back[0], strict=True))["flags"] == [wanted]
    assert [path.name for path in tmp_path.iterdir()] == ["r.parquet"]


def test_parquet_is_read_by_another_library_than_wrote_it(tmp_path: Path) -> None:
    tabular.write_parquet([PLAIN], tmp_path / "r.parquet")
    with (tmp_path / "r.parquet").open("rb") as file:
        back = fastparquet.ParquetFile(file).to_pandas(columns=["value", "metric", "subject", "inject"])
    assert back.to_dict("records") == [{"value": 1.5, "metric": PLAIN.metric, "subject": "device0", "inject": False}]


def test_parquet_is_whole_or_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_run(tmp_path / "runs" / "20261126-000000-000-aaaaaa", [measured(case(m=1), [1e-3] * 10)])
    words = ["export", "latest", "--store", str(tmp_path / "runs"), "--format", "parquet", "-o", str(tmp_path / "no" / "r.parquet")]
    assert main(words) == 3
    assert "defect of Assay" not in capsys.readouterr().err
    tabular.write_parquet([], tmp_path / "none.parquet")
    assert duckdb.read_parquet(str(tmp_path / "none.parquet")).fetchall() == []


def test_a_comparison_that_decides_is_in_every_report(tmp_path: Path) -> None:
    base = write_run(tmp_path / "20261126-000000-000-aaaaaa", [measured(case(m=1), [1e-3] * 10)])
    head = write_run(tmp_path / "20261126-000001-000-aaaaaa", [measured(case(m=1), [2e-3] * 10)])
    decided = judge(head, config={"rules": bare_rules(), "hardware": {}}, base=[base], decide=True)
    assert decided.exit_code == 4  # one run a side cannot tell
    found = outcomes(judged(head))
    assert [one.kind for one in found if one.group == "compare"] == ["skipped"]
    assert "inconclusive" in github.summary(found, title="t")


def test_a_slower_case_fails_in_junit_as_in_the_exit_code(tmp_path: Path) -> None:
    sides = [
        [
            write_run(tmp_path / f"20261126-00000{number}-{at:03}-aaaaaa", [measured(case(m=1), [seconds * (1 + 0.001 * at)] * 10)])
            for at in range(6)
        ]
        for number, seconds in enumerate((1e-3, 1.2e-3))
    ]
    from assay.results.compare import compare

    whole = judged(sides[1][0])
    slower = replace(whole, comparison=compare(sides[0], sides[1], min_effect=0.03, min_seconds=1e-6))
    assert slower.comparison is not None
    assert slower.comparison.decides() == 1
    (suite,) = JUnitXml.fromstring(junit.write(outcomes(slower), name="t").encode())
    assert suite.failures == 1
    (alone,) = JUnitXml.fromstring(junit.write(outcomes(whole), name="t").encode())
    assert alone.failures == 0


def test_a_comparison_of_nothing_does_not_vanish(tmp_path: Path) -> None:
    base = write_run(tmp_path / "20261126-000000-000-aaaaaa", [measured(case(m=1), [1e-3] * 10)])
    head = write_run(tmp_path / "20261126-000001-000-aaaaaa", [measured(case(m=1), [1e-3] * 10)])
    judge(head, config={"rules": bare_rules(), "hardware": {}}, base=[base], decide=True)
    seen = judged(head)
    assert seen.comparison is not None
    empty = replace(seen, comparison=replace(seen.comparison, rows=(), notes=("no comparison: the base is gone",)))
    (one,) = [one for one in outcomes(empty) if one.group == "compare"]
    assert (one.kind, one.message) == ("skipped", "no comparison: the base is gone")
