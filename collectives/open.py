"""From a transport's name to this rank's end of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from assay.collectives.transport import Step, Transport
from assay.harness.errors import NotApplicableError, RefusalError
from assay.harness.plugins import TRANSPORTS as GROUP
from assay.harness.plugins import find, load, plugins

if TYPE_CHECKING:
    from assay.harness.work import Context

TRANSPORTS = ("loopback", "mpi", "gloo", "nccl")
TORCH = "torch:"  # and the name of any back end of torch.distributed


def open_transport(name: str, ctx: Context) -> Transport:
    """Open a transport over all ranks of the launch (collective).

    ``gloo@INTERFACE`` keeps to one network interface, such as ``gloo@plane1``. A name that is none of ours is that of an installed
    ``assay.transports`` entry point: a callable that takes the ``Context`` and returns a ``Transport``.
    NotApplicableError with its reason where this site cannot have it, AssayError where it should work and does not, RefusalError for a
    name that nothing brings.
    """
    check_transport(name)
    if name == "loopback":
        from assay.collectives.loopback import Loopback

        return Loopback(ctx.device.torch_name)
    if name == "mpi":
        from assay.collectives.mpi import Mpi

        return Mpi(ctx.world)
    base, _, interface = name.partition("@")
    if base in TRANSPORTS or name.startswith(TORCH):
        from assay.collectives.torch_group import TorchGroup

        return TorchGroup(base, ctx.world, device=ctx.device.torch_name, interface=interface)
    plugin = find(GROUP, name)
    assert plugin is not None  # noqa: S101 - checked above
    opened: Transport = load(plugin)(ctx)
    return opened


def operation(line: Transport, name: str) -> Callable[..., Step]:
    """Give an operation of a transport; NotApplicableError where an installed one does not bring it."""
    found: Callable[..., Step] | None = getattr(line, name, None)
    if found is None:
        message = f"transport {line.name} has no {name}"
        raise NotApplicableError(message)
    return found


def check_transport(name: str) -> None:
    """Refuse a transport that is none of ours and that no installed package brings (RefusalError); nothing is imported."""
    if name.startswith(TORCH) and name != TORCH:
        return  # which back ends this torch has is known where it is loaded
    if name.partition("@")[0] == "gloo" and name.partition("@")[2]:
        return  # which interfaces a rank's host has is known there
    if name not in TRANSPORTS and find(GROUP, name) is None:
        message = "there is no such transport"
        known = (*TRANSPORTS, *(plugin.name for plugin in plugins(GROUP)), "gloo@INTERFACE", f"{TORCH}BACKEND")
        raise RefusalError(message, value=name, where="transport", fix=f"Choose one of {', '.join(known)}.")
