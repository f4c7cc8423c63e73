"""Heartbeats: what a rank last did is read back whatever ended it."""

from __future__ import annotations

import os
import random
import signal
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from assay.harness.beat import FIELDS, HEAD, PHASES, Beat, Seen, name, read_beats


def test_a_beat_reads_back(tmp_path: Path) -> None:
    beat = Beat(tmp_path / "new" / "beats", rank=3, launch=2)
    (seen,) = read_beats(tmp_path / "new" / "beats", launch=2)
    assert (seen.rank, seen.host, seen.pid, seen.case, seen.phase, seen.repetition) == (
        3,
        socket.gethostname(),
        os.getpid(),
        None,
        "start",
        None,
    )
    for index, phase in enumerate(PHASES):
        beat.case(index)
        beat.phase(phase)
        (seen,) = read_beats(tmp_path / "new" / "beats", launch=2)
        assert (seen.case, seen.phase, seen.repetition) == (index, phase, None)
        beat.repetition(10**index)
        (later,) = read_beats(tmp_path / "new" / "beats", launch=2)
        assert later.repetition == 10**index
        assert later.time_ns >= seen.time_ns > 0
    beat.end()
    assert read_beats(tmp_path / "new" / "beats", launch=2)[0].phase == "done"


def test_the_first_case_and_repetition_are_not_none(tmp_path: Path) -> None:
    beat = Beat(tmp_path, rank=0, launch=0)
    beat.case(0)
    beat.repetition(0)
    (seen,) = read_beats(tmp_path, launch=0)
    assert (seen.case, seen.repetition) == (0, 0)


def test_a_new_case_forgets_the_repetition(tmp_path: Path) -> None:
    beat = Beat(tmp_path, rank=0, launch=0)
    beat.case(0)
    beat.repetition(9)
    beat.case(1)
    assert read_beats(tmp_path, launch=0)[0].repetition is None


def test_launches_are_kept_apart_and_ranks_in_order(tmp_path: Path) -> None:
    for rank in (10, 2, 0, 1):
        Beat(tmp_path, rank=rank, launch=1)
    Beat(tmp_path, rank=7, launch=10)
    assert [seen.rank for seen in read_beats(tmp_path, launch=1)] == [0, 1, 2, 10]
    assert [seen.rank for seen in read_beats(tmp_path, launch=10)] == [7]
    assert read_beats(tmp_path, launch=3) == []
    assert read_beats(tmp_path / "absent", launch=1) == []


def test_a_file_that_is_being_made_is_passed_over(tmp_path: Path) -> None:
    Beat(tmp_path, rank=0, launch=0)
    (tmp_path / name(0, 1)).write_bytes(b"")
    (tmp_path / name(0, 2)).write_bytes(b"{" * (HEAD + 8 * FIELDS - 1))
    assert [seen.rank for seen in read_beats(tmp_path, launch=0)] == [0]


def test_the_last_beat_survives_kill_9(tmp_path: Path) -> None:
    child = os.fork()
    if child == 0:
        try:
            beat = Beat(tmp_path, rank=1, launch=0)
            beat.case(4)
            beat.phase("time")
            beat.repetition(1234)
            os.kill(os.getpid(), signal.SIGKILL)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status)
    assert os.WTERMSIG(status) == signal.SIGKILL
    (seen,) = read_beats(tmp_path, launch=0)
    assert (seen.pid, seen.case, seen.phase, seen.repetition) == (child, 4, "time", 1234)


def test_progress_orders_by_case_then_phase_then_repetition() -> None:
    start = Seen(0, "h", 1, None, "start", None, 0)
    ordered = [
        start,
        replace(start, case=0, phase="prepare"),
        replace(start, case=0, phase="warm-up"),
        replace(start, case=0, phase="warm-up", repetition=0),
        replace(start, case=0, phase="check", repetition=3),
        replace(start, case=0, phase="time", repetition=3),
        replace(start, case=0, phase="time", repetition=10),
        replace(start, case=0, phase="gather"),
        replace(start, case=1, phase="prepare"),
        replace(start, case=10, phase="prepare"),
    ]
    shuffled = random.Random(3).sample(ordered, len(ordered))  # noqa: S311 - shuffled for a test
    assert sorted(shuffled, key=lambda seen: seen.progress) == ordered


@pytest.mark.parametrize(("repetition", "end"), [(None, "time"), (0, "time, repetition 0"), (5, "time, repetition 5")])
def test_a_beat_tells_where_the_rank_is(repetition: int | None, end: str) -> None:
    assert str(Seen(3, "node7", 42, 1, "time", repetition, 0)) == f"rank 3 on node7 (pid 42): {end}"
