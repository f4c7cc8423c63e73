"""Eight devices that exist nowhere, real ranks: whose is whose, what is stored of it, what a sick device does, and silence without."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import program
from tests.door.place import BUDGET, Place, case_of

sys.path.insert(0, str(Path(__file__).parents[1] / "fake_accelerator"))
from fake_accelerator import PCIS, UUIDS  # type: ignore[import-not-found]
from installed import path  # type: ignore[import-not-found]

pytestmark = pytest.mark.mpi
BARE = ("device=fake8", "hardware.name=none", *BUDGET)
PLAN = (*BARE, "suite=[all_reduce]", "suite.all_reduce.axes.bytes=[8,64,1024]")


@dataclass(frozen=True)
class Ended:
    """How a run ended."""

    code: int
    said: str
    document: dict[str, Any]

    @property
    def devices(self) -> list[str]:
        """Give the UUID of each rank's device."""
        return [str(rank["device"]["uuid"]) for rank in self.document["ranks"]]


Run = Callable[..., Ended]


@pytest.fixture(scope="module")
def world(place: Place) -> dict[str, str]:
    """Give the environment in which the fake back end is an installed package."""
    return {"PYTHONPATH": path(place.folder / "installed")}


@pytest.fixture(scope="module")
def run(place: Place, world: Mapping[str, str]) -> Run:
    """Give a function that makes a run on the fake devices."""

    def made(*args: str, **env: str) -> Ended:
        done = place.assay("run", *(BARE if "suite=[gemm]" in args else PLAN), *args, env={**world, **env})
        return Ended(done.returncode, done.stdout + done.stderr, place.show())

    return made


@pytest.fixture(scope="module")
def healthy(run: Run) -> Ended:
    """Run without a mask and without a fault."""
    return run("+site.rank_env.NCCL_IB_HCA=[mlx5_0,mlx5_1]", "+site.rank_env.NCCL_IB_GID_INDEX=3")


def test_without_a_mask_ranks_take_devices_in_order_and_nothing_is_marked(healthy: Ended) -> None:
    assert healthy.code == 0, healthy.said
    assert healthy.devices == UUIDS[:2]
    assert {case["status"] for case in healthy.document["cases"]} == {"measured"}
    flags = [flag for case in healthy.document["cases"] for flag in case["flags"]]
    assert not [flag for flag in flags if "memory" in flag]
    assert all(case["timer"]["name"] == "fake8 events, L2 flushed before each step" for case in healthy.document["cases"])
    assert all("timer" not in case["key"] for case in healthy.document["cases"])


def test_what_each_rank_sat_on_is_shown(healthy: Ended) -> None:
    ranks = healthy.document["ranks"]
    assert [rank["local_rank"] for rank in ranks] == [0, 1]
    assert [rank["device"]["pci"] for rank in ranks] == PCIS[:2]
    assert len({(rank["host"], rank["boot_id"]) for rank in ranks}) == 1
    assert all(rank["cpus"] for rank in ranks)
    assert [rank["rank_env"]["NCCL_IB_HCA"] for rank in ranks] == ["mlx5_0", "mlx5_1"]
    assert {rank["rank_env"]["NCCL_IB_GID_INDEX"] for rank in ranks} == {"3"}
    assert not any("rank_env_late" in rank for rank in ranks)  # torch was not loaded yet


@pytest.mark.parametrize("mask", ["5,2", f"{UUIDS[5]},{UUIDS[2][:9]}"], ids=["index", "uuid"])
def test_through_a_mask_ranks_take_what_it_names(run: Run, mask: str) -> None:
    ended = run("suite.all_reduce.axes.bytes=[8]", FAKE8_VISIBLE_DEVICES=mask)
    assert ended.code == 0, ended.said
    assert ended.devices == [UUIDS[5], UUIDS[2]]
    assert {rank["mask"] for rank in ended.document["ranks"]} == {f"FAKE8_VISIBLE_DEVICES={mask}"}


@pytest.mark.parametrize("variable", ["FAKE8_VISIBLE_DEVICES", "FAKE8_CGROUP"])
def test_with_one_device_for_each_task_each_takes_its_own(place: Place, world: dict[str, str], variable: str) -> None:
    each = ["run", *PLAN, "suite.all_reduce.axes.bytes=[8]"]
    ranks = [part for device in (6, 3) for part in (":", "-n", "1", "-env", variable, str(device), str(program("assay")), *each)]
    done = place.command(str(program("mpiexec")), *ranks[1:], env=world)
    assert done.returncode == 0, done.stdout + done.stderr
    assert Ended(0, "", place.show()).devices == [UUIDS[6], UUIDS[3]]


@pytest.mark.parametrize(
    ("mask", "word"), [("4", "ranks 0 and 1 are on one device"), ("0,9", "names 9"), ("0,0", "twice")], ids=["few", "missing", "twice"]
)
def test_what_cannot_be_bound_is_refused_and_leaves_no_run(place: Place, world: dict[str, str], mask: str, word: str) -> None:
    before = place.runs
    done = place.assay("run", *PLAN, env={**world, "FAKE8_VISIBLE_DEVICES": mask})
    assert done.returncode == 3, done.stderr
    assert word in done.stderr
    assert place.runs == before


def faults(index: int, **fault: Any) -> str:
    """Plant one fault."""
    return json.dumps({str(index): fault})


def test_after_a_device_error_fresh_processes_measure_the_rest(run: Run, tmp_path: Path) -> None:
    ended = run(FAKE8_FAULTS=faults(1, kind="error", after=60, once=str(tmp_path / "struck")))
    assert ended.code == 2
    first = case_of(ended.document, "bytes=8,")
    assert first["status"] == "error"
    assert first["fault"]["rank"] == 1
    assert first["fault"]["phase"] in first["reason"]
    assert UUIDS[1] in first["reason"]
    others = [case for case in ended.document["cases"] if case is not first]
    assert {case["status"] for case in others} == {"measured"}
    assert "launch 2" in ended.said


