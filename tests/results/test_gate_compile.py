"""Compile times: a slower compiler is told apart from a noisy one, one run a side tells nothing, and none of it touches the verdict."""

from __future__ import annotations

import math

import numpy as np
import pytest

from assay.results.gate_compile import compile_lines, compile_times, read_compiled
from assay.results.gate_report import GateReport
from assay.results.gate_text import gate_lines, markdown
from assay.results.thresholds import Thresholds
from tests.results.test_gate_report import report, row

FILLED = {"files": {"base": 3, "head": 4}}


def cold(change: float, *, runs: int = 5, noise: float = 0.03, seed: int = 1) -> dict[str, dict[str, list[float]]]:
    rng = np.random.default_rng(seed)
    base, head = 5 * np.exp(noise * rng.standard_normal((2, runs)))
    return {"case": {"base": base.tolist(), "head": (head * (1 + change)).tolist()}}


@pytest.mark.parametrize(("change", "status"), [(0.4, "slower"), (-0.4, "faster")])
def test_a_planted_change_is_seen(change: float, status: str) -> None:
    (found,) = compile_times(cold(change), Thresholds())
    assert found.status == status
    assert found.base == pytest.approx(5, rel=0.05)
    assert found.head / found.base - 1 == pytest.approx(change, abs=0.08)
    assert f"looks {status} (not confirmed), p " in found.said


def test_without_a_change_nothing_is_said() -> None:
    found = [one for seed in range(40) for one in compile_times(cold(0, seed=seed), Thresholds())]
    assert len(found) == 40
    assert sum(one.status in {"slower", "faster"} for one in found) <= 5  # the first pass may flag 5 %


def test_few_runs_are_shown_and_not_judged() -> None:
    (found,) = compile_times({"case": {"base": [2.0], "head": [4.0]}}, Thresholds())
    assert (found.status, found.counted) == ("inconclusive", "1 cold run a side")
    (found,) = compile_times({"case": {"base": [2.0, 8.0], "head": [4.0, 4.0]}}, Thresholds())
    assert found.base == pytest.approx(4)
    assert found.spreads == pytest.approx((math.log(4) / math.sqrt(2), 0))
    assert "nobody can tell" in found.said


def test_it_is_told_everywhere_and_decides_nothing() -> None:
    made = report(row("same"), compiled=cold(0.4), caches=FILLED)
    assert made.exit_code == 0
    (line,) = [text for text, _ in gate_lines(made) if "looks slower" in text]
    assert " s -> " in line
    assert "5 cold runs a side, spread " in line
    (line,) = [text for text in markdown(made).splitlines() if "looks slower" in text]
    assert line.count("|") == 5
    quiet = report(row("same"), compiled=cold(0.4), caches={"files": {"base": 0, "head": 0}})
    assert compile_lines(quiet) == []  # no compiler wrote anything: first steps of any code are slow
    assert "Compile time" not in markdown(quiet)


def test_disk_and_back_older_files_too() -> None:
    made = report(row("same"), compiled=cold(0.4))
    assert GateReport.from_dict(made.as_dict()).compiled == made.compiled
    assert GateReport.from_dict(made.as_dict() | {"compiled": {"case": [2.0, 4.0]}}).compiled == {"case": {"base": [2.0], "head": [4.0]}}
    with pytest.raises((KeyError, TypeError, ValueError)):
        read_compiled({"case": {"base": ["soon"], "head": [1.0]}})
