"""GitLab's Code Quality findings: every field that its page asks for, what failed and nothing else, the same mark while figures move."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from assay.harness.door.main import main
from assay.results.document import judged
from assay.results.exchange.codequality import FILE, file_of, finding, write
from assay.results.exchange.exporting import text_of
from assay.results.exchange.outcomes import Outcome, outcomes
from assay.results.judge import Judgement
from tests.results.builders import case, measured, write_run, wrong

HOSTILE = "<script>\"'\x00\x1b[31m\n\ud800" + "x" * 300
# What docs.gitlab.com, ci/testing/code_quality, "Code Quality report format" says of an element of the array.
REQUIRED = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "properties": {
            "description": {"type": "string", "minLength": 1},
            "check_name": {"type": "string", "minLength": 1},
            "fingerprint": {"type": "string", "minLength": 1},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "properties": {
                    "path": {"type": "string", "pattern": r"^(?!\.?/)"},
                    "lines": {"type": "object", "required": ["begin"], "properties": {"begin": {"type": "integer", "minimum": 1}}},
                },
            },
        },
    },
}


@pytest.fixture
def judgement(tmp_path: Path) -> Judgement:
    """Judge a run with a right, a wrong and a missing case, and one of a hostile name that is missing too."""
    right, bad, gone, odd = case(m=64), case(m=128), case(m=256), case(name=HOSTILE.replace("\ud800", ""))
    rows = [measured(right, [1e-3] * 12), wrong(bad)]
    return judged(write_run(tmp_path / "20261126-000000-000-abcdef", rows, planned=[right, bad, gone, odd]))


def test_what_failed_is_a_finding_with_every_documented_field(judgement: Judgement) -> None:
    text = text_of(judgement, "gitlab-codequality")
    assert not text.startswith("\ufeff")
    found = json.loads(text)
    jsonschema.validate(found, REQUIRED)
    by_case = {row["description"].partition("m=")[2][:3]: row["severity"] for row in found if "m=" in row["description"]}
    assert by_case == {"128": "blocker", "256": "critical"}
    assert not any("m=64" in row["description"] for row in found), "what passed is none"
    assert len({row["fingerprint"] for row in found}) == len(found)
    assert all("\x1b" not in row["description"] for row in found)


def test_a_run_where_nothing_failed_has_no_finding(tmp_path: Path) -> None:
    assert (
        json.loads(
            text_of(judged(write_run(tmp_path / "20261126-000000-000-abcdef", [measured(case(m=64), [1e-3] * 12)])), "gitlab-codequality")
        )
        == []
    )


def test_the_mark_stays_while_figures_move_and_differs_between_cases() -> None:
    one = Outcome("gemm", "gemm/1/cpu/m=64", "failed", "slower", "+5 %")
    marks = {finding(row)["fingerprint"] for row in (one, replace(one, message="+9 %"), replace(one, kind="error", status="missing"))}
    assert len(marks) == 1
    assert finding(replace(one, name="gemm/1/cpu/m=65"))["fingerprint"] not in marks
    assert finding(replace(one, group="compare"))["fingerprint"] not in marks
    twice = write([one, replace(one, status="wrong")])
    assert len(twice) == 1


def test_hostile_outcomes_keep_the_form(judgement: Judgement) -> None:
    rows = [Outcome(HOSTILE, HOSTILE, "failed", HOSTILE, HOSTILE), *outcomes(judgement)]
    jsonschema.validate(json.loads(json.dumps(write(rows))), REQUIRED)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("pytest/1/cpu/block/test=tests/test_sort.py::test_it[a-1]/1x1", "tests/test_sort.py"),
        ("pytest/1/cpu/block/test=../out.py::test_it/1x1", FILE),
        ("pytest/1/cpu/block/test=/etc/out.py::test_it/1x1", FILE),
        ("gemm/1/cpu/barrier/m=64/1x1", FILE),
    ],
)
def test_a_finding_lies_in_a_file_of_the_repository(name: str, path: str) -> None:
    assert file_of(name) == path


def test_the_verb(judgement: Judgement, tmp_path: Path) -> None:
    out = tmp_path / "gl-code-quality-report.json"
    assert (
        main(["export", judgement.run.id, "--store", str(judgement.run.path.parent), "--format", "gitlab-codequality", "-o", str(out)]) == 0
    )
    jsonschema.validate(json.loads(out.read_text(encoding="utf-8")), REQUIRED)
