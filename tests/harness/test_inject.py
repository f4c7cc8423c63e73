"""Every planted fault does what its name says, on the rank that it names, and nothing anywhere else."""

from __future__ import annotations

import math
import os
import select
import signal
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from assay.harness.errors import RefusalError
from assay.harness.inject import ANSWER_KINDS, KINDS, PROCESS_KINDS, PlantedError, check_fault, plant
from assay.harness.spoil import corrupt
from assay.harness.work import Answer, Volume, Work

SIZE = 3
CLEAN = np.arange(1, 13, dtype=np.float32).reshape(3, 4)


def work(made: Any, *, shown: bool = True) -> Work:
    """Make a work whose step adds 1 to every element of ``made``: no two steps have the same answer."""

    def step() -> None:
        made[...] = made + 1

    def check() -> Answer:
        return Answer(ok=True, tested=1)

    return Work(step=step, check=check, volume=Volume(), result=(lambda: made) if shown else None)


def after(steps: int, fault: dict[str, Any], *, rank: int = SIZE - 1, start: Any = CLEAN) -> Any:
    """Give the answer after some steps with the fault planted, each step from clean numbers."""
    made = start.copy() if isinstance(start, np.ndarray) else start.clone()
    planted = plant(work(made), fault, rank=rank, size=SIZE)
    for number in range(steps):
        if fault.get("kind") != "stale":
            made[...] = start + number
        planted.step()
    return made


def changed(made: Any, steps: int, start: Any = CLEAN) -> list[tuple[int, ...]]:
    """List the positions that are not what they should be."""
    wanted = np.asarray(start) + steps
    return [tuple(map(int, place)) for place in np.argwhere(~(np.asarray(made) == wanted))]


ROW = {"row": 2, "column": 3, "stride": 2, "lanes": 2, "bit": 4, "bits": [0, 22]}


def flipped(*bits: int) -> Callable[[float], float]:
    """Flip bits of a float32 number, by the standard library's own packing."""

    def flip(value: float) -> float:
        (word,) = struct.unpack("<I", struct.pack("<f", value))
        return float(struct.unpack("<f", struct.pack("<I", word ^ sum(1 << bit for bit in bits)))[0])

    return flip


def held_at_one(value: float) -> float:
    """Set bit 4."""
    (word,) = struct.unpack("<I", struct.pack("<f", value))
    return float(struct.unpack("<f", struct.pack("<I", word | 16))[0])


EXPECTED: dict[str, tuple[list[tuple[int, int]], Callable[[float], float]]] = {
    "flip_element": ([(2, 3)], lambda value: -value - 1),
    "nan_element": ([(2, 3)], lambda _: math.nan),
    "negate_row": ([(2, c) for c in range(4)], lambda value: -value),
    "zero_row": ([(2, c) for c in range(4)], lambda _: 0.0),
    "scale_row": ([(2, c) for c in range(4)], lambda value: 2 * value),
    "swap_rows": ([(r, c) for r in (0, 2) for c in range(4)], lambda value: value + (8 if value < 10 else -8)),
    "zero_lane": ([(r, c) for r in range(3) for c in (1, 3)], lambda _: 0.0),
    "wrong_tile": ([(r, c) for r in range(3) for c in range(4)], lambda value: -value - 1),
    "flip_bit": ([(2, 3)], flipped(4)),
    "flip_bits": ([(2, 3)], flipped(0, 22)),
    "flip_strided": ([(2, 1), (2, 3)], flipped(4)),
    "stuck_lane": ([(r, c) for r in range(3) for c in (1, 3)], held_at_one),
}


def test_every_answer_kind_is_tested() -> None:
    assert {*EXPECTED, "stale"} == set(ANSWER_KINDS)
    assert {*ANSWER_KINDS, *PROCESS_KINDS, "slow"} == set(KINDS)


