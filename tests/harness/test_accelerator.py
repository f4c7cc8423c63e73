"""An accelerator on a hand-written torch: which calls it makes, in which order, and what it refuses."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from assay.harness.device.accelerator import AcceleratorDevice
from assay.harness.errors import NotApplicableError, RefusalError

KIND = "cuda"


class FakeEvent:
    """A CUDA event: its time is the device's when it was recorded."""

    def __init__(self, device: FakeTorch, *, enable_timing: bool) -> None:
        """An event without timing would refuse to tell elapsed time."""
        assert enable_timing
        self.device, self.at, self.done = device, -1.0, False

    def record(self) -> None:
        """Put it into the stream."""
        self.device.log.append("record")
        self.at = self.device.now

    def synchronize(self) -> None:
        """Wait for it."""
        self.device.log.append("synchronize")
        self.done = True

    def elapsed_time(self, end: FakeEvent) -> float:
        """Milliseconds, as CUDA gives them; the end must have come."""
        assert end.done, "asked before the device was done"
        self.device.log.append("elapsed")
        return (end.at - self.at) * 1e3


class FakeTorch:
    """As much of torch as the device uses; ``now`` is the device's clock in seconds."""

    uint8 = "uint8"

    def __init__(self, *, count: int = 2, available: bool = True, capability: tuple[int, int] = (9, 0), l2: int | None = 50 << 20) -> None:
        """Stand for a machine with ``count`` devices."""
        self.log: list[Any] = []
        self.now = 0.0
        self.version = SimpleNamespace(cuda="13.0", hip=None)
        properties = SimpleNamespace(
            major=capability[0],
            minor=capability[1],
            name="Fake 100",
            total_memory=80 << 30,
            uuid="u",
            pci_domain_id=0,
            pci_bus_id=0x1B,
            pci_device_id=0,
        )
        if l2 is not None:
            properties.L2_cache_size = l2
        self.cuda = SimpleNamespace(
            is_available=lambda: available,
            device_count=lambda: count,
            set_device=lambda index: self.log.append(("set_device", index)),
            get_device_properties=lambda _index: properties,
            synchronize=lambda index: self.log.append(("sync", index)),
            Event=lambda *, enable_timing=False: FakeEvent(self, enable_timing=enable_timing),
        )
        self.get_device_module = lambda kind: getattr(self, kind)
        self.flushed: list[tuple[int, str, str]] = []

    def empty(self, nbytes: int, *, dtype: str, device: str) -> SimpleNamespace:
        """Make a buffer that takes a second to be zeroed, so that a flush inside the timed part would show."""
        self.flushed.append((nbytes, dtype, device))
        return SimpleNamespace(zero_=lambda: self.work("flush", 1.0))

    def work(self, name: str, seconds: float) -> None:
        """Do something that takes the device so long."""
        self.log.append(name)
        self.now += seconds


def opened(torch: FakeTorch, index: int = 0) -> AcceleratorDevice:
    """Open a device and forget how."""
    device = AcceleratorDevice(KIND, index, torch)  # type: ignore[arg-type]
    torch.log.clear()
    return device


def test_a_step_is_timed_between_events_with_a_cold_cache() -> None:
    torch = FakeTorch()
    device = opened(torch)
    seconds = device.time(
        lambda: torch.work("step", 0.25),
        range(4, 6),
        before=lambda i: torch.work(f"before {i}", 7.0),
        after=lambda i: torch.work(f"after {i}", 9.0),
    )
    assert seconds == pytest.approx([0.25, 0.25])
    once = ["flush", "record", "step", "record", "synchronize", "elapsed"]
    assert torch.log == ["before 4", *once, "after 4", "before 5", *once, "after 5"]


def test_without_hooks_it_is_timed_alike() -> None:
    torch = FakeTorch()
    assert opened(torch).time(lambda: torch.work("step", 0.5), range(3)) == pytest.approx([0.5] * 3)
    assert torch.log.count("flush") == 3


@pytest.mark.parametrize(("l2", "least"), [(50 << 20, 100 << 20), (6 << 20, 12 << 20), (None, 256 << 20)])
def test_what_is_flushed_is_larger_than_the_cache(l2: int | None, least: int) -> None:
    torch = FakeTorch(l2=l2)
    opened(torch, 1)
    assert torch.flushed == [(least, "uint8", "cuda:1")]


def test_a_rank_without_a_device_of_its_own_is_refused() -> None:
    for index in (2, 3):
        with pytest.raises(RefusalError) as caught:
            AcceleratorDevice(KIND, index, FakeTorch(count=2))  # type: ignore[arg-type]
        assert caught.value.where == "site.ranks_per_node"
        assert caught.value.value == 2
        assert f"local rank {index}" in str(caught.value)
    assert opened(FakeTorch(count=2), 1).torch_name == "cuda:1"


def test_no_device_at_all_is_not_applicable() -> None:
    with pytest.raises(NotApplicableError, match="device=cuda"):
        AcceleratorDevice(KIND, 0, FakeTorch(available=False))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("capability", "fp8"),
    [((8, 0), False), ((8, 6), False), ((8, 9), True), ((9, 0), True), ((10, 0), True), ((12, 1), True), ((7, 9), False)],
)
def test_fp8_comes_with_ada(capability: tuple[int, int], *, fp8: bool) -> None:
    assert ("fp8" in opened(FakeTorch(capability=capability)).formats) == fp8


def test_each_rank_selects_and_waits_for_its_own_device() -> None:
    torch = FakeTorch()
    device = AcceleratorDevice(KIND, 1, torch)  # type: ignore[arg-type]
    device.sync()
    assert ("set_device", 1) in torch.log
    assert torch.log[-1] == ("sync", 1)


def test_the_clock_and_the_device_are_named() -> None:
    torch = FakeTorch()
    device = opened(torch)
    assert "events" in device.timer()["name"]
    assert device.timer()["overhead"] == 0.0
    facts = device.facts()
    assert (
        facts | {"kind": "cuda", "name": "Fake 100", "memory_nbytes": 80 << 30, "uuid": "u", "pci": "0000:1b:00.0", "runtime": "13.0"}
        == facts
    )
