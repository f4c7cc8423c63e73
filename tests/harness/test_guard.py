"""The guard outside a rank says how it ended before any launcher can know: who died first is never guessed."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from assay.harness.guard import Death, deaths, first_dead

RANK = """
import os, sys, time
from pathlib import Path
from assay.harness.guard import stand_guard
stand_guard(Path(sys.argv[1]))
Path(sys.argv[2]).write_text(str(os.getpid()))
exec(sys.argv[3])
"""


def rank(folder: Path, number: int, does: str) -> subprocess.Popen[bytes]:
    argv = [sys.executable, "-c", RANK, str(folder / "deaths"), str(folder / f"pid{number}"), does]
    return subprocess.Popen(argv)


def pid(folder: Path, number: int) -> int:
    path = folder / f"pid{number}"
    while not path.exists() or not path.read_text():
        os.sched_yield()
    return int(path.read_text())


@pytest.mark.parametrize("first", [0, 1])
def test_the_first_to_die_is_named_although_the_launcher_kills_the_rest_at_once(tmp_path: Path, first: int) -> None:
    ranks = [rank(tmp_path, number, "time.sleep(60)") for number in range(2)]
    pids = [pid(tmp_path, number) for number in range(2)]
    os.kill(pids[first], signal.SIGKILL)
    assert ranks[first].wait(30) == -signal.SIGKILL  # what a launcher waits for
    ranks[1 - first].kill()  # and what it does then
    ranks[1 - first].wait(30)
    named = [(number, os.uname().nodename, pids[number]) for number in range(2)]
    assert first_dead(tmp_path / "deaths", named) == Death(first, -signal.SIGKILL)
    assert [word["code"] for word in deaths(tmp_path / "deaths")] == [-signal.SIGKILL]


@pytest.mark.parametrize(("does", "code"), [("sys.exit(0)", 0), ("sys.exit(3)", 3)])
def test_an_ending_in_order_leaves_no_word(tmp_path: Path, does: str, code: int) -> None:
    assert rank(tmp_path, 0, does).wait(30) == code
    assert deaths(tmp_path / "deaths") == []


@pytest.mark.parametrize(("does", "code"), [("os._exit(7)", 7), ("os.abort()", -signal.SIGABRT), ("os.kill(os.getpid(), 11)", -11)])
def test_an_ending_out_of_order_keeps_its_code_and_leaves_a_word(tmp_path: Path, does: str, code: int) -> None:
    assert rank(tmp_path, 0, does).wait(30) == code
    assert [word["code"] for word in deaths(tmp_path / "deaths")] == [code]


def test_a_rank_that_was_asked_to_stop_leaves_no_word(tmp_path: Path) -> None:
    asked = rank(tmp_path, 0, "time.sleep(60)")
    pid(tmp_path, 0)
    asked.terminate()
    assert asked.wait(30) == -signal.SIGTERM
    assert deaths(tmp_path / "deaths") == []


def test_a_rank_dies_with_its_guard(tmp_path: Path) -> None:
    killed = rank(tmp_path, 0, "time.sleep(60)")
    number = os.pidfd_open(pid(tmp_path, 0))
    killed.kill()
    killed.wait(30)
    assert select.select([number], [], [], 30)[0] == [number]
    os.close(number)


def test_processes_of_others_and_broken_words_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"host": "x", "pid": 1, "code": -9, "time_ns": 5}')
    (tmp_path / "b.json").write_text('{"host": "x", "p')
    assert first_dead(tmp_path, [(3, "y", 1)]) is None
    assert first_dead(tmp_path, [(3, "x", 1)]) == Death(3, -9)
