"""From a transport's name to this rank's end of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.collectives.transport import Transport
from assay.harness.errors import RefusalError

if TYPE_CHECKING:
    from assay.harness.work import Context

TRANSPORTS = ("loopback", "mpi", "gloo", "nccl")


def open_transport(name: str, ctx: Context) -> Transport:
    """Open a transport over all ranks of the launch (collective).

    NotApplicableError with its reason where this site cannot have it, AssayError where it should work and does not, RefusalError for a
    name that is none of ``TRANSPORTS``.
    """
    if name == "loopback":
        from assay.collectives.loopback import Loopback

        return Loopback(ctx.device.torch_name)
    if name == "mpi":
        from assay.collectives.mpi import Mpi

        return Mpi(ctx.world)
    if name in TRANSPORTS:
        from assay.collectives.torch_group import TorchGroup

        return TorchGroup(name, ctx.world, device=ctx.device.torch_name)
    message = "unknown transport"
    raise RefusalError(message, value=name, where="transport", fix=f"Choose one of {', '.join(TRANSPORTS)}.")
