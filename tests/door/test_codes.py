"""Exit codes of runs that end otherwise than well: nothing applicable, interrupted, cases left out."""

from __future__ import annotations

import json
import signal

import pytest

from tests.door.place import LEAN, Place, keys_on_disk, lines_of, until

pytestmark = pytest.mark.mpi


def test_nothing_applicable_is_a_4_and_only_that_may_be_allowed(place: Place) -> None:
    # NCCL moves what lies on GPUs, and the site's device is a CPU
    asked = ("run", *LEAN, "suite.all_reduce.transport=nccl", "suite.all_reduce.axes.bytes=[8]", "site.nranks=1")
    done = place.assay(*asked, "--json")
    document = json.loads(done.stdout)
    assert done.returncode == 4, done.stderr
    case = next(case for case in document["cases"] if case["suite"] == "all_reduce")
    assert case["status"] == "not_applicable"
    assert "nccl" in case["reason"].lower()
    assert place.assay(*asked, "--allow-inconclusive").returncode == 0


def test_one_absence_among_others_is_listed_and_has_no_effect(place: Place) -> None:
    done = place.assay("run", *LEAN, "suite.all_reduce.axes.bytes=[8]", "+suite.all_reduce.axes.transport=[loopback,nccl]", "site.nranks=1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 not applicable" in done.stdout


def test_what_shard_and_budget_leave_out_is_counted_and_named(place: Place) -> None:
    asked = ("run", *LEAN, "suite.all_reduce.axes.bytes=[8,16,32,64]", "suite.all_reduce.transport=loopback", "site.nranks=1")
    done = place.assay(*asked, "--shard", "2/2", "--budget", "0.4s")
    line = next(line for line in done.stdout.splitlines() if line.startswith("coverage:"))
    assert done.returncode == 0, done.stdout + done.stderr
    plan = json.loads((place.runs[-1] / "plan.json").read_text(encoding="utf-8"))
    reasons = [row["reason"] for row in plan["left_out"]]
    assert len(plan["cases"]) + len(reasons) == 4
    assert sum("shard" in reason for reason in reasons) == 2
    assert f"{len(reasons)} left out" in line
    assert "shard" in line
    assert len(reasons) == 3  # two of the four belong to the other shard, one does not fit into the time
    assert "--budget" in line


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_is_a_130_and_can_be_finished(fresh: Place, number: signal.Signals) -> None:
    slow = ("suite.all_reduce.axes.bytes=[8,16,32,64]", "budget.seconds=0.4", "budget.precision=1e-9")
    with fresh.running("run", *LEAN, *slow) as door:
        until(lambda: bool(fresh.runs) and len(keys_on_disk(fresh.runs[0])) > 0, door)
        door.send_signal(number)
        assert door.wait(30) == 130
    name = fresh.runs[0].name
    assert not fresh.left()
    assert f"assay run --resume {name}" in fresh.said
    assert "Traceback" not in fresh.said
    assert json.loads((fresh.runs[0] / "run.json").read_text(encoding="utf-8"))["status"] == "interrupted"
    assert "interrupted" in fresh.assay("runs").stdout
    before = keys_on_disk(fresh.runs[0])
    assert len(before) < 4
    done = fresh.assay("run", "--resume", name)
    assert done.returncode == 0, done.stdout + done.stderr
    after = keys_on_disk(fresh.runs[0])
    assert after[: len(before)] == before
    assert len(after) == len(set(after)) == 4
    assert [row["kind"] for row in lines_of(fresh.runs[0])].count("footer") >= 1
