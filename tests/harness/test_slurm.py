"""What Slurm is told and what it says, word by word, without a Slurm."""

from __future__ import annotations

import pytest

from assay.harness.errors import RefusalError
from assay.harness.launch.mpi import Flavour
from assay.harness.launch.scheduler import NEARLY_SECONDS, duration, read_others, read_state, said
from assay.harness.launch.slurm import mpi_type, mpi_types, script, srun, time_limit

RANK = ["python3", "-m", "mpi4py", "-m", "assay.harness.rank", "plan.json", "out"]
# As Slurm 22.05 prints it, shortened.
JOB = (
    "JobId=12 JobName=assay UserId=u(1) GroupId=g(1) Priority=1 Account=(null) JobState={state} Reason={reason} Dependency=(null) Requeue=1 "
    "Restarts={restarts} BatchFlag=1 Reboot=0 ExitCode={code}:0 RunTime=00:04:40 TimeLimit={limit} TimeMin=N/A NodeList={nodes} BatchHost=n1"
)


def job(state: str, **fields: object) -> str:
    """Write a job as scontrol does."""
    return JOB.format(**{"state": state, "reason": "None", "restarts": 0, "code": 0, "limit": "01:00:00", "nodes": "n1", **fields})


def test_a_step_has_the_plans_shape() -> None:
    assert srun(RANK, {"srun_flags": ["--cpu-bind=cores"]}, nranks=16, nodes=2, mpi="pmi2") == [
        *("srun", "--job-name", "assay", "--ntasks", "16", "--nodes", "2", "--ntasks-per-node", "8", "--mpi=pmi2", "--kill-on-bad-exit=1"),
        *("--quit-on-interrupt", "--cpu-bind=cores", *RANK),
    ]


def test_a_container_is_the_steps_not_the_doors() -> None:
    options = {"container_image": "nvcr.io/x:1", "container_mounts": "/a:/a", "container": None, "partition": "gpu"}
    assert "--container-image=nvcr.io/x:1" in srun(RANK, options, nranks=1, nodes=1, mpi="pmix")
    text = script(options, command=RANK, name="n", log="l", nranks=1, nodes=1, seconds=1, environ={})
    assert "container" not in text
    assert "#SBATCH --partition=gpu\n" in text


@pytest.mark.parametrize(
    ("text", "types"),
    [
        (
            "MPI plugin types are...\n\tpmix\n\tnone\n\tcray_shasta\n\tpmi2\nspecific pmix plugin versions available: pmix_v4\n",
            ["pmix", "cray_shasta", "pmi2"],
        ),
        ("srun: MPI types are...\nsrun: none\nsrun: openmpi\nsrun: pmi2\n", ["openmpi", "pmi2"]),
        ("", []),
    ],
)
def test_the_list_of_mpi_plugins_is_read(text: str, types: list[str]) -> None:
    assert mpi_types(text) == types


@pytest.mark.parametrize(
    ("listed", "flavour", "chosen"),
    [
        (["pmix", "pmi2"], "mpich", "pmi2"),
        (["pmix", "cray_shasta"], "mpich", "cray_shasta"),
        (["pmix"], "mpich", "pmix"),
        (["pmi2", "pmix"], "openmpi", "pmix"),
        (["pmi2"], "unknown", "pmi2"),
    ],
)
def test_mpi_is_started_by_what_it_speaks(listed: list[str], flavour: Flavour, chosen: str) -> None:
    assert mpi_type(listed, flavour) == chosen


@pytest.mark.parametrize(("listed", "flavour"), [(["pmi2"], "openmpi"), ([], "mpich")])
def test_where_nothing_fits_the_list_is_told(listed: list[str], flavour: Flavour) -> None:
    with pytest.raises(RefusalError, match="pmi2" if listed else "no MPI plug-in") as caught:
        mpi_type(listed, flavour)
    assert caught.value.where == "launch.mpi"


