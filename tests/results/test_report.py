"""The report: what must be in it, in which order, and what must never reach the terminal."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from assay.harness.case import Case
from assay.harness.measurement import Fault, Measurement
from assay.harness.rundir import RunDir
from assay.harness.work import Volume
from assay.results.compare import compare
from assay.results.judge import Judgement, judge
from assay.results.report import render, render_comparison
from tests.results.builders import MEASURED, bare_rules, calibration, case, measured, message, time_record, write_records, write_run, wrong

TIMES = [1e-3, 1.1e-3, 1.2e-3, 1.3e-3, 1.4e-3, 1.5e-3, 9e-3]
FLOOR = {"kind": "floor", "suite": "gemm", "metric": "flop_rate", "share_of_limit": 0.25, "why": "slow fans"}
LIMIT = calibration("matrix_fp32", [1e-3] * 7, volume=Volume(flops=4e9))
LINK = calibration("link", [1e-3] * 7, volume=message(10**8, None))


def judged(path: Path, found: Sequence[Measurement], *, base: Sequence[RunDir] = (), **more: Any) -> Judgement:
    """Write and judge a run."""
    return judge(write_run(path, found, **more), config={"rules": bare_rules(mine=FLOOR), "hardware": MEASURED}, base=base)


def shown(judgement: Judgement, *, width: int = 200) -> list[str]:
    """Render without colour."""
    return render(judgement, color=False, width=width).split("\n")


def row(lines: Sequence[str], text: str) -> str:
    """Give the only line that holds a text."""
    (line,) = [line for line in lines if text in line]
    return line


def collective(nbytes: int) -> Measurement:
    """Make an all-reduce on two ranks, the second always slower."""
    return measured(
        case("all_reduce", nranks=2, bytes=nbytes, transport="mpi"),
        TIMES,
        [t + 1e-4 for t in TIMES],
        volume=message(nbytes, 1.0),
        scope="world",
    )


def test_a_passing_run_in_full(tmp_path: Path) -> None:
    lines = shown(judged(tmp_path / "r", [LIMIT, measured(case(m=64, dtype="fp32"), TIMES)]))
    line = row(lines, "m=64")
    assert all(
        word in line for word in ("right", "1.30", "1.00..9.00", "ms", "1.54 TFLOP/s", "38.5 % of measured matrix_fp32", "row 0.1")
    ), line
    assert line.split()[-1] == "7"
    assert lines[-2].startswith("coverage: 2 of 2 cases measured")
    assert lines[-1] == "PASS (exit code 0)  run r"


def test_what_is_constant_stands_in_the_heading_what_varies_in_the_row(tmp_path: Path) -> None:
    lines = shown(judged(tmp_path / "r", [measured(case(m=m, k=7168), TIMES) for m in (64, 128)]))
    heading = row(lines, "gemm:")
    assert "k=7168" in heading
    assert "m=" not in heading
    assert "k=" not in row(lines, "  m=128 ")


def test_devices_are_folded_to_the_slowest_which_is_named(tmp_path: Path) -> None:
    lines = shown(judged(tmp_path / "r", [measured(case(nranks=3, m=64), TIMES, [5 * t for t in TIMES], TIMES)]))
    line = next(line for line in lines if "right" in line)
    assert "device1 of 3" in line
    assert "6.50" in line


def test_collectives_show_both_bandwidths_and_name_the_slowest_rank(tmp_path: Path) -> None:
    lines = shown(judged(tmp_path / "r", [LINK, collective(8), collective(4 << 20)]))
    large, small = row(lines, "bytes=4MiB"), row(lines, "bytes=8B")
    assert all(word in row(lines, "algbw") for word in ("busbw", "share of limit", "slowest"))
    assert all(word in large for word in ("3.00 GB/s", "3 % of measured link", "rank1 in 7/7")), large
    assert "latency" in small
    assert "measured link" not in small


def test_wrong_answers_have_no_figures_and_come_first_among_the_verdicts(tmp_path: Path) -> None:
    crashed = replace(measured(case(m=3), TIMES), status="crashed", reason="killed by SIGKILL")
    lines = shown(judged(tmp_path / "r", [LIMIT, measured(case(m=1), TIMES), crashed, wrong(case(m=2))]))
    line = row(lines, "  m=2 ")
    assert "WRONG" in line
    assert "ms" not in line
    start = next(i for i, text in enumerate(lines) if text.startswith("verdicts:"))
    assert lines[start] == "verdicts: 1 fail, 2 error, 3 pass"  # the case, and the coverage that it lacks
    assert "row 17, column 3" in lines[start + 1]
    assert "killed by SIGKILL" in lines[start + 2]
    assert lines[-1].startswith("FAIL (exit code 1)")


def test_a_missed_floor_says_figure_limit_and_why(tmp_path: Path) -> None:
    lines = shown(judged(tmp_path / "r", [LIMIT, measured(case(m=1), [1.0] * 7)]))
    line = row(lines, "fail mine")
    assert all(
        word in line for word in ("device0", "2.00 GFLOP/s", "0.05 % of measured matrix_fp32", "4.00 TFLOP/s", "25 %", "slow fans")
    ), line


def test_planted_faults_are_loud(tmp_path: Path) -> None:
    planted = measured(replace(case(m=1), inject={"kind": "flip_element"}), TIMES)
    lines = shown(judged(tmp_path / "r", [planted], inject=True))
    assert lines[0].startswith("FAULTS WERE PLANTED")
    assert any("PLANTED:flip_element" in line for line in lines)
    assert not any("PLANTED" in line for line in shown(judged(tmp_path / "s", [measured(case(m=1), TIMES)])))


def test_flags_are_told_once_with_their_number(tmp_path: Path) -> None:
    flagged = [measured(case(m=m), TIMES, flags=("warm-up did not converge",)) for m in (1, 2)]
    assert "(2 cases)" in row(shown(judged(tmp_path / "r", flagged)), "warm-up did not converge")


def test_stacks_that_were_kept_are_pointed_to(tmp_path: Path) -> None:
    fault = Fault(1, "time", 3, "hung", {"rank 0": "File a", "rank 1": "File b"})
    hung = replace(measured(case(m=1), TIMES), status="timeout", reason="rank 1 hung", fault=fault)
    assert "stacks of rank 0, rank 1" in row(shown(judged(tmp_path / "r", [hung])), "stacks of")


def test_left_out_cases_and_problems_are_told(tmp_path: Path) -> None:
    run = write_run(tmp_path / "r", [measured(case(m=1), TIMES)], left_out=[(case(m=2), "--budget 1s")])
    (run.path / "measurements" / "001-ranks.jsonl").write_text("{broken\n", encoding="utf-8")
    lines = shown(judge(run, config={"rules": bare_rules(), "hardware": MEASURED}))
    assert "1 left out (--budget 1s)" in lines[-2]
    assert "001-ranks.jsonl line 1" in lines[lines.index("problems") + 1]


EVIL = "\x1b[2J\x1b]0;owned\x07\r\n\u202eback\x9b31m"


def test_nothing_that_was_stored_can_drive_the_terminal(tmp_path: Path) -> None:
    params = {"name": EVIL, "m": 1}
    broken = replace(
        measured(Case(f"suite{EVIL}", "t", params), TIMES),
        status="error",
        reason=EVIL,
        fault=Fault(0, EVIL, 1, EVIL, {EVIL: EVIL}),
        flags=(EVIL,),
    )
    flagged = measured(Case(f"suite{EVIL}", "t", {**params, "m": 2}), TIMES, flags=(EVIL,))
    base = write_run(tmp_path / f"base{EVIL}".replace("/", ""), [flagged], hw_class="other", facts={"host": EVIL})
    run = write_run(tmp_path / "r", [broken, flagged], facts={"host": "x"}, left_out=[(case(m=3), EVIL)])
    (run.path / "measurements" / "001-ranks.jsonl").write_text(f'{{"kind": "case", "case": {{"{EVIL!r}": 1}}}}\n', encoding="utf-8")
    judgement = judge(run, config={"rules": bare_rules(), "hardware": MEASURED}, base=[base])
    assert judgement.comparison is not None
    for text in (render(judgement, color=False, width=80), render_comparison(judgement.comparison, color=False, width=80)):
        assert "owned" in text
        assert all(character.isprintable() for character in text.replace("\n", ""))


def test_colour_only_when_asked_and_then_closed_on_every_line(tmp_path: Path) -> None:
    judgement = judged(tmp_path / "r", [wrong(case(m=1)), measured(case(m=2), TIMES)])
    assert "\x1b" not in render(judgement, color=False, width=100)
    for line in render(judgement, color=True, width=100).split("\n"):
        assert line.count("\x1b[0m") == len(re.findall(r"\x1b\[\d", line)) - line.count("\x1b[0m")
    assert re.sub(r"\x1b\[\d+m", "", render(judgement, color=True, width=100)) == render(judgement, color=False, width=100)


@pytest.mark.parametrize("width", [0, 40, 80, 120, 10_000])
def test_any_width_works_and_long_names_are_cut_not_figures(tmp_path: Path, width: int) -> None:
    long = measured(case(layer="x" * 150, m=64), TIMES)
    lines = shown(judged(tmp_path / "r", [LIMIT, long, measured(case(layer="y", m=1), TIMES)]), width=width)
    assert any("1.54 TFLOP/s" in line and "38.5 %" in line for line in lines)


def test_a_comparison_in_short_and_in_full(tmp_path: Path) -> None:
    def side(name: str, factor: float) -> list[RunDir]:
        return [
            write_records(tmp_path / f"{name}{i}", [time_record(factor * (1 + i / 1000), run=f"{name}{i}", key=f"k{k}") for k in range(30)])
            for i in range(2)
        ]

    comparison = compare(side("b", 1.0), side("h", 2.0), min_effect=0.03, min_seconds=1e-6)
    full = render_comparison(comparison, color=False, width=100)
    assert full.count("slower") >= 30
    assert "1.00 s -> 2.00 s  +100 %" in full
    same = render_comparison(compare(side("c", 1.0), side("d", 1.0), min_effect=0.03, min_seconds=1e-6), color=False, width=100)
    assert same.startswith("comparison with c0, c1: 30 same")
    assert len(same.split("\n")) == 1


def test_one_run_a_side_gives_its_reason_once_and_the_largest_changes(tmp_path: Path) -> None:
    base = write_records(tmp_path / "b", [time_record(1.0, run="b", key=f"k{k}") for k in range(30)])
    lines = shown(judged(tmp_path / "r", [measured(case(m=m), [(m + 1.0)] * 7) for m in range(30)], base=[base]))
    assert any(line.startswith("comparison with b: 30 missing, 30 new") for line in lines)
    other = write_records(tmp_path / "h", [time_record(1.0 + k / 10, run="h", key=f"k{k}") for k in range(30)])
    text = render_comparison(compare([base], [other], min_effect=0.03, min_seconds=1e-6), color=False, width=100)
    assert text.count("no interval is possible") == 1
    assert text.split("\n")[2].startswith("  inconclusive   k29 device0  1.00 s -> 3.90 s  +290 %")