def test_a_device_that_is_not_well_passes_nothing(run: Run) -> None:
    ended = run(FAKE8_FAULTS=faults(1, kind="wrong"))
    assert ended.code == 2
    for case in ended.document["cases"]:
        assert case["status"] == "error"
        assert case["fault"]["rank"] == 1
        assert UUIDS[1] in case["reason"]
        assert "failed its probe" in case["reason"]


def test_a_device_that_cannot_even_be_opened_is_named_and_passes_nothing(run: Run) -> None:
    ended = run(FAKE8_FAULTS=faults(1, kind="dead"), FAKE8_VISIBLE_DEVICES="0,1,5")
    assert ended.code == 2
    assert {case["status"] for case in ended.document["cases"]} == {"missing"}
    assert "rank 1: device 1 of 3 that it sees on" in ended.said
    assert "(FAKE8_VISIBLE_DEVICES=0,1,5) cannot be opened: AcceleratorError" in ended.said


@pytest.mark.parametrize("throttled", [True, False])
def test_a_throttled_device_is_marked_and_a_sound_one_is_not(run: Run, *, throttled: bool) -> None:
    fault = faults(1, kind="throttle", factor=4) if throttled else "{}"
    layer = "suite.gemm.axes.layer=[{layer: t, n: 512, k: 512}]"
    long = ("budget.seconds=1", "budget.precision=1e-9", "site.telemetry=fake8", "suite.gemm.axes.m=[64]", "suite.gemm.axes.dtype=[fp32]")
    ended = run("suite=[gemm]", layer, *long, FAKE8_FAULTS=fault)
    assert ended.code in (0, 4), ended.said  # no limit is known here, so a floor may say that it cannot judge
    times = {record["subject"]: record for record in ended.document["records"] if record["metric"] == "time"}
    marked = {subject: [flag for flag in record["flags"] if "throttled" in flag] for subject, record in times.items()}
    assert set(marked) == {"device0", "device1"}
    assert not marked["device0"]
    assert bool(marked["device1"]) == throttled
    assert not throttled or "fake power cap" in marked["device1"][0]
    clocks = {record["subject"]: record["value"] for record in ended.document["records"] if record["metric"] == "sm_clock"}
    assert clocks == {"device0": pytest.approx(1000), "device1": pytest.approx(250 if throttled else 1000)}


def test_a_hang_of_the_device_names_its_rank(run: Run) -> None:
    ended = run("suite.all_reduce.axes.bytes=[8]", "budget.timeout=3", FAKE8_FAULTS=faults(1, kind="hang", after=60))
    case = ended.document["cases"][0]
    assert ended.code == 2
    assert case["status"] == "timeout", case["reason"]
    assert case["fault"]["rank"] == 1


def test_memory_that_does_not_come_back_is_marked(run: Run) -> None:
    ended = run("suite.all_reduce.axes.bytes=[8]", FAKE8_FAULTS=faults(0, kind="leak", nbytes=64 << 20))
    flags = ended.document["cases"][0]["flags"]
    assert [flag for flag in flags if flag.startswith("rank 0:") and "memory did not come back" in flag]
    assert not [flag for flag in flags if flag.startswith("rank 1:")]


def test_the_way_of_timing_stands_in_key_and_timer(run: Run) -> None:
    shape = ("suite.gemm.axes.layer=[{layer: t, n: 64, k: 64}]", "suite.gemm.axes.m=[8]", "suite.gemm.axes.dtype=[fp32]")
    ended = run("suite=[gemm]", *shape, "suite.gemm.align=block", "timer.mode=sustained", "timer.settle_seconds=0.3")
    assert ended.code == 0, ended.said
    case = ended.document["cases"][0]
    assert 'timer={"mode":"sustained","settle_seconds":0.3}' in case["key"]
    assert case["timer"]["name"] == "fake8 events, back to back"
    assert case["seconds"] > 0.3


def test_a_way_that_this_device_lacks_is_not_applicable_and_no_pass(run: Run) -> None:
    ended = run("suite.all_reduce.axes.bytes=[8]", "timer.method=graph")
    case = ended.document["cases"][0]
    assert case["status"] == "not_applicable"
    assert "timer.method=graph is not to be had" in case["reason"]
    assert ended.code != 0


def test_messages_go_over_a_back_end_of_torchs_registry(run: Run) -> None:
    ended = run("suite.all_reduce.axes.bytes=[8]", "suite.all_reduce.transport=torch:gloo")
    assert ended.code == 0, ended.said
    assert 'transport="torch:gloo"' in ended.document["cases"][0]["key"]


def test_attached_a_device_error_ends_the_run_and_it_can_be_resumed(place: Place, world: dict[str, str], tmp_path: Path) -> None:
    env = {**world, "FAKE8_FAULTS": faults(1, kind="error", after=60, once=str(tmp_path / "struck"))}
    each = (str(program("mpiexec")), "-n", "2", str(program("assay")), "run")
    done = place.command(*each, *PLAN, "suite.all_reduce.axes.bytes=[8,64]", env=env)
    said = done.stdout + done.stderr
    assert done.returncode == 2, said
    assert "a device failed and 1 cases are left" in said
    resumed = place.command(*each, "--resume", "latest", env=env)
    document = place.show()
    assert resumed.returncode == 2  # the first case stays an error
    assert [case["status"] for case in document["cases"]] == ["error", "measured"]
    assert UUIDS[1] in document["cases"][0]["reason"]
