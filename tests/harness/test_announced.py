"""Who started this process says how many ranks there are; the innermost knows best, and a lie is refused by name."""

from __future__ import annotations

import itertools

import pytest

from assay.harness.errors import RefusalError
from assay.harness.launch.announced import Announced, announced, attached, confirm, unannounced

# Innermost first: the process manager of the MPI library, the Slurm step, torchrun.
ORDER = ["PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS", "WORLD_SIZE"]


@pytest.mark.parametrize("said", [c for n in range(1, 5) for c in itertools.combinations(ORDER, n)], ids=",".join)
def test_the_innermost_is_believed(said: tuple[str, ...]) -> None:
    environ = {name: str(2 + ORDER.index(name)) for name in said} | {"TORCHELASTIC_RUN_ID": "r", "SLURM_NTASKS": "64"}
    assert announced(environ) == Announced(2 + ORDER.index(said[0]), said[0])
    assert attached(environ) == announced(environ)


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"SLURM_NTASKS": "8"},
        {"SLURM_NTASKS": "8", "SLURM_JOB_ID": "1", "SLURM_NPROCS": "8"},
        {"WORLD_SIZE": "8"},
        {"WORLD_SIZE": "8", "RANK": "0", "TORCHELASTIC_RUN_ID": ""},
        {"TORCHELASTIC_RUN_ID": "r"},
        {"PMI_SIZE": ""},
    ],
    ids=str,
)
def test_what_proves_nothing_announces_nothing(environ: dict[str, str]) -> None:
    assert announced(environ) is None
    assert attached(environ) is None


def test_world_size_counts_beside_torchruns_id() -> None:
    found = announced({"WORLD_SIZE": "8", "TORCHELASTIC_RUN_ID": "r"})
    assert found == Announced(8, "WORLD_SIZE")
    assert not found.mpi


@pytest.mark.parametrize("variable", ORDER[:-1])
@pytest.mark.parametrize(
    ("agents", "innermost"), [("2", "WORLD_SIZE"), ("1", "")], ids=["torchrun on each node", "mpiexec inside torchrun"]
)
def test_what_started_torchrun_itself_announces_its_agents(variable: str, agents: str, innermost: str) -> None:
    environ = {variable: "2", "WORLD_SIZE": "16", "TORCHELASTIC_RUN_ID": "r", "GROUP_WORLD_SIZE": agents}
    found = announced(environ)
    assert found is not None
    assert (found.variable, found.mpi) == (innermost or variable, not innermost)


def test_a_fresh_launch_hears_nothing_of_the_world_outside() -> None:
    outside = {
        "PMI_SIZE": "2",
        "OMPI_COMM_WORLD_RANK": "0",
        "TORCHELASTIC_RUN_ID": "r",
        "WORLD_SIZE": "2",
        "MASTER_PORT": "1",
        "LOCAL_RANK": "1",
    }
    environ = outside | {"PATH": "p", "SLURM_JOB_ID": "7", "OMP_NUM_THREADS": "1"}
    assert set(unannounced(environ)) == set(outside)


@pytest.mark.parametrize(
    ("environ", "world"),
    [
        ({"SLURM_STEP_NUM_TASKS": "1"}, False),
        ({"WORLD_SIZE": "1", "TORCHELASTIC_RUN_ID": "r"}, False),
        ({"PMI_SIZE": "1"}, True),
        ({"OMPI_COMM_WORLD_SIZE": "1"}, True),
        ({"SLURM_STEP_NUM_TASKS": "2"}, True),
    ],
    ids=str,
)
def test_one_task_of_slurm_or_torchrun_is_no_world(environ: dict[str, str], *, world: bool) -> None:
    assert announced(environ) is not None
    assert (attached(environ) is not None) == world


@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5", "2(x3)", "\u00b2", " "])
def test_a_number_that_is_none_is_refused_by_its_variable(text: str) -> None:
    with pytest.raises(RefusalError) as caught:
        announced({"PMI_SIZE": text, "OMPI_COMM_WORLD_SIZE": "2"})
    assert caught.value.where == "PMI_SIZE"
    assert caught.value.value == text


@pytest.mark.parametrize(("said", "came"), [(2, 1), (1, 2), (16, 8)])
def test_another_size_is_refused_and_both_are_named(said: int, came: int) -> None:
    with pytest.raises(RefusalError) as caught:
        confirm(Announced(said, "PMI_SIZE"), size=came)
    assert caught.value.exit_code == 3
    assert f"PMI_SIZE announces {said} ranks" in str(caught.value)
    assert f"came up has {came}" in str(caught.value)


def test_the_same_size_or_no_announcement_passes() -> None:
    confirm(Announced(2, "PMI_SIZE"), size=2)
    confirm(None, size=5)
