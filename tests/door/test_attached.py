"""The world is up already, or something claims that it is: one run and one report, or a refusal that names both sizes."""

from __future__ import annotations

import json

import pytest

from tests.conftest import program
from tests.door.place import LEAN, TRACEBACK, Place, keys_on_disk

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
