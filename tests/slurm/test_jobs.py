"""Runs on a real Slurm: attached, as a step, as a job; and everything that can happen to a job on its way."""

from __future__ import annotations

import json
import re
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import BESIDE
from tests.door.place import LEAN, assert_refused, keys_on_disk, until
from tests.slurm.conftest import Login

pytestmark = pytest.mark.slurm
ASSAY = str(BESIDE / "assay")
# Long enough to be met while it measures.
LONG = (*LEAN, "suite.all_reduce.axes.bytes=[8,1024,65536]", "budget.seconds=2", "budget.max_reps=100000000", "budget.precision=1e-12")


def described(run: Path) -> dict[str, Any]:
    """Read what a run says of itself."""
    found: dict[str, Any] = json.loads((run / "run.json").read_text())
    return found


def job(run: Path) -> str:
    """Give the number of a run's job."""
    return str(json.loads((run / "job.json").read_text())["job"])


def detached(login: Login, *words: str) -> Path:
    """Submit a job and give its run."""
    done = login.assay("run", "launch=slurm", "--detach", *words)
    assert done.returncode == 0, done.stderr
    assert "assay attach" in done.stderr
    return login.runs[-1]


def measuring(run: Path, *, lines: int = 2, seconds: float = 60) -> None:
    """Wait until a run has its header and so many lines more on disk."""
    deadline = time.monotonic() + seconds
    while sum(path.read_bytes().count(b"\n") for path in (run / "measurements").glob("*-ranks.jsonl")) < lines:
        assert time.monotonic() < deadline, (run / "job.txt").read_text()
        time.sleep(0.05)


def at_once(login: Login, run: Path) -> None:
    """Shorten the two minutes that Slurm makes a requeued job wait; started in the very second of its end, its credential counts as revoked."""
    number, deadline = job(run), time.monotonic() + 60
    while "PENDING" not in login.cluster.command("squeue", "--noheader", f"--jobs={number}", "--format=%T"):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    login.cluster.command("scontrol", "update", f"jobid={number}", "starttime=now+3seconds")


def whole(run: Path, planned: int) -> None:
    """Assert that a run has every planned case on disk exactly once."""
    keys = keys_on_disk(run)
    assert len(keys) == len(set(keys)) == planned


