"""Which commands raise a lab, break it and mend it (iproute2's ip and tc): pure functions, testable without root."""

from __future__ import annotations

from collections.abc import Iterator

from assay.harness.lab.fault import WAYS, Fault
from assay.harness.lab.plan import HEAD_ADDRESS, Lab, address, management, told

Command = tuple[str, ...]
# Segmentation offload hands 64 KiB frames to the shaper: with less than two of them in its bucket it stalls.
BURST, LATENCY = "256kb", "50ms"
MTU = "9000"


def raised(lab: Lab) -> Iterator[Command]:
    """Raise all of a lab."""
    for space in lab.namespaces():
        yield ("ip", "netns", "add", space)
        yield ("ip", "-n", space, "link", "set", "lo", "up")
    yield ("ip", "-n", lab.head, "link", "add", "mgmt0", "type", "bridge")
    yield ("ip", "-n", lab.head, "addr", "add", f"{HEAD_ADDRESS}/24", "dev", "mgmt0")
    yield ("ip", "-n", lab.head, "link", "set", "mgmt0", "up")
    for plane in range(lab.planes):
        yield ("ip", "-n", lab.switch(plane), "link", "add", "br0", "mtu", MTU, "type", "bridge")
        yield ("ip", "-n", lab.switch(plane), "link", "set", "br0", "up")
    for node in range(lab.nodes):
        yield from cable(lab.node(node), "mgmt0", lab.head, port(node), "mgmt0", f"{management(node)}/24")
        for plane in range(lab.planes):
            yield from cable(lab.node(node), f"plane{plane}", lab.switch(plane), port(node), "br0", f"{address(plane, node)}/24", mtu=MTU)
            yield from shaped(lab, node, plane, lab.rate, verb="add")


def port(node: int) -> str:
    """Name of a switch's port."""
    return f"node{node}"


def cable(space: str, name: str, switch: str, end: str, bridge: str, own: str, *, mtu: str = "1500") -> Iterator[Command]:
    """Lay a cable from a node's interface to a bridge's port."""
    yield ("ip", "link", "add", name, "mtu", mtu, "netns", space, "type", "veth", "peer", "name", end, "mtu", mtu, "netns", switch)
    yield ("ip", "-n", switch, "link", "set", end, "master", bridge, "up")
    yield ("ip", "-n", space, "addr", "add", own, "dev", name)
    yield ("ip", "-n", space, "link", "set", name, "up")


def shaped(lab: Lab, node: int, plane: int, rate: float, *, verb: str = "change", ways: tuple[str, ...] = WAYS) -> Iterator[Command]:
    """Limit a node's rate in a plane: ``out`` at its interface, ``in`` at the switch's port."""
    ends = {"out": (lab.node(node), f"plane{plane}"), "in": (lab.switch(plane), port(node))}
    for way in ways:
        space, device = ends[way]
        limit = ("rate", told(rate), "burst", BURST, "latency", LATENCY)
        yield ("tc", "-n", space, "qdisc", verb, "dev", device, "root", "handle", "1:", "tbf", *limit)


def broken(lab: Lab, fault: Fault) -> Iterator[Command]:
    """Plant a fault."""
    node, plane = fault.node, fault.plane
    if fault.kind == "rate":
        yield from shaped(lab, node, plane, fault.rate, ways=fault.ways)
    elif fault.kind == "down":
        yield ("ip", "-n", lab.switch(plane), "link", "set", port(node), "down")
    elif fault.kind == "swap":
        yield from swapped(lab, node, plane, fault.other)
    elif fault.kind == "leak":
        for peer in range(lab.nodes):
            if peer != node:
                yield (*route(lab, "add", node, plane, peer), "dev", f"plane{fault.other}", "src", address(plane, node))
    else:  # loss
        yield ("tc", "-n", lab.node(node), "qdisc", "add", "dev", f"plane{plane}", "parent", "1:1", "netem", "loss", f"{fault.percent:g}%")


def mended(lab: Lab, fault: Fault) -> Iterator[Command]:
    """Take a fault away again."""
    node, plane = fault.node, fault.plane
    if fault.kind == "rate":
        yield from shaped(lab, node, plane, lab.rate, ways=fault.ways)
    elif fault.kind == "down":
        yield ("ip", "-n", lab.switch(plane), "link", "set", port(node), "up")
    elif fault.kind == "swap":
        yield from swapped(lab, node, plane, fault.other)
    elif fault.kind == "leak":
        for peer in range(lab.nodes):
            if peer != node:
                yield route(lab, "del", node, plane, peer)
    else:
        yield ("tc", "-n", lab.node(node), "qdisc", "del", "dev", f"plane{plane}", "parent", "1:1")


def route(lab: Lab, verb: str, node: int, plane: int, peer: int) -> Command:
    """Name the route from a node to one peer's address in a plane."""
    return ("ip", "-n", lab.node(node), "route", verb, f"{address(plane, peer)}/32")


def swapped(lab: Lab, node: int, one: int, other: int) -> Iterator[Command]:
    """Put a node's cables of two planes each into the other's switch. A shaper does not survive the move, so it is set again."""
    switches = (lab.switch(one), lab.switch(other))
    for here, there, name in ((*switches, "moving0"), (*reversed(switches), "moving1")):
        yield ("ip", "-n", here, "link", "set", port(node), "down")
        yield ("ip", "-n", here, "link", "set", port(node), "name", name)
        yield ("ip", "-n", here, "link", "set", name, "netns", there)
    for switch, name in zip(reversed(switches), ("moving0", "moving1"), strict=True):
        yield ("ip", "-n", switch, "link", "set", name, "name", port(node))
        yield ("ip", "-n", switch, "link", "set", port(node), "master", "br0", "up")
    for plane in (one, other):
        yield from shaped(lab, node, plane, lab.rate, verb="replace", ways=("in",))


def lowered(spaces: list[str]) -> Iterator[Command]:
    """Take namespaces away; what lies in them goes with them."""
    for space in spaces:
        yield ("ip", "netns", "del", space)
