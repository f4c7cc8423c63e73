"""How the ranks of a torch process group find each other: a key-value store on rank 0, made known over the control world."""

from __future__ import annotations

import ipaddress
import socket
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from assay.harness.errors import AssayError

if TYPE_CHECKING:
    from assay.harness.world.protocol import World

LOCAL = "127.0.0.1"
# An address of the documentation range (RFC 5737): connecting a datagram socket to it sends nothing and picks the outgoing interface.
NOWHERE = ("192.0.2.1", 9)


def open_store(world: World, *, timeout: timedelta) -> tuple[Any, str]:
    """Open one TCPStore for all ranks; returns it with the address at which this rank can be reached.

    Collective. The port is the operating system's choice, so that two transports, or two runs, never meet. AssayError on every rank if
    rank 0 cannot listen or this rank cannot reach it.
    """
    from torch.distributed import TCPStore  # type: ignore[attr-defined]

    hosts = world.allgather(socket.gethostname())
    one_host = len(set(hosts)) == 1
    address = LOCAL if one_host else outgoing_address()
    store, offer = None, ("", 0, "")
    if world.rank == 0:
        try:
            store = TCPStore(address, 0, world.size, is_master=True, timeout=timeout, wait_for_workers=False)
            offer = (address, store.port, "")
        except (RuntimeError, OSError) as error:
            offer = ("", 0, str(error))
    host, port, problem = world.bcast(offer)
    if problem:
        message = f"rank 0 cannot open a store for the process group: {problem}"
        raise AssayError(message)
    if store is None:
        try:
            store = TCPStore(host, port, world.size, is_master=False, timeout=timeout, wait_for_workers=False)
        except (RuntimeError, OSError) as error:
            message = f"rank {world.rank} cannot reach the store of rank 0 at {host}:{port}: {error}"
            raise AssayError(message) from error
    return store, address


def outgoing_address() -> str:
    """Give the address of the interface that this host uses to leave; its own name's address where it has no route."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(NOWHERE)
            found = str(probe.getsockname()[0])
        except OSError:
            found = socket.gethostbyname(socket.gethostname())
    return LOCAL if ipaddress.ip_address(found).is_unspecified else found