def test_attached_under_srun_is_one_run_with_one_report(login: Login) -> None:
    done = login.assay("run", *LEAN, prefix=("srun", "--ntasks=2", "--mpi=pmi2"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("\ncoverage: ") == 1
    (run,) = login.runs
    assert (described(run)["attached"], described(run)["nranks"]) == (True, 2)


def test_singletons_are_refused(login: Login) -> None:
    done = login.assay("run", *LEAN, prefix=("srun", "--ntasks=2", "--mpi=none"))
    assert done.returncode == 3, done.stdout + done.stderr
    assert "SLURM_STEP_NUM_TASKS announces 2 ranks, but the world that came up has 1" in done.stderr
    assert not login.runs


def test_a_step_in_an_allocation_over_two_nodes_goes_on_after_a_rank_was_killed(login: Login) -> None:
    kill = ("inject.kind=kill", "inject.suite=all_reduce", "inject.rank=1", "inject.match='bytes=8,'")
    words = ("run", "launch=srun", "site.nodes=2", *LEAN, *kill)
    done = login.command(*login.allocated(ASSAY, *words, nodes=2), seconds=200)
    assert done.returncode == 2, done.stdout + done.stderr
    found = {case["params"]["bytes"]: case for case in login.show()["cases"]}
    assert {key: case["status"] for key, case in found.items()} == {8: "crashed", 1024: "measured"}
    assert found[8]["fault"]["rank"] == 1
    assert "SIGKILL" in found[8]["reason"]


def test_a_step_outside_an_allocation_is_refused(login: Login) -> None:
    assert_refused(login.assay("run", "launch=srun", *LEAN), "launch=srun", "SLURM_JOB_ID", "salloc")


def test_a_job_is_submitted_followed_and_told(login: Login) -> None:
    done = login.assay("run", "launch=slurm", *LEAN)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"job \d+ submitted", done.stderr)
    assert done.stdout.count("\ncoverage: 2 of 2 cases measured") == 1
    (run,) = login.runs
    assert (described(run)["status"], described(run)["exit_code"]) == ("finished", 0)
    again = login.assay("attach", run.name)
    assert again.returncode == 0
    assert again.stdout == done.stdout


def test_the_facts_are_those_of_the_node_that_measures(login: Login) -> None:
    run = detached(login, "launch.flags=['--hold']", *LEAN)
    (run / "facts.json").write_text(json.dumps({"mpi": "kept", "cpu_model": "the login node's", "host": "login"}))
    login.cluster.command("scontrol", "release", job(run))
    assert login.assay("attach", run.name).returncode == 0
    facts = json.loads((run / "facts.json").read_text())
    assert (facts["mpi"], facts["host"] == "login", facts["cpu_model"] == "the login node's") == ("kept", False, False)


def test_a_job_that_the_scheduler_still_has_is_not_submitted_again(login: Login) -> None:
    run = detached(login, "launch.partition=off", *LEAN)
    refused = login.assay("run", "--resume", run.name)
    assert refused.returncode == 3, refused.stdout + refused.stderr
    assert f"assay attach {run.name}" in refused.stderr
    login.cluster.command("scancel", job(run))


def test_a_jobs_verdict_is_the_followers_exit_code(login: Login) -> None:
    done = login.assay("run", "launch=slurm", *LEAN, "inject.kind=flip_element", "inject.suite=all_reduce", "--json")
    assert done.returncode == 1, done.stdout + done.stderr
    assert json.loads(done.stdout)["exit_code"] == 1


def test_the_login_may_end_and_somebody_attaches_later(login: Login) -> None:
    with login.running("run", "launch=slurm", *LONG) as door:
        until(lambda: "is running" in login.said, door)
        door.send_signal(signal.SIGHUP)
        assert door.wait(30) == 130
    (run,) = login.runs
    assert f"assay attach {run.name}" in login.said
    done = login.assay("attach", "latest")
    assert done.returncode == 0, done.stdout + done.stderr
    whole(run, 3)


def test_a_requeued_job_measures_nothing_twice(login: Login) -> None:
    run = detached(login, *LONG)
    measuring(run)
    login.cluster.command("scontrol", "requeue", job(run))
    at_once(login, run)
    done = login.assay("attach", run.name)
    assert done.returncode == 0, done.stdout + done.stderr
    whole(run, 3)
    assert len(list((run / "measurements").glob("*-ranks.jsonl"))) == 2


def test_a_cancelled_job_is_told_and_finished_by_another(login: Login) -> None:
    run = detached(login, *LONG)
    measuring(run)
    login.cluster.command("scancel", job(run))
    done = login.assay("attach", run.name)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "somebody cancelled it" in done.stdout + done.stderr
    assert "of 3 cases are missing" in done.stdout + done.stderr
    login.cluster.settle()
    resumed = login.assay("run", "--resume", run.name)
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    whole(run, 3)


def test_a_node_that_fails_in_mid_run_is_told_and_the_run_goes_on_elsewhere(login: Login) -> None:
    run = detached(login, *LONG)
    measuring(run)
    where = login.cluster.command("squeue", "--noheader", "--format=%N").strip()
    login.cluster.command("scontrol", "update", f"nodename={where}", "state=down", "reason=planted")
    try:
        at_once(login, run)
        done = login.assay("attach", run.name)
    finally:
        login.cluster.command("scontrol", "update", f"nodename={where}", "state=resume")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "requeued" in done.stderr
    whole(run, 3)


def test_a_job_out_of_time_says_so(login: Login) -> None:
    run = detached(login, *LONG, "budget.seconds=100", "budget.timeout=300")
    measuring(run, lines=1)
    # Slurm looks every half minute, and the warning comes half a minute before the end: this is over when it looks first.
    login.cluster.command("scontrol", "update", f"jobid={job(run)}", "timelimit=0:01")
    done = login.assay("attach", run.name, seconds=200)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "its time was over" in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("launch.partition=nowhere",), ("the scheduler rejects the job", "Invalid partition name")),
        (("launch.gres='gpu:8'",), ("the scheduler rejects the job", "generic resource")),
        (("launch.time=300",), ("can never start", "launch.time")),
        (("site.nodes=3", "site.nranks=3"), ("can never start", "site.nodes")),
    ],
    ids=["partition", "gres", "time", "nodes"],
)
def test_what_the_scheduler_does_not_take_is_refused_with_its_reason(
    login: Login, options: tuple[str, ...], words: tuple[str, ...]
) -> None:
    done = login.assay("run", "launch=slurm", *LEAN, *options)
    assert done.returncode == 3, done.stdout + done.stderr
    for word in words:
        assert word in done.stderr
    assert "Traceback" not in done.stderr
    assert not login.runs
    assert not login.cluster.command("squeue", "--noheader").strip()


def test_a_job_that_waits_says_why(login: Login) -> None:
    with login.running("run", "launch=slurm", "launch.partition=off", *LEAN) as door:
        until(lambda: "its partition is down (PartitionDown)" in login.said, door)
        door.send_signal(signal.SIGINT)
        assert door.wait(30) == 130
    assert described(login.runs[0])["status"] == "queued"
    login.cluster.command("scancel", job(login.runs[0]))


def test_others_at_work_on_the_node_are_refused_or_marked(login: Login) -> None:
    login.cluster.command("sbatch", "--nodelist=n1", "--job-name=neighbour", "--output=/dev/null", "--wrap", "sleep 120")
    try:
        words = ("launch.flags=['--nodelist=n1']", *LEAN)
        refused = login.assay("run", "launch=slurm", *words)
        assert refused.returncode == 3, refused.stdout + refused.stderr
        assert "others are at work" in refused.stderr
        assert "(neighbour) on n1" in refused.stderr
        assert not login.runs
        shared = login.assay("run", "launch=slurm", "--share", *words)
        assert shared.returncode == 0, shared.stdout + shared.stderr
        assert all(any("shared with job" in flag for flag in case["flags"]) for case in login.show()["cases"])
    finally:
        login.cluster.command("scancel", "--name=neighbour")
