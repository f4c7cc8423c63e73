"""Baselines: approval, the frozen first, creep that no single step shows; bridges; known regressions that expire."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from assay.harness.door.main import main
from assay.harness.errors import RefusalError, StoreError
from assay.harness.rundir import RunDir
from assay.results import baseline_check, baselines, known
from assay.results.bridge import bridge
from assay.results.compare import Row
from assay.results.store import Store
from tests.results.builders import time_record, write_records

KEYS = ("gemm/1/cpu/barrier/m=64/1x1", "gemm/1/cpu/barrier/m=128/1x1")
TOMORROW = (datetime.now(UTC).date() + timedelta(days=1)).isoformat()


def runs(store: Path, first: int, factor: float = 1.0, *, other: float = 1.0, count: int = 5, **described: Any) -> list[RunDir]:
    """Write runs of two cases whose times wobble by 0.02 %; the first case is ``factor`` times as long, the second ``other``."""
    made = []
    for i in range(first, first + count):
        name = f"20261126-{i // 1000:06d}-{i % 1000:03d}-{i:06x}"
        wobble = 1 + 0.0002 * ((i * 7) % 5 - 2)
        records = [time_record(1e-3 * f * wobble, run=name, key=key) for key, f in zip(KEYS, (factor, other), strict=True)]
        made.append(write_records(store / name, records, **described))
    return made


def approved(store: Store, made: list[RunDir], reason: str = "why", **reasons: str) -> baselines.Segment:
    baselines.propose(store, "release", made, reason=reason)
    return baselines.approve(store, "release", reasons)


def test_a_first_baseline_is_approved_as_it_is(tmp_path: Path) -> None:
    store = Store(tmp_path)
    made = runs(tmp_path, 0, host="n1")
    first = approved(store, made)
    assert (first.label, first.nodes, len(first.runs)) == ("release@1", ("n1",), 5)
    assert store.resolve("release") == made == store.resolve("release@1")
    assert not (tmp_path / "baselines" / "release" / "proposed.json").exists()


def test_worse_cases_are_approved_one_by_one(tmp_path: Path) -> None:
    store = Store(tmp_path)
    approved(store, runs(tmp_path, 0))
    worse = runs(tmp_path, 100, 1.05, other=1.08)
    baselines.propose(store, "release", worse, reason="new driver")
    for reasons in ({}, {KEYS[0]: "known"}, {KEYS[0]: "", KEYS[1]: "x"}):
        with pytest.raises(RefusalError, match="approved by nobody"):
            baselines.approve(store, "release", reasons)
    second = baselines.approve(store, "release", {KEYS[0]: "the driver checks more", f"{KEYS[1]} device0": "the same"})
    assert second.number == 2
    assert second.approved[f"{KEYS[0]} device0"]["change"] == pytest.approx(0.05, abs=1e-3)
    assert store.resolve("release") == worse
    assert len(baselines.segments(store, "release")) == 2


def test_a_case_that_is_not_worse_needs_nobody(tmp_path: Path) -> None:
    store = Store(tmp_path)
    approved(store, runs(tmp_path, 0))
    assert approved(store, runs(tmp_path, 100, 0.9)).approved == {}


def test_ten_allowed_steps_are_one_finding(tmp_path: Path) -> None:
    store = Store(tmp_path)
    level = 1.0
    approved(store, runs(tmp_path, 0))
    for step in range(1, 11):
        level *= 1.005
        approved(store, runs(tmp_path, 100 * step, level), reason=f"step {step}")
    last = runs(tmp_path, 2000, level * 1.005)
    found = baseline_check.check(store, "release", last, min_effect=0.01)
    assert found.newest.counts == {"same": 2}  # no single step is over 1 %
    (row,) = found.creep
    assert row.key == KEYS[0]
    assert row.change == pytest.approx(1.005**11 - 1, abs=2e-3)
    assert found.code == 1
    (line,) = baseline_check.creep_lines(found)
    assert "since release@1" in line


def test_what_was_approved_is_no_creep(tmp_path: Path) -> None:
    store = Store(tmp_path)
    approved(store, runs(tmp_path, 0))
    approved(store, runs(tmp_path, 100, 1.05), **{KEYS[0]: "agreed"})
    assert baseline_check.check(store, "release", runs(tmp_path, 200, 1.05), min_effect=0.01).creep == ()
    found = baseline_check.check(store, "release", runs(tmp_path, 300, 1.0695), min_effect=0.03)
    assert found.creep == ()  # 1.86 % over what was approved
    assert len(baseline_check.check(store, "release", runs(tmp_path, 400, 1.058), min_effect=0.005).creep) <= 1


def test_a_steady_run_is_silent(tmp_path: Path) -> None:
    store = Store(tmp_path)
    approved(store, runs(tmp_path, 0))
    approved(store, runs(tmp_path, 100))
    found = baseline_check.check(store, "release", runs(tmp_path, 200), min_effect=0.01)
    assert (found.code, found.creep) == (0, ())


def test_a_baseline_never_judges_its_own_runs(tmp_path: Path) -> None:
    store = Store(tmp_path)
    made = runs(tmp_path, 0)
    approved(store, made)
    with pytest.raises(RefusalError, match="part of the baseline"):
        baseline_check.check(store, "release", made[:1], min_effect=0.01)


def test_excluded_cases_are_left_out_and_said(tmp_path: Path) -> None:
    store = Store(tmp_path)
    made = runs(tmp_path, 0)
    baselines.propose(store, "release", made, reason="why", excluded={"*m=128*": "too noisy"})
    baselines.approve(store, "release", {})
    found = baseline_check.check(store, "release", runs(tmp_path, 100, other=2.0), min_effect=0.01)
    assert found.code == 0
    assert any("too noisy" in note for note in found.newest.notes)


def test_refusals(tmp_path: Path) -> None:
    store = Store(tmp_path)
    made = runs(tmp_path, 0)
    for words, said in (
        (lambda: baselines.propose(store, "release", made, reason=" "), "needs a reason"),
        (lambda: baselines.propose(store, "../x", made, reason="r"), "cannot be a tag"),
        (lambda: baselines.propose(store, "release", [*made, *runs(tmp_path, 50, hw_class="other")], reason="r"), "kinds of hardware"),
        (lambda: baselines.propose(store, "release", runs(tmp_path, 60, inject=True), reason="r"), "planted"),
        (lambda: baselines.approve(store, "release", {}), "no proposal"),
        (lambda: baselines.newest(store, "release"), "is no baseline"),
    ):
        with pytest.raises(RefusalError, match=said):
            words()
    approved(store, made)
    (made[0].path).rename(tmp_path / ".gone")
    with pytest.raises(RefusalError, match="not in this store"):
        baseline_check.check(store, "release", runs(tmp_path, 100), min_effect=0.01)
    (tmp_path / "baselines" / "release" / "001.json").write_text("{", encoding="utf-8")
    with pytest.raises(StoreError, match=r"001\.json"):
        baselines.newest(store, "release")


def test_a_proposal_that_was_overtaken_is_refused(tmp_path: Path) -> None:
    store = Store(tmp_path)
    approved(store, runs(tmp_path, 0))
    baselines.propose(store, "release", runs(tmp_path, 100), reason="mine")
    mine = (tmp_path / "baselines" / "release" / "proposed.json").read_bytes()
    approved(store, runs(tmp_path, 200), reason="theirs")
    (tmp_path / "baselines" / "release" / "proposed.json").write_bytes(mine)
    with pytest.raises(RefusalError, match="no longer the newest"):
        baselines.approve(store, "release", {})


def test_pruning_keeps_baselines(tmp_path: Path) -> None:
    store = Store(tmp_path)
    approved(store, runs(tmp_path, 0))
    runs(tmp_path, 100)
    pruned = {row.id for row in store.prune(keep=1)}
    assert not pruned & set(baselines.newest(store, "release").runs)
    assert len(pruned) == 4


def test_a_bridge_cancels_what_differs_between_nodes(tmp_path: Path) -> None:
    old = [run for i, speed in enumerate((1.0, 1.3, 0.8)) for run in runs(tmp_path, 10 * i, speed, count=2, host=f"n{i}")]
    new = [
        run
        for i, speed in enumerate((1.0, 1.3, 0.8))
        for run in runs(tmp_path, 100 + 10 * i, speed * 1.07, count=2, host=f"n{i}", sw_class="sw2")
    ]
    found = bridge(old, new)
    by_key = {one.key: one for one in found.factors}
    assert by_key[KEYS[0]].factor == pytest.approx(1.07, abs=1e-3)
    interval = by_key[KEYS[0]].interval
    assert interval is not None
    assert interval[0] <= 1.07 + 1e-9
    assert interval[1] >= 1.07 - 1e-9
    assert interval[1] - interval[0] < 0.01
    assert by_key[KEYS[1]].factor == pytest.approx(1.0, abs=1e-3)
    assert by_key[KEYS[0]].nodes == 3
    with pytest.raises(RefusalError, match="nodes are not the same"):
        bridge(old, new[:4])
    with pytest.raises(RefusalError, match="hardware differs"):
        bridge(runs(tmp_path, 300, host="a"), runs(tmp_path, 400, host="a", hw_class="hw2"))


def row(change: float, status: str = "slower") -> Row:
    return Row(KEYS[0], "device0", status, "why", change=change)


def test_known_regressions_expire_and_have_a_worst(tmp_path: Path) -> None:
    store = Store(tmp_path)
    known.add(store, "gemm", case="gemm/*", reason="issue 12", until=TOMORROW, worst=0.05)
    found = known.read(store)
    today = datetime.now(UTC).date()
    (mild,) = known.mark([row(0.04)], found)
    assert mild.status == "known"
    assert "issue 12" in mild.reason
    (bad,) = known.mark([row(0.06)], found)
    assert (bad.status, "worse" in bad.reason) == ("slower", True)
    (late,) = known.mark([row(0.04)], found, on=today + timedelta(days=2))
    assert (late.status, "has passed" in late.reason) == ("slower", True)
    assert known.mark([row(0.04, "missing")], found)[0].status == "missing"
    known.remove(store, "gemm")
    assert known.read(store) == []


@pytest.mark.parametrize(
    "changes", [{"reason": ""}, {"until": "soon"}, {"until": "2020-01-01"}, {"worst": 0.0}, {"worst": float("nan")}, {"name": "../x"}]
)
def test_known_regressions_without_end_or_reason_are_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    given = {"name": "gemm", "case": "gemm/*", "reason": "issue 12", "until": TOMORROW, "worst": 0.05} | changes
    with pytest.raises(RefusalError):
        known.add(Store(tmp_path), given.pop("name"), **given)


def test_the_verbs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = ["--store", str(tmp_path)]
    ids = ",".join(run.id for run in runs(tmp_path, 0))
    worse = ",".join(run.id for run in runs(tmp_path, 100, 1.05))
    assert main(["baseline", "propose", "release", ids, "--reason", "first", *where]) == 0
    assert main(["baseline", "approve", "release", *where]) == 0
    assert main(["baseline", "check", "release", worse, *where]) == 1
    assert "1 slower" in capsys.readouterr().out
    assert main(["known", "add", "k", "gemm/*", "--reason", "issue 12", "--until", TOMORROW, "--worst", "0.06", *where]) == 0
    assert main(["baseline", "check", "release", worse, *where]) == 0
    assert "issue 12" in capsys.readouterr().out
    assert main(["compare", "release", worse, "--gate", *where]) == 0
    assert main(["baseline", "propose", "release", worse, "--reason", "second", *where]) == 0
    assert main(["baseline", "approve", "release", *where]) == 3
    assert KEYS[0] in capsys.readouterr().err
    assert main(["baseline", "approve", "release", "--case", KEYS[0], "--because", "agreed", *where]) == 0
    assert main(["baseline", "show", "release", *where]) == 0
    text = capsys.readouterr().out
    assert "release@1 (frozen)" in text
    assert "approved" in text
    assert main(["baseline", "list", "--json", *where]) == 0
    assert len(json.loads(capsys.readouterr().out)["baselines"]["release"]) == 2
    assert main(["bridge", ids, worse, *where]) == 0
    assert "x 1.05" in capsys.readouterr().out
    assert main(["known", "remove", "k", *where]) == 0
    assert main(["baseline", "check", *where]) == 3
    assert date.fromisoformat(TOMORROW)
