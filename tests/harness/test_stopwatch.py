"""Ways of timing on the fake back end and on hand-written ones: what is timed, in which order, and what is not to be had."""

from __future__ import annotations

import math
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from assay.harness.case import Budget
from assay.harness.device.accelerator import Accelerator
from assay.harness.device.stopwatch import choose
from assay.harness.errors import NotApplicableError, RefusalError
from assay.harness.timer import SETTLE_SECONDS, asked_timer
from assay.harness.timing import next_warmup


class Device:
    """A back end whose clock moves only when it works; everything that it is asked is logged."""

    def __init__(self, *, events: bool = True, graphs: bool = True) -> None:
        """Have events that time, and graphs, or not."""
        self.log: list[str] = []
        self.now = 0.0
        module: dict[str, Any] = {"__name__": "torch.fake", "synchronize": lambda _index: self.log.append("wait")}
        if events:
            module["Event"] = self.event
        if graphs:
            module |= {"CUDAGraph": lambda: SimpleNamespace(replay=lambda: self.work("replay", 0.125)), "graph": self.capture}
        flush = SimpleNamespace(zero_=lambda: self.work("flush", 1.0))
        self.accelerator = Accelerator(None, SimpleNamespace(**module), 0, flush)

    def work(self, name: str, seconds: float) -> None:
        """Do something."""
        self.log.append(name)
        self.now += seconds

    def event(self, *, enable_timing: bool) -> SimpleNamespace:
        """Make an event that times."""
        assert enable_timing
        made = SimpleNamespace(at=0.0, synchronize=lambda: self.log.append("wait"))
        made.record = lambda: (self.log.append("mark"), setattr(made, "at", self.now))
        made.elapsed_time = lambda end: (end.at - made.at) * 1e3
        return made

    def capture(self, _graph: object) -> Any:
        """Capture: what runs inside does nothing yet."""
        outer = self

        class Capturing:
            def __enter__(self) -> None:
                outer.log.append("capture")

            def __exit__(self, *_: object) -> None:
                outer.log.append("captured")

        return Capturing()

    def step(self) -> None:
        """Work for a quarter of a second."""
        self.work("step", 0.25)


def test_events_are_taken_where_there_are_any_and_the_clock_is_told() -> None:
    device = Device()
    watch = choose(device.accelerator, {})
    assert watch.timer() == {"name": "fake events, L2 flushed before each step", "resolution": 0.5e-6, "overhead": 0.0}
    device.log.clear()
    assert watch.time(device.step, range(2)) == [0.25, 0.25]
    assert device.log == ["flush", "mark", "step", "mark", "wait"] * 2


def test_without_events_the_host_waits_for_the_device() -> None:
    device = Device(events=False)
    watch = choose(device.accelerator, {})
    assert "perf_counter" in watch.timer()["name"]
    device.log.clear()
    seconds = watch.time(device.step, range(3))
    assert len(seconds) == 3
    assert all(value >= 0 for value in seconds)
    assert device.log == ["flush", "wait", "step", "wait"] * 3


def test_sustained_steps_have_nothing_between_them() -> None:
    device = Device()
    watch = choose(device.accelerator, {"mode": "sustained"})
    assert "back to back" in watch.timer()["name"]
    device.log.clear()
    assert watch.time(device.step, range(3)) == [0.25] * 3
    assert device.log == ["mark", *["step", "mark"] * 3, "wait"]


def test_a_graph_is_captured_once_a_block_and_replayed() -> None:
    device = Device()
    watch = choose(device.accelerator, {"method": "graph"})
    assert "graph" in watch.timer()["name"]
    device.log.clear()
    assert watch.time(device.step, range(2)) == [0.125, 0.125]  # the replay's own time
    assert device.log.count("step") == 1
    assert device.log.index("capture") < device.log.index("step") < device.log.index("captured")
    assert device.log.count("replay") == 2


def test_a_step_that_cannot_be_captured_is_not_applicable() -> None:
    device = Device()

    def step() -> None:
        message = "operation not permitted when stream is capturing"
        raise RuntimeError(message)

    with pytest.raises(NotApplicableError, match="not permitted when stream is capturing"):
        choose(device.accelerator, {"method": "graph"}).time(step, range(1))


