"""Who is to blame: planted endings name the right rank, equal ranks name nobody."""

from __future__ import annotations

import json
import os
import signal
import socket
from pathlib import Path

import pytest

from assay.harness.beat import Seen, name
from assay.harness.lastwords import died, hung, stacks, states, waiting

WAITS = """Current thread 0x00007f00 (most recent call first):
  File "site/assay/collectives/mpi.py", line 30 in all_reduce
  File "site/assay/collectives/exchange.py", line 12 in step
  File "site/assay/harness/measure.py", line 140 in block
"""
AGREES = """Current thread 0x00007f00 (most recent call first):
  File "site/assay/harness/world/mpi.py", line 50 in agree
  File "site/assay/harness/session.py", line 70 in agree
"""
WORKS = """Current thread 0x00007f00 (most recent call first):
  File "site/assay/harness/inject.py", line 60 in disturb
  File "site/assay/collectives/exchange.py", line 12 in step
"""


def beat(rank: int, *, case: int = 0, phase: str = "time", repetition: int | None = 5, at: int = 100) -> Seen:
    """Make a heartbeat."""
    return Seen(rank, "node", 1000 + rank, case, phase, repetition, at)


def write_stacks(out: Path, *texts: str) -> None:
    """Write one stack a rank, as ranks do at their deadline."""
    (out / "stacks").mkdir()
    for rank, text in enumerate(texts):
        (out / "stacks" / f"{name(0, rank)}.txt").write_text(text, encoding="utf-8")


def write_fault(out: Path, rank: int, repetition: int | None = 5) -> None:
    """Write down what a rank raised, as the rank does."""
    (out / "faults").mkdir(exist_ok=True)
    word = {"rank": rank, "phase": "time", "repetition": repetition, "reason": "ValueError: planted", "trace": "Traceback: planted"}
    (out / "faults" / f"{name(0, rank)}.json").write_text(json.dumps(word), encoding="utf-8")


@pytest.mark.parametrize("state", ["T", "t"])
def test_a_stopped_rank_is_named_before_a_late_one(tmp_path: Path, state: str) -> None:
    beats = [beat(0, repetition=3), beat(1), beat(2)]
    status, reason, fault = hung(tmp_path, beats, {0: "S", 1: state, 2: "R"}, launch=0, timeout=7)
    assert status == "timeout"
    assert reason == "hung for more than 7 s: rank 1 on node (pid 1001): time, repetition 5 (the process is stopped)"
    assert (fault.rank, fault.phase, fault.repetition) == (1, "time", 5)
    assert "rank 0 on node" in fault.detail


@pytest.mark.parametrize("state", ["Z", "dead"])
def test_a_dead_rank_is_named(tmp_path: Path, state: str) -> None:
    _, reason, fault = hung(tmp_path, [beat(0), beat(1)], {0: "S", 1: state}, launch=0, timeout=7)
    assert fault.rank == 1
    assert "the process is dead" in reason


@pytest.mark.parametrize("late", [beat(1, repetition=4), beat(1, phase="warm-up", repetition=9), beat(1, repetition=None)])
def test_a_late_rank_is_named(tmp_path: Path, late: Seen) -> None:
    write_stacks(tmp_path, WORKS, WAITS, WORKS)  # being late says more than not waiting
    _, reason, fault = hung(tmp_path, [beat(0), late, beat(2)], {0: "S", 1: "S", 2: "R"}, launch=0, timeout=7)
    assert (fault.rank, fault.phase, fault.repetition) == (1, late.phase, late.repetition)
    assert "it is behind the others" in reason


@pytest.mark.parametrize("others", [WAITS, AGREES])
def test_the_rank_that_does_not_wait_is_named(tmp_path: Path, others: str) -> None:
    write_stacks(tmp_path, others, others, WORKS)
    _, reason, fault = hung(tmp_path, [beat(0), beat(1), beat(2)], {0: "R", 1: "R", 2: "S"}, launch=0, timeout=7)
    assert fault.rank == 2
    assert "the others wait for it in the communicator" in reason
    assert fault.stacks == {"rank 0": others, "rank 1": others, "rank 2": WORKS}


@pytest.mark.parametrize("texts", [(WAITS, WAITS), (WORKS, WORKS), ("", ""), ()], ids=["all wait", "all work", "no stacks", "no files"])
def test_equal_ranks_name_nobody(tmp_path: Path, texts: tuple[str, ...]) -> None:
    write_stacks(tmp_path, *texts)
    _, reason, fault = hung(tmp_path, [beat(0), beat(1)], {0: "S", 1: "S"}, launch=0, timeout=7)
    assert fault.rank is None
    assert "no rank is behind the others" in reason
    assert "rank 0 on node" in reason
    assert "rank 1 on node" in reason