@pytest.mark.parametrize("start", [CLEAN, torch.from_numpy(CLEAN)], ids=["numpy", "torch"])
@pytest.mark.parametrize("kind", EXPECTED)
def test_an_answer_is_spoilt_where_it_is_said(kind: str, start: Any) -> None:
    places, spoil = EXPECTED[kind]
    made = after(5, {"kind": kind, "after": 3, **ROW}, start=start)
    assert changed(made, 5, start) == places
    for place in places:
        assert float(made[place]) == pytest.approx(spoil(CLEAN[place] + 5), nan_ok=True)


@pytest.mark.parametrize("kind", EXPECTED)
def test_before_its_step_nothing_happens(kind: str) -> None:
    for step, hit in ((2, False), (3, True), (4, True)):
        assert bool(changed(after(step, {"kind": kind}), step)) == hit  # 3 is the default
    assert changed(after(4, {"kind": kind, "after": 5}), 4) == []


@pytest.mark.parametrize("kind", EXPECTED)
def test_a_vector_is_one_row(kind: str) -> None:
    start = CLEAN[0]
    made = after(3, {"kind": kind, **ROW}, start=start)
    alone = [] if kind == "swap_rows" else [(c,) for r, c in EXPECTED[kind][0] if r == 2]  # a row alone has none to change places with
    assert changed(made, 3, start) == alone


@pytest.mark.parametrize("kind", EXPECTED)
def test_a_place_beyond_the_answer_still_hits(kind: str) -> None:
    assert changed(after(3, {"kind": kind, **ROW, "row": 5, "column": 7}), 3) == EXPECTED[kind][0]


@pytest.mark.parametrize("kind", EXPECTED)
def test_one_step_in_so_many(kind: str) -> None:
    hit = [bool(changed(after(step, {"kind": kind, "every": 3, "after": 2}), step)) for step in range(1, 9)]
    assert hit == [False, True, False, False, True, False, False, True]


@pytest.mark.parametrize("dtype", ["bfloat16", "float64", "int8"])
def test_bits_are_those_of_the_answers_own_words(dtype: str) -> None:
    made = torch.ones(2, 3, dtype=getattr(torch, dtype))
    whole = {1: torch.int8, 2: torch.int16, 8: torch.int64}[made.element_size()]
    clean = made.view(whole).clone()
    top = 8 * made.element_size() - 1
    corrupt(made, "flip_bit", {"bit": top})
    assert (made.view(whole) ^ clean).flatten().tolist() == [0, 0, 0, 0, -(2**top), 0]
    with pytest.raises(RefusalError, match="bit"):
        corrupt(made, "flip_bits", {"bits": [0, top + 1]})


@pytest.mark.parametrize("fault", [{"bit": 64}, {"bits": []}, {"bits": 3}, {"bits": [True]}, {"every": 0}, {"stride": 1}, {"lanes": 1.5}])
def test_an_option_that_cannot_be_is_refused(fault: dict[str, object]) -> None:
    with pytest.raises(RefusalError, match=f"inject.{next(iter(fault))}"):
        check_fault({"kind": "flip_bit", **fault}, nranks=1, where="inject")


def test_stale_leaves_the_answer_of_before() -> None:
    assert changed(after(2, {"kind": "stale"}), 2) == []
    for steps in (3, 4, 9):
        assert changed(after(steps, {"kind": "stale"}), 2) == []  # the third step and all after it did nothing


@pytest.mark.parametrize("kind", KINDS)
def test_other_ranks_stay_as_they_are(kind: str) -> None:
    """Were it planted here too, killing and hanging would not let this test end."""
    for fault, rank in (({"kind": kind}, 0), ({"kind": kind}, 1), ({"kind": kind, "rank": 0}, 2)):
        made = work(CLEAN.copy())
        assert plant(made, fault, rank=rank, size=SIZE) is made
        assert changed(after(9, fault, rank=rank), 9) == []


def test_no_fault_plants_nothing() -> None:
    made = work(CLEAN.copy())
    assert plant(made, {}, rank=0, size=1) is made