class Cupti(ModuleType):
    """NVIDIA's package as its documentation shows it: records come when they are flushed."""

    def __init__(self, device: Device) -> None:
        """Record what the device does."""
        super().__init__("cupti.cupti")
        self.device, self.seen, self.kernels = device, 0, True
        self.ActivityKind = SimpleNamespace(CONCURRENT_KERNEL=10)

    def activity_register_callbacks(self, requested: Any, completed: Any) -> None:
        """Take the callbacks."""
        assert requested() == (8 << 20, 0)
        self.completed = completed

    def activity_enable(self, kind: int) -> None:
        """Begin to record."""
        assert kind == self.ActivityKind.CONCURRENT_KERNEL

    def activity_flush_all(self, _flag: int) -> None:
        """Hand over two kernels for each step since the last time, with a gap of 50 ns between them."""
        new = [name for name in self.device.log[self.seen :] if name in ("step", "flush")] if self.kernels else []
        self.seen = len(self.device.log)
        at = self.seen * 1000
        self.completed([SimpleNamespace(kind=10, start=at + s, end=at + e) for _ in new for s, e in ((0, 100), (150, 400))])


def test_cupti_times_from_the_first_kernel_to_the_last_and_not_the_flush(monkeypatch: pytest.MonkeyPatch) -> None:
    device = Device()
    package, cupti = ModuleType("cupti"), Cupti(device)
    package.cupti = cupti  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "cupti", package)
    watch = choose(device.accelerator, {"method": "cupti"})
    assert watch.time(device.step, range(3)) == pytest.approx([400e-9] * 3)
    cupti.kernels = False
    assert all(math.isnan(value) for value in watch.time(device.step, range(2)))  # nothing seen is never fast


@pytest.mark.parametrize(
    ("timing", "device", "word"),
    [
        ({"method": "events"}, Device(events=False), "no events"),
        ({"method": "graph"}, Device(events=False), "no events"),
        ({"method": "graph"}, Device(graphs=False), "captures no graphs"),
        ({"method": "cupti"}, Device(), "cupti-python"),
    ],
)
def test_what_is_not_to_be_had_is_not_applicable(
    timing: dict[str, Any], device: Device, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cupti", None)
    with pytest.raises(NotApplicableError, match=word) as caught:
        choose(device.accelerator, timing)
    assert f"timer.method={timing['method']}" in str(caught.value)


def test_only_what_is_asked_beyond_the_defaults_enters_a_case() -> None:
    default = {"method": "auto", "mode": "burst", "settle_seconds": None, "pace_seconds": None}
    assert asked_timer(default, align="barrier") == asked_timer({}, align="block") == {}
    assert asked_timer({"method": "graph", "pace_seconds": 1}, align="barrier") == {"method": "graph", "pace_seconds": 1.0}
    assert asked_timer({"mode": "sustained"}, align="block") == {"mode": "sustained", "settle_seconds": SETTLE_SECONDS}
    asked = asked_timer({"mode": "sustained", "settle_seconds": 2}, align="block")
    assert asked_timer(asked, align="block") == asked  # as a plan is read back


@pytest.mark.parametrize(
    ("options", "where"),
    [
        ({"method": "stopwatch"}, "timer.method"),
        ({"mode": "burts"}, "timer.mode"),
        ({"pace": 1}, "timer.pace"),
        ({"pace_seconds": 0}, "timer.pace_seconds"),
        ({"pace_seconds": True}, "timer.pace_seconds"),
        ({"settle_seconds": 3}, "timer.settle_seconds"),
        ({"mode": "sustained"}, "timer.mode"),
    ],
)
def test_what_could_not_be_timed_is_refused(options: dict[str, Any], where: str) -> None:
    with pytest.raises(RefusalError) as caught:
        asked_timer(options, align="barrier")
    assert caught.value.where == where


def test_a_sustained_warm_up_lasts_as_long_as_asked_and_no_longer() -> None:
    settled = [0.1] * 20  # converged long ago
    assert next_warmup(settled, elapsed=1.0, budget=Budget(), settle=4.0) == 4  # a tenth of the time at once
    assert next_warmup(settled, elapsed=4.0, budget=Budget(), settle=4.0) == 0
    assert next_warmup(settled, elapsed=1.0, budget=Budget()) == 0
