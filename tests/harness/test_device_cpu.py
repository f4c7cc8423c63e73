"""The processor as a device: hooks in order and outside the timed part, one value a repetition."""

from __future__ import annotations

import time

import pytest

from assay.harness.device.cpu import CpuDevice
from assay.harness.device.open import open_device
from assay.harness.errors import RefusalError


@pytest.mark.parametrize("hooks", ["both", "before", "after", "none"])
def test_hooks_run_around_each_step_in_order(hooks: str) -> None:
    events: list[object] = []
    before = (lambda i: events.append(("before", i))) if hooks in ("both", "before") else None
    after = (lambda i: events.append(("after", i))) if hooks in ("both", "after") else None
    seconds = CpuDevice().time(lambda: events.append("step"), range(7, 10), before=before, after=after)
    wanted: list[object] = []
    for i in (7, 8, 9):
        wanted += [("before", i)] if before else []
        wanted += ["step"]
        wanted += [("after", i)] if after else []
    assert events == wanted
    assert len(seconds) == 3
    assert all(value >= 0 for value in seconds)


def test_no_repetitions_give_no_seconds() -> None:
    assert CpuDevice().time(lambda: None, range(0)) == []


def test_the_step_alone_is_timed() -> None:
    """Against each other, not against a clock on the wall: a slow step is in, slow hooks are out."""
    device = CpuDevice()
    slow_step = device.time(lambda: time.sleep(0.02), range(3), before=lambda _: None)
    slow_hooks = device.time(lambda: None, range(3), before=lambda _: time.sleep(0.02), after=lambda _: time.sleep(0.02))
    assert min(slow_step) >= 0.02
    assert min(slow_hooks) < 0.02


def test_what_a_step_raises_comes_through() -> None:
    made: list[int] = []

    def step() -> None:
        if len(made) == 2:
            message = "planted"
            raise ValueError(message)

    with pytest.raises(ValueError, match="planted"):
        CpuDevice().time(step, range(9), after=made.append)
    assert made == [0, 1]


def test_the_clock_is_named_with_resolution_and_overhead() -> None:
    timer = CpuDevice().timer()
    assert timer["name"] == "time.perf_counter"
    assert 0 < timer["resolution"] <= 1e-6
    assert timer["overhead"] >= 0


def test_facts_are_this_processors() -> None:
    facts = CpuDevice().facts()
    assert facts["kind"] == "cpu"
    assert facts["cores"]
    assert facts["memory_nbytes"] > 1 << 20
    assert CpuDevice().sync() is None  # type: ignore[func-returns-value]


def test_a_device_is_opened_by_its_kind() -> None:
    assert isinstance(open_device("cpu", local_rank=3), CpuDevice)
    with pytest.raises(RefusalError) as caught:
        open_device("abacus", local_rank=0)
    assert (caught.value.where, caught.value.value) == ("device", "abacus")
