"""What every rank of test_worlds.py runs, under mpiexec or torchrun: ``world_ranks.py SCENARIO``; each rank prints one JSON line."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

from assay.harness.errors import BrokenWorldError, NotApplicableError
from assay.harness.launch.announced import announced
from assay.harness.world.open import open_world
from assay.harness.world.protocol import World

ROUNDS = 300


def exchange(world: World) -> dict[str, Any]:
    """Use every operation, many times over."""
    for number in range(ROUNDS):
        world.barrier()
        assert world.bcast(("x", number) if world.rank == 0 else None) == ("x", number)
        assert world.agree(number % 3, seconds=30) == [number % 3] * world.size
    last = world.bcast(world.rank, root=world.size - 1)
    return {
        "bcast": last,
        "gather": world.gather(10 * world.rank),
        "allgather": world.allgather({"rank": world.rank}),
        "agree": world.agree(world.rank + 1, seconds=30),
        "keys": getattr(world, "_store").num_keys() if hasattr(world, "_store") else 0,  # noqa: B009 - only one of the worlds has it
    }


def order(world: World) -> dict[str, Any]:
    """Let rank 0 come late to a barrier: nobody may leave it before."""
    if world.rank == 0:
        time.sleep(0.3)
    arrived = time.monotonic()
    world.barrier()
    left = time.monotonic()
    everyone = world.allgather((arrived, left))
    return {"before the last came": [after < max(a for a, _ in everyone) for _, after in everyone]}


def absent(world: World) -> dict[str, Any]:
    """Let rank 1 stay away from an agreement while it is in a barrier, as ranks do while another one is in trouble."""
    found: dict[str, Any] = {}
    if world.rank == 0:
        start = time.monotonic()
        try:
            world.agree(3, seconds=0.5)
        except BrokenWorldError as error:
            found = {"said": str(error), "seconds": time.monotonic() - start}
    world.barrier()
    return found


def without_mpi(world: World) -> dict[str, Any]:
    """Ask for an MPI communicator."""
    try:
        world.communicator()
    except NotApplicableError as error:
        return {"said": str(error)}
    return {"said": ""}


def ending(world: World) -> dict[str, Any]:
    """Let the last rank end the world while the others wait for it."""
    if world.rank == world.size - 1:
        world.abort(7)
    world.barrier()
    return {"went on": True}


SCENARIOS: dict[str, Callable[[World], dict[str, Any]]] = {
    "exchange": exchange,
    "order": order,
    "absent": absent,
    "without_mpi": without_mpi,
    "ending": ending,
}

if __name__ == "__main__":
    found = announced(os.environ)
    assert found is not None
    world = open_world("mpi" if found.mpi else "store", os.environ, seconds=30)
    said = {name: SCENARIOS[name](world) for name in sys.argv[1].split(",")}
    sys.stdout.write(json.dumps({"rank": world.rank, **said}) + "\n")
    sys.stdout.flush()
    world.close()
