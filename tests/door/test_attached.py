"""The world is up already, or something claims that it is: one run and one report, or a refusal that names both sizes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time

import pytest

from tests.conftest import BESIDE, program
from tests.door.place import LEAN, TRACEBACK, Place, keys_on_disk, until

pytestmark = pytest.mark.mpi


def test_inside_mpiexec_rank_0_is_the_door(fresh: Place) -> None:
    done = fresh.assay("run", *LEAN, prefix=(str(program("mpiexec")), "-n", "2"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(fresh.runs) == 1
    assert done.stdout.count("\ncoverage: ") == 1
    assert done.stdout.count(" right ") == 2
    run = json.loads((fresh.runs[0] / "run.json").read_text(encoding="utf-8"))
    assert (run["attached"], run["nranks"], run["status"], run["exit_code"]) == (True, 2, "finished", 0)
    assert len(keys_on_disk(fresh.runs[0])) == 2
    assert not fresh.left()


@pytest.mark.parametrize(("variable", "size"), [("PMI_SIZE", 3), ("OMPI_COMM_WORLD_SIZE", 4), ("SLURM_STEP_NUM_TASKS", 2)])
def test_an_announced_size_that_did_not_come_up_is_refused(fresh: Place, variable: str, size: int) -> None:
    done = fresh.assay("run", *LEAN, env={variable: str(size)})
    assert done.returncode == 3, done.stdout + done.stderr
    assert f"{variable} announces {size} ranks" in done.stderr
    assert "has 1" in done.stderr
    assert TRACEBACK not in done.stderr
    assert not fresh.runs


def test_a_count_that_a_batch_shell_has_too_changes_nothing(fresh: Place) -> None:
    alone = (*LEAN, "suite.all_reduce.transport=loopback", "site.nranks=1")
    done = fresh.assay("run", *alone, env={"SLURM_NTASKS": "2", "SLURM_JOB_ID": "7", "SLURM_NPROCS": "2"})
    assert done.returncode == 0, done.stdout + done.stderr
    run = json.loads((fresh.runs[0] / "run.json").read_text(encoding="utf-8"))
    assert (run["attached"], run["nranks"]) == (False, 1)


def test_options_that_need_fresh_launches_are_refused_inside_a_world(fresh: Place) -> None:
    done = fresh.assay("run", *LEAN, "--runs", "2", env={"PMI_SIZE": "2"})
    assert done.returncode == 3
    assert "--runs" in done.stderr
    assert not fresh.runs


# One rank of a world that is up: rank 0 fails with an error that is not ours, while the others are in a barrier it never joins.
LONELY_FAILURE = """
import os
import sys
from assay.harness.door.attached import guarded
from assay.harness.launch.announced import announced
from assay.harness.world.open import open_world

def action(up):
    world = open_world("mpi" if found.mpi else "store", os.environ, seconds=30)
    up(world)
    if world.rank == int(sys.argv[1]):
        raise KeyError("planted: no such column")
    world.barrier()
    return 0

found = announced(os.environ)
sys.exit(guarded(action, found))
"""


@pytest.mark.parametrize("rank", [0, 1])
def test_a_rank_that_fails_alone_ends_the_others(fresh: Place, rank: int) -> None:
    (fresh.folder / "ranks.py").write_text(LONELY_FAILURE, encoding="utf-8")
    done = fresh.command(str(program("mpiexec")), "-n", "2", sys.executable, "ranks.py", str(rank), seconds=60)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "planted: no such column" in done.stderr
    assert not fresh.left()


def test_ranks_that_all_succeed_keep_their_code(fresh: Place) -> None:
    (fresh.folder / "ranks.py").write_text(LONELY_FAILURE, encoding="utf-8")
    done = fresh.command(str(program("mpiexec")), "-n", "2", sys.executable, "ranks.py", "-1", seconds=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_hang_inside_a_world_ends_with_its_last_heartbeat(fresh: Place) -> None:
    hang = ("inject.kind=hang", "inject.suite=all_reduce", "inject.rank=1", "budget.timeout=1")
    done = fresh.assay("run", *LEAN, *hang, prefix=(str(program("mpiexec")), "-n", "2"), seconds=90)
    assert done.returncode == 2, done.stdout + done.stderr
    assert not fresh.left()
    shown = fresh.assay("show", "latest")
    assert "incomplete" in shown.stdout
    assert "rank 1" in shown.stdout + shown.stderr


def test_a_case_that_ends_every_world_is_given_up_at_the_second_resume(fresh: Place) -> None:
    world = (str(program("mpiexec")), "-n", "2")
    kill = ("inject.kind=kill", "inject.suite=all_reduce", "inject.rank=1", "inject.match='bytes=8,'")
    assert fresh.assay("run", *LEAN, *kill, prefix=world).returncode != 0
    run = fresh.runs[0].name
    assert fresh.assay("run", "--resume", run, prefix=world).returncode != 0  # once more: it may have been the machine
    last = fresh.assay("run", "--resume", run, prefix=world)
    assert last.returncode == 2, last.stdout + last.stderr
    statuses = {case["params"]["bytes"]: (case["status"], case["reason"]) for case in fresh.show(run)["cases"]}
    assert statuses[8][0] == "crashed"
    assert statuses[8][1].startswith("two launches in a row ended in it; last heartbeat: rank ")
    assert statuses[1024][0] == "measured"


@pytest.mark.parametrize("wrong", [("--base", "nope"), ("device=tpu",)])
def test_what_is_refused_inside_a_world_leaves_no_run(fresh: Place, wrong: tuple[str, ...]) -> None:
    done = fresh.assay("run", *LEAN, *wrong, prefix=(str(program("mpiexec")), "-n", "2"))
    assert done.returncode == 3, done.stdout + done.stderr
    assert not fresh.runs


def test_an_interrupted_world_says_so(fresh: Place) -> None:
    argv = [str(program("mpiexec")), "-n", "2", str(BESIDE / "assay"), "run", *LEAN, "budget.seconds=20", "budget.precision=1e-9"]
    with (fresh.folder / "said.txt").open("w") as said:
        door = subprocess.Popen(argv, env=fresh.environ, cwd=fresh.folder, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        until(lambda: bool(fresh.runs) and any((fresh.runs[0] / "beats").glob("*")), door)
        time.sleep(0.5)
        door.send_signal(signal.SIGTERM)
        assert door.wait(60) != 0
    assert json.loads((fresh.runs[0] / "run.json").read_text())["status"] in {"interrupted", "running"}  # Hydra may kill at once
    assert not fresh.left()


def test_a_rerun_inside_a_world_is_refused(fresh: Place) -> None:
    done = fresh.assay("rerun", "latest", env={"PMI_SIZE": "2"})
    assert done.returncode == 3
    assert "PMI_SIZE announces 2 ranks" in done.stderr