def test_several_behind_are_all_told_and_none_is_blamed_alone(tmp_path: Path) -> None:
    _, reason, fault = hung(tmp_path, [beat(0, repetition=4), beat(1), beat(2, repetition=4)], {}, launch=0, timeout=7)
    assert fault.rank is None
    assert "rank 0 on node" in reason
    assert "rank 2 on node" in reason
    assert "rank 1 on node" not in reason


def test_a_lone_rank_is_the_one(tmp_path: Path) -> None:
    assert hung(tmp_path, [beat(0)], {0: "S"}, launch=0, timeout=7)[2].rank == 0


def test_a_rank_that_raised_is_an_error_and_beats_the_first_dead(tmp_path: Path) -> None:
    write_fault(tmp_path, 1)
    status, reason, fault = died(tmp_path, [beat(0), beat(1)], 0, launch=0, ending="exit code 2")
    assert status == "error"
    assert reason == "rank 1 raised in time at repetition 5: ValueError: planted"
    assert (fault.rank, fault.phase, fault.repetition) == (1, "time", 5)
    assert fault.stacks == {"rank 1": "Traceback: planted"}


def test_a_fault_outside_repetitions_names_none(tmp_path: Path) -> None:
    write_fault(tmp_path, 0, None)
    assert died(tmp_path, [beat(0)], None, launch=0, ending="x")[1] == "rank 0 raised in time: ValueError: planted"


def test_a_fault_of_another_launch_is_not_this_ones(tmp_path: Path) -> None:
    write_fault(tmp_path, 1)
    assert died(tmp_path, [beat(0), beat(1)], 0, launch=1, ending="x")[0] == "crashed"


@pytest.mark.parametrize("first", [0, 1, 2])
def test_the_first_dead_is_named(tmp_path: Path, first: int) -> None:
    status, reason, fault = died(tmp_path, [beat(0), beat(1), beat(2, phase="check")], first, launch=0, ending="signal SIGKILL")
    assert status == "crashed"
    assert fault.rank == first
    assert reason.startswith(f"rank {first} on node")
    assert reason.endswith("the process died first (signal SIGKILL)")
    assert fault.phase == ("check" if first == 2 else "time")


@pytest.mark.parametrize("first", [None, 9])
def test_a_death_that_nobody_saw_says_so_with_the_last_heartbeat(tmp_path: Path, first: int | None) -> None:
    status, reason, fault = died(tmp_path, [beat(0, at=1), beat(1, at=300), beat(2, at=200)], first, launch=0, ending="exit code 1")
    assert status == "crashed"
    assert fault.rank is None
    assert (
        reason == "the launch ended (exit code 1) and no rank could be named; last heartbeat: rank 1 on node (pid 1001): time, repetition 5"
    )


def test_only_stacks_that_say_something_are_kept(tmp_path: Path) -> None:
    write_stacks(tmp_path, "", WAITS, "\n")
    assert stacks(tmp_path, [beat(rank) for rank in range(4)], launch=0) == {"rank 1": WAITS}


def test_waiting_is_known_by_the_innermost_frame() -> None:
    assert [waiting(text) for text in (WAITS, AGREES, WORKS, "", "Fatal Python error")] == [True, True, False, False, False]


def test_states_are_read_from_the_processes(tmp_path: Path) -> None:
    child = os.fork()
    if child == 0:
        while True:
            signal.pause()
    here = socket.gethostname()
    seen = [Seen(0, here, os.getpid(), 0, "time", 0, 0), Seen(1, here, child, 0, "time", 0, 0), Seen(2, here + "x", child, 0, "time", 0, 0)]
    try:
        os.kill(child, signal.SIGSTOP)
        os.waitpid(child, os.WUNTRACED)
        found = states(seen)
        assert found[0] in "RSD"
        assert found[1] == "T"
        assert 2 not in found  # another host's process numbers mean nothing here
        assert hung(tmp_path, seen, found, launch=0, timeout=1)[2].rank == 1
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    assert states(seen)[1] == "dead"


@pytest.mark.parametrize(
    "frame", ["/assay/harness/measure.py", "/assay/harness/device/cpu.py", "/site-packages/torch/distributed/distributed_c10d.py"]
)
def test_a_rank_inside_a_library_call_counts_as_waiting(frame: str) -> None:
    assert waiting(
        f'Current thread 0x1 (most recent call first):\n  File "{frame}", line 7 in before\n  File "/assay/harness/rank.py", line 1 in main\n'
    )
    assert not waiting(
        'Current thread 0x1 (most recent call first):\n  File "/assay/suites/gemm.py", line 7 in refresh\n'
        f'  File "{frame}", line 7 in before\n'
    )