@pytest.mark.parametrize("kind", ANSWER_KINDS)
def test_an_answer_that_is_not_shown_cannot_be_spoilt(kind: str) -> None:
    with pytest.raises(RefusalError, match=kind):
        plant(work(CLEAN.copy(), shown=False), {"kind": kind}, rank=0, size=1)


def test_raise_raises_once_at_its_step() -> None:
    made = CLEAN.copy()
    planted = plant(work(made), {"kind": "raise", "rank": 0}, rank=0, size=1)
    planted.step()
    planted.step()
    with pytest.raises(PlantedError):
        planted.step()
    assert changed(made, 2) == []
    planted.step()
    assert changed(made, 3) == []


def test_slow_waits_and_does_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr("time.sleep", waits.append)
    assert changed(after(3, {"kind": "slow", "seconds": 0.25}), 3) == []
    assert waits == [0.25] * 3


def stepping(fault: dict[str, Any]) -> tuple[int, int]:
    """Start a process that makes five steps and writes a byte after each; give its number and where to read."""
    receive, send = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(receive)
            planted = plant(work(CLEAN.copy()), fault, rank=0, size=1)
            for _ in range(5):
                planted.step()
                os.write(send, b".")
        finally:
            os._exit(0)
    os.close(send)
    return child, receive


def heard(receive: int, count: int, *, seconds: float = 20.0) -> bytes:
    """Read until ``count`` bytes, the end, or silence."""
    said = b""
    while len(said) < count and select.select([receive], [], [], seconds)[0]:
        chunk = os.read(receive, 16)
        if not chunk:
            break
        said += chunk
    return said


def test_kill_is_sigkill_at_its_step() -> None:
    child, receive = stepping({"kind": "kill"})
    assert heard(receive, 9) == b".."
    _, status = os.waitpid(child, 0)
    os.close(receive)
    assert os.WIFSIGNALED(status)
    assert os.WTERMSIG(status) == signal.SIGKILL


def test_stop_stops_and_goes_on_when_told() -> None:
    child, receive = stepping({"kind": "stop"})
    try:
        _, status = os.waitpid(child, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        assert heard(receive, 2) == b".."
        assert heard(receive, 1, seconds=0.1) == b""
        os.kill(child, signal.SIGCONT)
        assert heard(receive, 3) == b"..."
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(receive)


def test_hang_is_alive_and_never_comes_back() -> None:
    child, receive = stepping({"kind": "hang"})
    try:
        assert heard(receive, 2) == b".."
        assert heard(receive, 1, seconds=0.3) == b""
        assert os.waitpid(child, os.WNOHANG) == (0, 0)
        assert Path(f"/proc/{child}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] in "SR"
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(receive)


def test_without_a_fault_the_process_makes_all_its_steps() -> None:
    child, receive = stepping({})
    assert heard(receive, 9) == b"....."
    assert os.waitpid(child, 0)[1] == 0
    os.close(receive)


def test_slow_by_a_share_takes_that_much_longer() -> None:
    from time import perf_counter, sleep

    def seconds(work: Work) -> float:
        start = perf_counter()
        for _ in range(5):
            work.step()
        return perf_counter() - start

    work = Work(step=lambda: sleep(0.01), check=lambda: Answer(ok=True, tested=1), volume=Volume())
    slow = plant(work, {"kind": "slow", "share": 2.0}, rank=0, size=1)
    assert seconds(slow) > 2 * seconds(work)


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "slow", "share": 0},
        {"kind": "slow", "share": -1},
        {"kind": "slow", "share": 0.1, "seconds": 1},
        {"kind": "hang", "share": 0.1},
    ],
)
def test_a_share_that_cannot_be_is_refused(fault: dict[str, object]) -> None:
    with pytest.raises(RefusalError, match=r"inject\.share"):
        check_fault(fault, nranks=1, where="inject")
