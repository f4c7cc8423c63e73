"""Collectives between real MPI processes: health is silent, planted faults are found, a step is the bare library call."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from assay.harness.errors import RefusalError
from assay.harness.launch.command import mpiexec
from assay.harness.launch.mpi import find_mpiexec

SCRIPT = Path(__file__).with_name("mpi_ranks.py")
pytestmark = pytest.mark.mpi


def on_mpi_ranks(scenario: str, *, nranks: int = 2) -> list[dict[str, Any]]:
    """Run one scenario of mpi_ranks.py and give what each rank found, by rank."""
    try:
        launcher = find_mpiexec()
    except RefusalError as error:
        pytest.skip(str(error))
    argv = mpiexec(launcher, [sys.executable, "-m", "mpi4py", str(SCRIPT), scenario], nranks=nranks, root=os.geteuid() == 0)
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False, env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert done.returncode == 0, done.stderr[-4000:]
    found: list[dict[str, Any]] = json.loads(done.stdout)
    assert len(found) == nranks
    return found


@pytest.mark.parametrize("nranks", [1, 2])
def test_every_transport_is_right_on_every_rank_and_can_be_opened_again(nranks: int) -> None:
    for rank in on_mpi_ranks("healthy", nranks=nranks):
        assert len(rank) == 2 * 3 * 3
        for case, row in rank.items():
            alone = nranks == 1 or "loopback" in case
            assert row["ok"], case
            assert row["factor"] == (None if alone else 1.0 if "all_reduce" in case else 0.5), case
            assert (row["wire"] == 0) == alone, case


def test_planted_faults_are_found_on_the_rank_that_has_them_at_their_place() -> None:
    first, last = on_mpi_ranks("faults")
    where = {
        "all_reduce swapped": "element 0",
        "all_reduce duplicated": "element 512",
        "all_reduce missing": "element 600",
        "all_to_all swapped": "block from rank 0, element 0",
        "all_to_all duplicated": "block from rank 1, element 0",
        "all_to_all missing": "block from rank 1, element 88",
    }
    for case, place in where.items():
        assert first[case]["ok"], case
        assert last[case]["clean"], case
        assert not last[case]["ok"], case
        assert last[case]["where"] == place
    for case in ("all_reduce stale", "all_to_all stale"):
        assert not first[case]["ok"]
        assert not last[case]["ok"]
        assert "repetition before" in last[case]["reason"]
    assert "what rank 1 sent" in last["all_to_all swapped"]["reason"]


def test_a_step_over_mpi_is_the_bare_call_with_nothing_around_it() -> None:
    for rank in on_mpi_ranks("bare"):
        assert rank["all_reduce"] == {"partial": True, "calls": "Allreduce", "keywords": {}, "arguments": 2}
        assert rank["all_to_all"] == {"partial": True, "calls": "Alltoall", "keywords": {}, "arguments": 2}
