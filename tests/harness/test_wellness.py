"""Sick devices are found and well ones are not: probes, memory, errors of a device and errors of a program."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from assay.harness.case import Case
from assay.harness.device.failure import is_device_error
from assay.harness.device.nearness import nearest_nics, numa_node, pci_address
from assay.harness.measurement import Measurement
from assay.harness.wellness import TOLERATED_NBYTES, free_nbytes, place_of, probed, shrunk, with_losses
from tests.fakes import FakeWorld, context, on_ranks

sys.path.insert(0, str(Path(__file__).parents[1] / "fake_accelerator"))
import fake_accelerator as fake  # type: ignore[import-not-found]

CASE = Case("gemm", "assay.suites.gemm:gemm", {})


def opened(monkeypatch: pytest.MonkeyPatch, index: int = 3, **fault: Any) -> Any:
    """Open one of the eight, with a fault or none."""
    monkeypatch.setenv("FAKE8_FAULTS", json.dumps({str(index): fault} if fault else {}))
    return fake.open_device(local_rank=index)


def test_a_well_device_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    device = opened(monkeypatch)
    assert device.probe() == ""
    assert probed(FakeWorld(), device, "here") is None
    before = free_nbytes(device)
    device.time(lambda: None, range(50))
    assert with_losses(FakeWorld(), Measurement(CASE, "measured"), before, device) == Measurement(CASE, "measured")
    assert {"fp32", "bf16"} <= device.formats
    assert device.facts()["formats_by"] == "each format was tried"


@pytest.mark.parametrize(("kind", "word"), [("wrong", "is right"), ("dead", "illegal memory access")])
def test_a_sick_device_is_named(monkeypatch: pytest.MonkeyPatch, kind: str, word: str) -> None:
    device = opened(monkeypatch)
    monkeypatch.setattr(device.module.chip(), "kind", kind)
    sick = probed(FakeWorld(), device, place_of(device, device.facts()))
    assert sick is not None
    assert all(part in sick.reason for part in ("rank 0", fake.UUIDS[3], fake.PCIS[3], word)), sick.reason
    ended = sick.ends(CASE)
    assert ended.status == "error"
    assert ended.fault is not None
    assert ended.fault.rank == 0


def test_of_eight_ranks_the_sick_one_is_named_on_all() -> None:
    def rank(ctx: Any) -> Any:
        return probed(ctx.world, SimpleNamespace(probe=lambda: "it is ill" if ctx.rank == 5 else ""), f"place {ctx.rank}")  # type: ignore[arg-type]

    found = on_ranks(8, rank)
    assert {sick.reason for sick in found} == {"rank 5: place 5 failed its probe: it is ill"}
    assert on_ranks(8, lambda ctx: probed(ctx.world, ctx.device, "x")) == [None] * 8  # a device that cannot be probed


def test_a_device_that_failed_stays_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    device = opened(monkeypatch, kind="error", after=60)
    with pytest.raises(fake.AcceleratorError) as caught:
        device.time(lambda: None, range(100))
    assert is_device_error(caught.value)
    assert device.probe()
    assert free_nbytes(device) is None


def test_lost_memory_is_marked_beyond_what_libraries_keep(monkeypatch: pytest.MonkeyPatch) -> None:
    device = opened(monkeypatch, kind="leak", nbytes=TOLERATED_NBYTES)
    before = free_nbytes(device)
    device.time(lambda: None, range(1))  # two events: twice what is tolerated
    marked = with_losses(FakeWorld(), Measurement(CASE, "measured"), before, device)
    assert marked is not None
    assert [flag for flag in marked.flags if "rank 0: 512 MiB" in flag]


def test_a_throttled_device_is_slower_by_its_own_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    factor = 1000.0
    slow, well = opened(monkeypatch, kind="throttle", factor=factor), opened(monkeypatch)
    work = lambda: sum(range(20000))  # noqa: E731 - both do the same
    ratio = min(slow.time(work, range(9))) / min(well.time(work, range(9)))
    assert factor / 10 < ratio < factor * 10


def test_a_device_with_less_memory_than_in_the_launch_before_is_marked() -> None:
    before = [{"rank": rank, "device": {"uuid": uuid, "memory_nbytes": 1 << 30}} for rank, uuid in enumerate("abc")]
    after = [{**rank, "device": {**rank["device"]}} for rank in before]  # type: ignore[dict-item]
    assert shrunk(before, after) == shrunk([], after) == shrunk(before, []) == ()
    after[1]["device"]["memory_nbytes"] -= 4 << 20  # type: ignore[index]
    assert shrunk(before, after) == ("rank 1: device b has 4 MiB less memory than in the launch before",)
    assert (
        shrunk([{"rank": 0, "device": {"kind": "cpu", "memory_nbytes": 9}}], [{"rank": 0, "device": {"kind": "cpu", "memory_nbytes": 1}}])
        == ()
    )


AcceleratorError = type("AcceleratorError", (RuntimeError,), {})
OutOfMemoryError = type("OutOfMemoryError", (RuntimeError,), {})


@pytest.mark.parametrize(
    ("error", "device"),
    [
        (AcceleratorError("anything"), True),
        (RuntimeError("CUDA error: an illegal memory access was encountered"), True),
        (RuntimeError("HIP error: unspecified launch failure"), True),
        (RuntimeError("NPU function error: aclrtSynchronizeStream, error code is 507035"), True),
        (RuntimeError("level_zero backend failed with error: 20 (UR_RESULT_ERROR_DEVICE_LOST)"), True),
        (OutOfMemoryError("CUDA out of memory"), False),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (ValueError("CUDA error: said by somebody else"), False),
    ],
)
def test_errors_of_a_device_are_told_from_errors_of_a_program(error: Exception, *, device: bool) -> None:
    assert is_device_error(error) == device


def test_a_processor_has_nothing_to_probe() -> None:
    assert probed(FakeWorld(), context().device, "cpu") is None


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """Make a /sys with two devices and two cards behind two bridges, one card on its own, and a virtual one."""
    places = {
        "0000:1b:00.0": "pci0000:00/0000:00:01.0/0000:1b:00.0",
        "0000:9b:00.0": "pci0000:80/0000:80:01.0/0000:9b:00.0",
        "mlx5_0": "pci0000:00/0000:00:01.0/0000:1c:00.0",
        "mlx5_1": "pci0000:80/0000:80:01.0/0000:9c:00.0",
        "mlx5_2": "pci0000:00/0000:00:07.0/0000:30:00.0",
    }
    for folder in ("bus/pci/devices", "class/infiniband", "class/net/lo"):
        (tmp_path / folder).mkdir(parents=True)
    for name, place in places.items():
        home = tmp_path / "devices" / place
        home.mkdir(parents=True)
        (home / "numa_node").write_text("1\n" if "0000:80" in place else "0\n")
        if ":" in name:
            (tmp_path / "bus/pci/devices" / name).symlink_to(home)
        else:
            (tmp_path / "class/infiniband" / name).mkdir()
            (tmp_path / "class/infiniband" / name / "device").symlink_to(home)
    return tmp_path


def test_the_nearest_card_is_behind_the_same_bridge(machine: Path) -> None:
    assert nearest_nics("0000:1b:00.0", sys=machine) == ["mlx5_0"]
    assert nearest_nics("0000:9b:00.0", sys=machine) == ["mlx5_1"]
    assert [numa_node(pci, sys=machine) for pci in ("0000:1b:00.0", "0000:9b:00.0", "", "0000:ff:00.0")] == [0, 1, None, None]
    assert nearest_nics("", sys=machine) == nearest_nics("0000:ff:00.0", sys=machine) == []


def test_a_device_tells_its_address_in_numbers_or_in_text() -> None:
    assert pci_address(SimpleNamespace(pci_domain_id=1, pci_bus_id=0x9B, pci_device_id=2)) == "0001:9b:02.0"
    assert pci_address(SimpleNamespace(pci_bus_id="0000:9B:00.0")) == "0000:9b:00.0"
    assert pci_address(SimpleNamespace()) == ""
