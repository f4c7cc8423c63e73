"""Devices and transports of installed packages, opened by the names of their entry points."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from assay.collectives.open import check_transport, open_transport
from assay.harness.device.open import open_device
from assay.harness.door.main import main
from assay.harness.errors import RefusalError
from assay.harness.work import Context
from assay.harness.world.solo import SoloWorld
from assay.suites import all_reduce, all_to_all
from tests.outside import install

DEVICE = """\
from assay.harness.device.cpu import CpuDevice

class Npu(CpuDevice):
    kind = "npu9"

    def __init__(self, local_rank):
        self.number = local_rank

def open_device(*, local_rank):
    return Npu(local_rank)
"""
TRANSPORT = """\
from assay.collectives.loopback import Loopback

def open_transport(ctx):
    line = Loopback(ctx.device.torch_name)
    line.name = f"wire9 of rank {ctx.rank}"
    return line
"""
POINTS = """\
[assay.devices]
npu9 = acme_open.device:open_device
npu8 = acme_open.device:open_device

[assay.transports]
wire9 = acme_open.transport:open_transport
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Install a package with a device and a transport."""
    monkeypatch.syspath_prepend(str(tmp_path))
    install(tmp_path, "acme_open", points=POINTS, files={"__init__.py": "", "device.py": DEVICE, "transport.py": TRANSPORT})
    return tmp_path


def test_a_device_is_opened_with_the_ranks_number_on_its_host(site: Path) -> None:
    assert site.is_dir()
    device = open_device("npu9", local_rank=3)
    assert (device.kind, device.number) == ("npu9", 3)  # type: ignore[attr-defined]


def test_a_device_that_calls_itself_otherwise_is_refused(site: Path) -> None:
    assert site.is_dir()
    with pytest.raises(RefusalError, match=r"acme_open 1\.5 gives its kind as 'npu9'"):
        open_device("npu8", local_rank=0)


def test_a_transport_is_known_without_importing_it_and_opened_with_the_context(site: Path) -> None:
    for name in [name for name in sys.modules if name.startswith("acme_open")]:
        del sys.modules[name]
    check_transport("wire9")
    sizes = {"bytes": 8, "transport": "wire9", "data": "fresh", "seed": 0, "nranks": 1}
    assert (
        all_reduce.needs(dtype="fp32", **sizes).memory_nbytes
        == all_reduce.needs(dtype="fp32", **sizes | {"transport": "mpi"}).memory_nbytes
    )
    assert all_to_all.needs(**sizes).memory_nbytes > 0
    assert not [name for name in sys.modules if name.startswith("acme_open")]
    assert open_transport("wire9", Context(SoloWorld(), open_device("cpu", local_rank=0))).name == "wire9 of rank 0"
    assert site.is_dir()


def test_what_nothing_brings_is_refused_with_all_there_is(site: Path) -> None:
    assert site.is_dir()
    with pytest.raises(RefusalError, match=r"cpu, cuda.*npu8, npu9"):
        open_device("npu7", local_rank=0)
    for check in (lambda: check_transport("wire7"), lambda: all_to_all.needs(bytes=8, transport="wire7", data="fresh", seed=0, nranks=1)):
        with pytest.raises(RefusalError, match="loopback, mpi, gloo, nccl, wire9") as caught:
            check()
        assert (caught.value.where, caught.value.value) == ("transport", "wire7")


def test_a_floor_on_an_installed_transport_is_taken_and_one_on_a_mistyped_is_not(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert site.is_dir()
    floor = "+rules.mine={{kind: floor, suite: all_reduce, metric: busbw, share_of_limit: 0.5, where: {{transport: {}}}}}"
    plan = ["plan", "suite=[all_reduce]", "suite.all_reduce.axes.bytes=[8]", "suite.all_reduce.transport=wire9", "hardware.name=none"]
    assert main([*plan, floor.format("wire9")]) == 0
    assert "transport=wire9" in capsys.readouterr().out
    assert main([*plan, floor.format("wire7")]) == 3
    assert "rules.mine.where.transport" in capsys.readouterr().err
