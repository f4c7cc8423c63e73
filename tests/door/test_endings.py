"""However a command ends, its exit code says what was found: a reader that goes away, a signal, damaged files change no verdict."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import BESIDE
from tests.door.place import LEAN, TRACEBACK, Place, until

WRONG = ("inject.kind=flip_element", "inject.suite=all_reduce")


def read_by_nobody(fresh: Place, *args: str) -> tuple[int, str]:
    """Run ``assay`` into a pipe whose reader is gone; returns its exit code and what it said on standard error."""
    receive, send = os.pipe()
    os.close(receive)
    with os.fdopen(send, "w") as closed:
        door = subprocess.run(
            [str(BESIDE / "assay"), *args],
            env=fresh.environ,
            cwd=fresh.folder,
            stdout=closed,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    return door.returncode, door.stderr


@pytest.mark.mpi
@pytest.mark.parametrize(("extra", "code"), [(WRONG, 1), (("--json", *WRONG), 1), ((), 0)])
def test_a_reader_that_goes_away_changes_no_verdict(fresh: Place, extra: tuple[str, ...], code: int) -> None:
    found, said = read_by_nobody(fresh, "run", *LEAN, *extra)
    assert (found, TRACEBACK in said) == (code, False), said


def test_reading_verbs_end_well_when_their_reader_goes_away(fresh: Place) -> None:
    assert read_by_nobody(fresh, "runs") == (0, "")
    assert read_by_nobody(fresh, "suites")[0] == 0
    assert read_by_nobody(fresh, "show", "absent")[0] == 3


@pytest.mark.mpi
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_at_any_moment_is_130_or_the_signal_itself_never_a_verdict(fresh: Place, number: int) -> None:
    for delay in (0.15, 0.6, 1.2):  # importing, composing, launching: wherever it falls
        with fresh.running("run", *LEAN, "budget.seconds=5", "budget.precision=1e-9") as door:
            time.sleep(delay)
            door.send_signal(number)
            assert door.wait(30) in {130, -number}, fresh.said
        assert "defect of Assay" not in fresh.said
        assert not fresh.left()


@pytest.mark.mpi
def test_an_interruption_ends_all_launches_and_is_one_document(fresh: Place) -> None:
    with fresh.running("run", *LEAN, "--runs", "3", "budget.seconds=5", "budget.precision=1e-9") as door:
        until(lambda: bool(fresh.runs) and any((fresh.runs[0] / "beats").glob("*")), door)
        door.send_signal(signal.SIGTERM)
        assert door.wait(30) == 130
    assert len(fresh.runs) == 1
    assert fresh.show()["run"]["status"] == "interrupted"


@pytest.mark.mpi
def test_launches_together_decide_against_a_base(fresh: Place) -> None:
    loopback = (*LEAN, "suite.all_reduce.transport=loopback", "site.nranks=1", "suite.all_reduce.axes.bytes=[65536]")
    assert fresh.assay("run", *loopback, "--runs", "3").returncode == 0
    names = [run.name for run in fresh.runs]
    assert fresh.assay("tag", ",".join(names), "gold").returncode == 0
    done = fresh.assay("run", *loopback, "--runs", "3", "--base", "gold", "--json")
    found = json.loads(done.stdout)
    rows = found["comparison"]["rows"]
    assert [(row["n_base"], row["n_head"]) for row in rows] == [(3, 3)]
    assert rows[0]["interval"] is not None
    wanted = {"slower": 1, "same": 0, "faster": 0}.get(rows[0]["status"], 4)
    assert done.returncode == wanted


@pytest.mark.mpi
def test_damage_after_the_verdict_is_no_pass_and_is_measured_again(fresh: Place) -> None:
    assert fresh.assay("run", *LEAN).returncode == 0
    run = fresh.runs[0]
    path = next((run / "measurements").glob("*-ranks.jsonl"))
    lines = path.read_text(encoding="utf-8").split("\n")
    broken = next(i for i, line in enumerate(lines) if '"kind":"case"' in line)
    path.write_text("\n".join([*lines[:broken], "garbage{", *lines[broken + 1 :]]), encoding="utf-8")
    shown = fresh.show()
    assert (shown["exit_code"], shown["coverage"]["missing"]) == (2, 1)
    assert "ERROR (exit code 2)" in fresh.assay("show", "latest").stdout
    keys = {case["key"] for case in shown["cases"]}
    done = fresh.assay("run", "--resume", run.name)
    assert TRACEBACK not in done.stderr
    readable = [row["case"]["key"] for row in readable_lines(run)]
    assert sorted(readable) == sorted(keys)  # the lost one once more, the other not


def readable_lines(run: Path) -> list[dict[str, Any]]:
    """Read the case lines that were not damaged."""
    texts = [path.read_text(encoding="utf-8") for path in sorted((run / "measurements").glob("*.jsonl"))]
    return [json.loads(line) for text in texts for line in text.splitlines() if '"kind":"case"' in line]


@pytest.mark.mpi
def test_a_run_in_another_store_is_resumed_as_it_says(fresh: Place) -> None:
    with fresh.running("run", *LEAN, "store.url=alt", "budget.seconds=5", "budget.precision=1e-9") as door:
        until(lambda: any((fresh.folder / "alt").glob("2*/beats/*")), door)
        door.send_signal(signal.SIGTERM)
        assert door.wait(30) == 130
    run = next((fresh.folder / "alt").glob("2*"))
    assert f"assay run --resume {run.name} --store {run.parent}" in fresh.said
