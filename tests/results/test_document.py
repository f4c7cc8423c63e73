"""``show --json`` of runs in every state satisfies its published schema, and nothing is written on the way."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from assay.harness.measurement import STATUSES, Checked, Fault
from assay.harness.rundir import RunDir
from assay.results.document import document
from assay.results.judge import judge
from tests.results.builders import FACTS, MEASURED, ROOT, bare_rules, case, measured, rules, write_run, wrong

VALIDATOR = Draft202012Validator(json.loads((ROOT / "results" / "schema" / "show.v1.json").read_text(encoding="utf-8")))
CONFIG: dict[str, Any] = {"rules": bare_rules(), "hardware": MEASURED}
TIMES = [1.0] * 7
HEX = "0123456789ab"


def shown(run: RunDir) -> dict[str, Any]:
    """Give the document as a reader gets it, checked against the schema; the folder stays as it was."""
    before = {path: path.stat().st_mtime_ns for path in run.path.rglob("*")}
    found: dict[str, Any] = json.loads(json.dumps(document(run), allow_nan=False))
    assert {path: path.stat().st_mtime_ns for path in run.path.rglob("*")} == before
    assert [f"{error.json_path}: {error.message}" for error in VALIDATOR.iter_errors(found)] == []
    return found


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., RunDir]:
    """Give a maker of run directories with a proper id and classes."""

    def make(*found: Any, second: int = 0, **more: Any) -> RunDir:
        name = f"20261124-0000{second:02d}-000-abcdef"
        classes = {"hw_class": HEX, "sw_class": HEX, "session": name}
        return write_run(tmp_path / name, found, **(classes | more))

    return make


def test_a_run_with_every_status(run: Callable[..., RunDir]) -> None:
    fault = Fault(1, "time", 3, "late", {"rank 0": "File a"})
    found = [
        replace(measured(case(m=i), TIMES), status=status, reason="why", fault=fault)
        for i, status in enumerate(STATUSES)
        if status != "missing"
    ]
    made = run(*found, wrong(case(m=98)), planned=[*(m.case for m in found), case(m=98), case(m=99)])
    judge(made, config=CONFIG)
    data = shown(made)
    assert {row["status"] for row in data["cases"]} == set(STATUSES)
    assert [row["params"] for row in data["cases"]][-1] == {"m": 99}
    assert data["coverage"]["planned"] == len(data["cases"])
    assert data["exit_code"] == 1


def test_a_comparison_is_kept(run: Callable[..., RunDir]) -> None:
    base, head = run(measured(case(m=1), TIMES)), run(measured(case(m=1), TIMES), second=1)
    judge(head, config=CONFIG, base=[base])
    assert shown(head)["comparison"]["rows"][0]["status"] == "inconclusive"


def test_numbers_that_json_lacks_are_spelt(run: Callable[..., RunDir]) -> None:
    checked = Checked(ok=False, checks=1, tested=1, rank=0, reason="r", scores={"row": float("nan"), "worst": float("inf")})
    bad = replace(measured(case(m=1), [1.0, float("nan")], checked=checked), status="wrong", reason="r")
    assert shown(run(bad))["cases"][0]["checked"]["scores"] == {"row": "nan", "worst": "inf"}


def test_an_incomplete_run_is_judged_by_what_is_readable(run: Callable[..., RunDir]) -> None:
    made = run(measured(case(m=1), TIMES), planned=[case(m=1), case(m=2)], status="running", ended=None, exit_code=None)
    (path,) = made.measurement_files()
    path.write_bytes(path.read_bytes().rsplit(b"\n", 2)[0] + b'\n{"kind": "case", "ca')
    data = shown(made)
    assert data["run"]["status"] == "incomplete"
    assert [row["status"] for row in data["cases"]] == ["measured", "missing"]
    assert data["exit_code"] == 2
    assert any("cut after" in problem for problem in data["problems"])


@pytest.mark.parametrize(
    "text", [None, "", "{", ": :", "rules: 3", "!!python/object/apply:os.system ['touch HACKED']", "rules: {x: {kind: eval}}"]
)
def test_without_a_usable_configuration_truth_and_coverage_are_judged(run: Callable[..., RunDir], text: str | None) -> None:
    made = run(wrong(case(m=1)))
    if text is None:
        (made.path / "config.yaml").unlink()
    else:
        (made.path / "config.yaml").write_text(text, encoding="utf-8")
    data = shown(made)
    assert data["exit_code"] == 1
    assert any("config.yaml" in problem for problem in data["problems"])
    assert not Path("HACKED").exists()


def test_the_runs_own_rules_are_used(run: Callable[..., RunDir]) -> None:
    made = run(measured(case(m=1), TIMES))
    assert {v["rule"] for v in shown(made)["verdicts"]} == {"answer", "coverage"}
    (made.path / "config.yaml").write_text(
        yaml.safe_dump({"rules": rules(), "hardware": MEASURED, "site": {}, "launch": {}}), encoding="utf-8"
    )
    assert "gemm_small" in {v["rule"] for v in shown(made)["verdicts"]}


@pytest.mark.parametrize("name", ["run.json", "plan.json", "facts.json"])
def test_missing_files_are_problems_not_crashes(run: Callable[..., RunDir], name: str) -> None:
    made = run(measured(case(m=1), TIMES), facts=FACTS)
    (made.path / name).unlink()
    data = shown(made)
    assert data["exit_code"] == (2 if name == "plan.json" else 0)
    assert (data["run"]["status"] == "unreadable") == (name == "run.json")


def test_an_empty_folder_is_shown(tmp_path: Path) -> None:
    (tmp_path / "20261124-000000-000-abcdef").mkdir()
    data = shown(RunDir(tmp_path / "20261124-000000-000-abcdef"))
    assert (data["exit_code"], data["cases"], data["run"]["status"]) == (2, [], "unreadable")
