"""Images without MPI: torchrun starts the ranks, they meet in torch's store, and every promise holds as under mpiexec."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import BESIDE
from tests.door.conftest import checked
from tests.door.place import BUDGET, Place, assert_refused, keys_on_disk

TORCHRUN = (str(BESIDE / "torchrun"), "--nproc-per-node", "2", "--no-python")
BOTH = ("suite=[all_reduce]", "suite.all_reduce.axes.bytes=[8,1024]", *BUDGET, "hardware.name=none")
GLOO = (*BOTH, "suite.all_reduce.transport=gloo")
# An environment in which nobody can import mpi4py, though it is installed beside this Python.
HIDING = "import sys\nsys.modules['mpi4py'] = None\n"


class Bare(Place):
    """A place where mpi4py cannot be imported."""

    @property
    def environ(self) -> dict[str, str]:
        """Hide mpi4py from every Python that is started here."""
        return {**super().environ, "PYTHONPATH": str(self.folder / "hiding")}


def bare(folder: Path) -> Iterator[Bare]:
    """Give a place without MPI, and name what it left running."""
    (folder / "hiding").mkdir()
    (folder / "hiding" / "sitecustomize.py").write_text(HIDING)
    yield from checked(Bare(folder))


@pytest.fixture
def image(tmp_path: Path) -> Iterator[Bare]:
    """Give an image without MPI."""
    yield from bare(tmp_path)


def test_in_such_an_image_nobody_can_import_mpi(image: Bare) -> None:
    assert image.command(sys.executable, "-c", "import mpi4py").returncode != 0


def test_inside_torchrun_rank_0_is_the_door_and_what_needs_mpi_is_listed(image: Bare) -> None:
    both = (*BOTH, "+suite.all_reduce.axes.transport=[mpi,gloo]")
    done = image.assay("run", *both, prefix=TORCHRUN)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(image.runs) == 1
    assert done.stdout.count("\ncoverage: ") == 1
    document = image.show()
    assert (document["run"]["attached"], document["run"]["nranks"]) == (True, 2)
    found = {(case["params"]["transport"], case["params"]["bytes"]): case for case in document["cases"]}
    assert {key: case["status"] for key, case in found.items()} == {
        ("gloo", 8): "measured",
        ("gloo", 1024): "measured",
        ("mpi", 8): "not_applicable",
        ("mpi", 1024): "not_applicable",
    }
    assert "without MPI" in found["mpi", 8]["reason"]
    facts = json.loads((image.runs[0] / "facts.json").read_text())
    assert facts["mpi"].startswith("none")


def test_without_mpi_the_door_launches_with_torchrun_and_names_a_killed_rank(image: Bare) -> None:
    kill = ("inject.kind=kill", "inject.suite=all_reduce", "inject.rank=1", "inject.match='bytes=8,'")
    done = image.assay("run", *GLOO, *kill, "site.nranks=2")
    assert done.returncode == 2, done.stdout + done.stderr
    assert "rank 1 on" in done.stdout
    assert "the process died first (signal SIGKILL)" in done.stdout
    statuses = {case["params"]["bytes"]: case["status"] for case in image.show()["cases"]}
    assert statuses == {8: "crashed", 1024: "measured"}


def test_a_hang_under_torchrun_is_named(fresh: Place) -> None:
    hang = ("inject.kind=hang", "inject.suite=all_reduce", "inject.rank=1", "budget.timeout=2")
    done = fresh.assay("run", *GLOO, *hang, "suite.all_reduce.axes.bytes=[8]", "site.nranks=2", "launch=torchrun")
    assert done.returncode == 2, done.stdout + done.stderr
    (case,) = fresh.show()["cases"]
    assert (case["status"], case["fault"]["rank"]) == ("timeout", 1)


def test_a_torchrun_world_that_dies_is_resumed(image: Bare) -> None:
    kill = ("inject.kind=kill", "inject.suite=all_reduce", "inject.rank=1", "inject.match='bytes=8,'")
    assert image.assay("run", *GLOO, *kill, prefix=TORCHRUN).returncode != 0
    run = image.runs[0]
    for _ in range(2):  # a case that ends two worlds in a row is given up
        done = image.assay("run", "--resume", run.name, prefix=TORCHRUN)
    assert "rank" in done.stdout
    assert sorted(keys_on_disk(run)) == sorted(set(keys_on_disk(run)))
    statuses = {case["params"]["bytes"]: case["status"] for case in image.show(run.name)["cases"]}
    assert statuses == {8: "crashed", 1024: "measured"}


def test_fewer_ranks_than_torchrun_announces_are_refused(image: Bare) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    alone = {"RANK": "0", "WORLD_SIZE": "2", "TORCHELASTIC_RUN_ID": "r", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    done = image.assay("run", *GLOO, env={**alone, "ASSAY_START_SECONDS": "4"})
    assert done.returncode == 3, done.stdout + done.stderr
    assert "2 ranks" in done.stderr
    assert not image.runs


def test_more_nodes_than_torchrun_starts_are_refused(fresh: Place) -> None:
    done = fresh.assay("run", *GLOO, "site.nranks=2", "site.nodes=2", "launch=torchrun")
    assert_refused(done, "site.nodes", "this node only", "torchrun --no-python assay run")


def test_a_verdict_is_in_the_run_whatever_torchrun_makes_of_the_code(image: Bare) -> None:
    wrong = ("inject.kind=flip_element", "inject.suite=all_reduce", "inject.rank=1")
    done = image.assay("run", *GLOO, *wrong, prefix=TORCHRUN)
    assert done.returncode == 1  # torchrun's own code for any that is not 0
    assert image.show()["run"]["exit_code"] == 1
    assert "FAIL (exit code 1)" in done.stdout
