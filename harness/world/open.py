"""From who started the ranks to their control world."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from assay.harness.world.protocol import World

Meeting = Literal["alone", "mpi", "store"]


def open_world(meeting: Meeting, environ: Mapping[str, str], *, seconds: float) -> World:
    """Bring the control world up (collective); RefusalError where ranks meet in a store and not all come within ``seconds``.

    MPI's own start waits as long as it likes, inside C.
    """
    if meeting == "mpi":
        from assay.harness.world.mpi import MpiWorld

        return MpiWorld()
    if meeting == "store":
        from assay.harness.world.store import join

        return join(environ, seconds=seconds)
    from assay.harness.world.solo import SoloWorld

    return SoloWorld()