@pytest.mark.parametrize(("seconds", "minutes"), [(1, 5), (100, 5), (101, 6), (3600, 180)])
def test_the_time_asked_for_is_three_times_the_estimate(seconds: float, minutes: int) -> None:
    assert time_limit(seconds) == minutes


def test_the_script_says_everything_and_quotes_what_a_shell_would_take_apart() -> None:
    options = {"time": "2:00:00", "exclusive": True, "requeue": False, "gres": "gpu:8", "flags": ["--mail-type=END"]}
    text = script(options, command=["py thon", "run"], name="a", log="/l", nranks=16, nodes=2, seconds=1, environ={"X": "a b"})
    lines = text.splitlines()
    assert lines[0] == "#!/bin/bash"
    wanted = (
        "--time=2:00:00",
        "--exclusive",
        "--no-requeue",
        "--gres=gpu:8",
        "--mail-type=END",
        "--ntasks=16",
        "--nodes=2",
        "--signal=B:TERM@30",
    )
    assert {f"#SBATCH {flag}" for flag in wanted} <= set(lines)
    assert lines[-2:] == ["export X='a b'", "exec 'py thon' run"]


@pytest.mark.parametrize(
    ("text", "said_", "over"),
    [
        (job("PENDING", reason="Resources", nodes="(null)"), "job 12 waits: the nodes it asks for are busy (Resources)", False),
        (job("PENDING", reason="ReqNodeNotAvail,_UnavailableNodes:n2"), "nodes it asks for are down, drained or reserved", False),
        (job("PENDING", reason="SomethingNew"), "the scheduler says why in its own words (SomethingNew)", False),
        (job("RUNNING"), "job 12 is running on n1", False),
        (job("RUNNING", restarts=2), "requeued 2 times", False),
        (job("COMPLETING"), "job 12 is completing", False),
        (job("COMPLETED"), "it is done", True),
        (job("NODE_FAIL"), "a node it ran on failed (on n1)", True),
        (job("TIMEOUT"), "its time was over", True),
        (job("CANCELLED"), "somebody cancelled it", True),
        (job("FAILED", code=2), "it failed", True),
        (job("FAILED", code=130, limit="00:05:00"), "its time was over", True),
        (job("FAILED", code=130, limit="UNLIMITED"), "it was told to end", True),
    ],
)
def test_a_jobs_state_is_told_in_a_sentence(text: str, said_: str, *, over: bool) -> None:
    state = read_state(text)
    assert state.job == 12
    assert said_ in str(state)
    assert state.over == over


@pytest.mark.parametrize(
    ("reason", "hopeless"), [("PartitionTimeLimit", True), ("BadConstraints", True), ("Priority", False), ("PartitionDown", False)]
)
def test_only_what_waiting_never_brings_is_hopeless(reason: str, *, hopeless: bool) -> None:
    assert read_state(job("PENDING", reason=reason)).hopeless == hopeless


@pytest.mark.parametrize(("text", "seconds"), [("00:01:30", 90), ("1-00:00:01", 86401), ("UNLIMITED", float("inf")), ("", float("inf"))])
def test_slurms_durations(text: str, seconds: float) -> None:
    assert duration(text) == seconds
    assert NEARLY_SECONDS < 120


def test_other_jobs_are_told_and_the_own_is_not() -> None:
    text = "12|me|assay|n1\n7|alice|train|n[1-3]\n8_2|bob|a|b|n1\n9_1|bob|sweep|n1\n"
    assert read_others(text, own=12) == ["job 7 of alice (train) on n[1-3]", "job 9_1 of bob (sweep) on n1"]
    assert read_others("12|me|assay|n1\n", own=12) == []


def test_a_complaint_is_one_sentence() -> None:
    text = "sbatch: error: invalid partition specified: x\nsbatch: error: Batch job submission failed: Invalid partition name specified\n"
    assert said(text) == "invalid partition specified: x; Batch job submission failed: Invalid partition name specified"
