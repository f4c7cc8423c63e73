"""The outcome of a gate: exit codes, its form on disk, shards made one, and text that data cannot break out of."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from assay.harness.errors import RefusalError, StoreError
from assay.results.exchange.github import cell, escape
from assay.results.gate import Look
from assay.results.gate_junit import code_quality, junit
from assay.results.gate_merge import merge
from assay.results.gate_report import GateReport, read_report
from assay.results.gate_rows import STATUSES, Row
from assay.results.gate_text import gate_lines, markdown, workflow_commands
from assay.results.thresholds import Thresholds

LOOK = Look("slower", "why", change=0.05, interval=(0.04, 0.06), interval90=(0.041, 0.059), p=1e-6, pairs=10, floor=0.002, margin=0.01)
HOSTILE = "<script>alert(1)</script>|`x`\x1b[31m\n::error::boo,]]>"


def row(status: str, key: str = "gemm/1/cpu/barrier/m=64/1x1", reason: str = "because") -> Row:
    return Row(key, "device0", status, reason, base=1e-3, head=1.05e-3, look=LOOK, values=((1e-3, 1.05e-3),) * 3)


def report(*rows: Row, **changes: object) -> GateReport:
    made = GateReport(
        "g1",
        "2026-11-26T00:00:00+00:00",
        {"label": "main", "commit": "abc"},
        {"label": ".", "commit": "def"},
        ["assay", "run"],
        10,
        Thresholds(),
        rows,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("statuses", "code"),
    [
        (["same"], 0),
        (["same", "faster"], 0),
        (["same", "slower"], 1),
        (["wrong", "missing"], 1),
        (["same", "missing"], 2),
        (["same", "inconclusive"], 4),
        (["not-comparable"], 4),
        (["same", "new"], 4),
        ([], 4),
    ],
)
def test_exit_codes(statuses: list[str], code: int) -> None:
    made = report(*(row(status, key=f"k{i}") for i, status in enumerate(statuses)))
    assert made.exit_code == code
    assert replace(made, advisory="only advises").exit_code == 0
    assert replace(made, advisory="only advises").verdict_code == code
    assert replace(made, allow_inconclusive=True).exit_code == (0 if code == 4 else code)


def test_disk_and_back(tmp_path: Path) -> None:
    made = report(row("slower"), replace(row("same", key="k2"), confirm=LOOK), notes=("a note",), aa=(1, 40), shard="1/2")
    path = tmp_path / "gate.json"
    path.write_text(json.dumps(made.as_dict()), encoding="utf-8")
    assert read_report(tmp_path).as_dict() == made.as_dict()
    for spoiled in (b"{", b"[]", b'{"schema": "assay.gate/2"}', path.read_bytes()[:-30], path.read_bytes().replace(b'"rows"', b'"roes"')):
        path.write_bytes(spoiled)
        with pytest.raises(StoreError, match=r"gate\.json"):
            read_report(path)


def test_shards_become_one() -> None:
    parts = [report(row("same", key=f"k{i}"), shard=f"{i}/3", id=f"g{i}", aa=(i, 10)) for i in (1, 2, 3)]
    made = merge([parts[2], parts[0], parts[1]])
    assert [one.key for one in made.rows] == ["k1", "k2", "k3"]
    assert made.aa == (6, 30)
    assert made.exit_code == 0
    slow = replace(parts[1], rows=(row("slower", key="k2"),))
    assert merge([parts[0], slow, parts[2]]).exit_code == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"shard": "1/3"}, "each once"),
        ({"shard": ""}, "whole"),
        ({"shard": "2/2"}, "each once"),
        ({"base": {"label": "other", "commit": "abc"}}, "base"),
        ({"thresholds": Thresholds(min_effect=0.5)}, "thresholds"),
        ({"machine": "other"}, "machine"),
        ({"rows": (row("same", key="k1"),)}, "two shards"),
    ],
)
def test_shards_that_do_not_belong_together_are_refused(change: dict[str, object], said: str) -> None:
    parts = [report(row("same", key=f"k{i}"), shard=f"{i}/3", id=f"g{i}") for i in (1, 2, 3)]
    parts[1] = replace(parts[1], **change)  # type: ignore[arg-type]
    with pytest.raises(RefusalError, match=said):
        merge(parts)


def test_a_missing_shard_never_passes() -> None:
    parts = [report(row("same", key=f"k{i}"), shard=f"{i}/3") for i in (1, 3)]
    with pytest.raises(RefusalError, match="2/3"):
        merge(parts)
    with pytest.raises(RefusalError, match="nothing to merge"):
        merge([])


def test_worst_comes_first_and_same_is_counted() -> None:
    made = report(*(row(status, key=f"k-{status}") for status in reversed(STATUSES)))
    text = "\n".join(line for line, _ in gate_lines(made))
    assert "k-same" not in text
    assert [text.index(f"k-{status}") for status in STATUSES[:-1]] == sorted(text.index(f"k-{status}") for status in STATUSES[:-1])
    assert "k-same" in "\n".join(line for line, _ in gate_lines(made, whole=True))
    assert "+5 % [+4 %, +6 %] n=10, noise floor 0.2 %" in text


def test_hostile_names_stay_text() -> None:
    made = report(row("slower", key=HOSTILE, reason=HOSTILE), notes=(HOSTILE,))
    terminal = "\n".join(line for line, _ in gate_lines(made) if "note" not in line)
    assert "\x1b" not in terminal
    page = markdown(made)
    assert "<script" not in page
    assert all(line.count("|") - line.count("\\|") == 8 for line in page.splitlines() if line.startswith("| slower"))
    (command,) = workflow_commands(made)
    assert "\n" not in command
    found = ET.fromstring(junit(made))  # noqa: S314 - our own output
    (test,) = found.iter("testcase")
    assert "<script>" in test.attrib["name"]


def test_cells_and_commands_are_escaped() -> None:
    assert cell("a|b<c>*d*") == r"a\|b&lt;c&gt;\*d\*"
    assert escape("50% a:b,c\n", prop=True) == "50%25 a%3Ab%2Cc%0A"
    assert escape("a:b") == "a:b"


def test_junit_counts_what_failed() -> None:
    statuses = ["same", "faster", "slower", "wrong", "missing", "inconclusive", "new", "not-comparable"]
    found = ET.fromstring(junit(report(*(row(status, key=f"k{i}") for i, status in enumerate(statuses)))))  # noqa: S314 - our own output
    assert {name: found.attrib[name] for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "8",
        "failures": "2",
        "errors": "1",
        "skipped": "3",
    }


def test_gitlab_findings_are_what_failed_and_nothing_else() -> None:
    statuses = ["same", "faster", "slower", "wrong", "missing", "inconclusive", "new", "not-comparable", "known"]
    found = json.loads(code_quality(report(*(row(status, key=f"k{i}") for i, status in enumerate(statuses)))))
    assert {one["description"].partition(":")[0]: one["severity"] for one in found} == {
        "slower": "major",
        "wrong": "blocker",
        "missing": "critical",
    }
    assert json.loads(code_quality(report(row("same")))) == []
