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


# busbw / algbw of two ranks, as nccl-tests has it (doc/PERFORMANCE.md).
FACTORS = {"all_reduce": 1.0, "all_to_all": 0.5, "all_gather": 0.5, "reduce_scatter": 0.5, "broadcast": 1.0, "send_recv": 1.0}


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
        assert len(rank) == 6 * 3 * 3 - 3  # loopback has no broadcast
        for case, row in rank.items():
            alone = nranks == 1 or "loopback" in case
            assert row["ok"], case
            assert row["factor"] == (None if alone else FACTORS[case.split()[0]]), case
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
        "all_gather swapped": "block from rank 0, element 0",
        "all_gather duplicated": "block from rank 1, element 0",
        "all_gather missing": "block from rank 1, element 88",
        "reduce_scatter swapped": "element 0",
        "reduce_scatter duplicated": "element 256",
        "reduce_scatter missing": "element 344",
        "broadcast swapped": "block from rank 0, element 0",
        "broadcast duplicated": "block from rank 0, element 512",
        "broadcast missing": "block from rank 0, element 600",
        "send_recv swapped": "block from rank 0, element 0",
        "send_recv duplicated": "block from rank 0, element 512",
        "send_recv missing": "block from rank 0, element 600",
    }
    for case, place in where.items():
        assert first[case]["ok"], case
        assert last[case]["clean"], case
        assert not last[case]["ok"], case
        assert last[case]["where"] == place
    for operation in FACTORS:
        case = f"{operation} stale"
        assert first[case]["ok"] == (operation == "broadcast"), case  # its root has what it sends
        assert not last[case]["ok"]
        assert "repetition before" in last[case]["reason"]
    for operation in ("all_to_all", "all_gather"):
        assert "what rank 1 sent" in last[f"{operation} swapped"]["reason"]


def test_unequal_blocks_are_right_and_a_wrong_word_is_found() -> None:
    first, last = on_mpi_ranks("unequal")
    assert first.pop("spoiled") == {"ok": False, "where": "block from rank 0, element 3"}
    assert last.pop("spoiled")["ok"]
    for rank in (first, last):
        assert len(rank) == 8
        assert all(row["ok"] for row in rank.values()), rank


def test_a_step_over_mpi_is_the_bare_call_with_nothing_around_it() -> None:
    for rank in on_mpi_ranks("bare"):
        assert rank["all_reduce"] == {"partial": True, "calls": "Allreduce", "keywords": {}, "arguments": 2}
        assert rank["all_to_all"] == {"partial": True, "calls": "Alltoall", "keywords": {}, "arguments": 2}
        assert rank["all_gather"] == {"partial": True, "calls": "Allgather", "keywords": {}, "arguments": 2}
        assert rank["reduce_scatter"] == {"partial": True, "calls": "Reduce_scatter_block", "keywords": {}, "arguments": 2}
        assert rank["broadcast"] == {"partial": True, "calls": "Bcast", "keywords": {}, "arguments": 2}
        assert rank["send_recv"] == {"partial": True, "calls": "Sendrecv", "keywords": {}, "arguments": 6}
