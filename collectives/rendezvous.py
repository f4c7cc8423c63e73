"""How the ranks of a torch process group find each other: a key-value store on rank 0, made known over the control world."""

from __future__ import annotations

import ipaddress
import socket
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from assay.harness.errors import AssayError, NotApplicableError

if TYPE_CHECKING:
    from assay.harness.world.protocol import World

LOCAL = "127.0.0.1"
# An address of the documentation range (RFC 5737): connecting a datagram socket to it sends nothing and picks the outgoing interface.
NOWHERE = ("192.0.2.1", 9)


def open_store(world: World, *, timeout: timedelta, interface: str = "") -> tuple[Any, str]:
    """Open one TCPStore for all ranks; returns it with the address at which this rank can be reached, on ``interface`` where one is named.

    Collective. The port is the operating system's choice, so that two transports, or two runs, never meet. AssayError on every rank if
    rank 0 cannot listen or this rank cannot reach it.
    """
    from torch.distributed import TCPStore  # type: ignore[attr-defined]

    hosts = world.allgather(socket.gethostname())
    one_host = len(set(hosts)) == 1
    address = address_of(interface) if interface else LOCAL if one_host else outgoing_address()
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


def address_of(interface: str) -> str:
    """Give the IPv4 address of a network interface; NotApplicableError where this host has none of that name, or it has no address."""
    import psutil

    known = psutil.net_if_addrs()
    found = [entry.address for entry in known.get(interface, []) if entry.family == socket.AF_INET]
    if not found:
        what = "has no IPv4 address" if interface in known else f"is no interface of {socket.gethostname()}, which has {', '.join(known)}"
        message = f"{interface} {what}"
        raise NotApplicableError(message)
    return str(found[0])


def outgoing_address() -> str:
    """Give the address of the interface that this host uses to leave; its own name's address where it has no route."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(NOWHERE)
            found = str(probe.getsockname()[0])
        except OSError:
            found = socket.gethostbyname(socket.gethostname())
    return LOCAL if ipaddress.ip_address(found).is_unspecified else found
