"""The control world between real processes: the same promises over MPI and over torch's store."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from assay.harness.errors import RefusalError
from assay.harness.launch.command import mpiexec, torchrun
from assay.harness.launch.mpi import find_mpiexec
from assay.harness.world.store import StoreWorld, join

SCRIPT = Path(__file__).with_name("world_ranks.py")
NRANKS = 2
WORLDS = [pytest.param("mpi", marks=pytest.mark.mpi), "store"]


def started(world: str, scenario: str) -> subprocess.CompletedProcess[str]:
    """Run a scenario on two ranks."""
    if world == "mpi":
        ranks = [sys.executable, "-m", "mpi4py", str(SCRIPT), scenario]
        argv = mpiexec(find_mpiexec(), ranks, nranks=NRANKS, root=os.geteuid() == 0)
    else:
        argv = torchrun(sys.executable, [sys.executable, str(SCRIPT), scenario], nranks=NRANKS)
    environ = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False, env=environ)


@pytest.fixture(scope="module", params=WORLDS)
def ranks(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    """Give what each rank of one world found in the scenarios that end well."""
    done = started(request.param, "exchange,order,absent,without_mpi")
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return sorted(({"world": request.param, **row} for row in rows), key=lambda row: int(row["rank"]))


def test_values_arrive_where_they_belong(ranks: list[dict[str, Any]]) -> None:
    assert [row["rank"] for row in ranks] == [0, 1]
    for row in ranks:
        found = row["exchange"]
        assert found["bcast"] == 1
        assert found["gather"] == ([0, 10] if row["rank"] == 0 else None)
        assert found["allgather"] == [{"rank": 0}, {"rank": 1}]
        assert found["agree"] == [1, 2]


def test_nobody_leaves_a_barrier_before_the_last_has_come(ranks: list[dict[str, Any]]) -> None:
    for row in ranks:
        assert row["order"]["before the last came"] == [False, False]


def test_an_agreement_that_somebody_stays_away_from_breaks_within_its_deadline(ranks: list[dict[str, Any]]) -> None:
    said = ranks[0]["absent"]
    assert "no agreement between ranks within 0.5 s" in said["said"]
    assert 0.5 <= said["seconds"] < 20


def test_only_mpi_has_communicators(ranks: list[dict[str, Any]]) -> None:
    for row in ranks:
        assert ("without MPI" in row["without_mpi"]["said"]) == (row["world"] == "store")


def test_a_store_does_not_grow_with_the_number_of_operations(ranks: list[dict[str, Any]]) -> None:
    assert all(row["exchange"]["keys"] < 30 for row in ranks)  # 300 rounds of three operations were made


@pytest.mark.parametrize("world", WORLDS)
def test_a_rank_that_ends_the_world_ends_the_others(world: str) -> None:
    done = started(world, "ending")
    assert done.returncode != 0
    assert "went on" not in done.stdout


def test_ranks_that_do_not_all_come_are_refused() -> None:
    from torch.distributed import HashStore

    with pytest.raises(RefusalError, match="2 ranks are announced, and not all of them came up"):
        StoreWorld(HashStore(), rank=0, size=2, seconds=0.2)


def test_a_second_program_of_the_same_ranks_meets_in_a_fresh_world() -> None:
    from torch.distributed import HashStore

    store = HashStore()
    for _ in range(3):
        world = StoreWorld(store, rank=0, size=1, seconds=5)
        assert world.allgather("x") == ["x"]
        assert world.agree(4, seconds=5) == [4]
        world.close()


@pytest.mark.parametrize(
    ("environ", "where"),
    [
        ({"RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1"}, "MASTER_PORT"),
        ({"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "1"}, "RANK"),
    ],
)
def test_a_missing_variable_is_named(environ: dict[str, str], where: str) -> None:
    with pytest.raises(RefusalError, match="is not set") as caught:
        join(environ)
    assert caught.value.where == where
