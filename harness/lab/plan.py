"""What a lab consists of, and what its pieces are called: pure data, nothing is touched here.

A node is a network namespace with a host name of its own. A plane is a namespace that holds one bridge, its switch. Every node has one
interface in each plane, ``plane0``, ``plane1``, ..., and one in the management network, ``mgmt0``, whose bridge lies in the head: there
the launcher runs. Nothing lies outside these namespaces. Nodes and planes count from 0.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Any

from assay.harness.errors import RefusalError

MAX_NODES, MAX_PLANES = 64, 8  # addresses would allow more; this machine would not
RATE = re.compile(r"(\d+(?:\.\d+)?)(kbit|mbit|gbit)", re.IGNORECASE)
UNITS = {"kbit": 1e3, "mbit": 1e6, "gbit": 1e9}


@dataclass(frozen=True)
class Lab:
    """A lab.

    Attributes:
        owner: user id of whoever raised it; part of every name, so that two users' labs never meet.
        nodes: how many.
        planes: how many.
        rate: of every interface in a plane, both directions, bit/s.
        label: tells several labs of one user apart; part of every name too.

    """

    owner: int
    nodes: int
    planes: int
    rate: float
    label: str = ""

    @property
    def prefix(self) -> str:
        """What the names of its namespaces begin with."""
        return prefix(self.owner, self.label)

    @property
    def head(self) -> str:
        """Namespace of the launcher and of the management bridge."""
        return f"{self.prefix}head"

    def node(self, number: int) -> str:
        """Namespace of a node."""
        return f"{self.prefix}node{number}"

    def switch(self, plane: int) -> str:
        """Namespace of a plane's switch."""
        return f"{self.prefix}plane{plane}"

    def namespaces(self) -> list[str]:
        """List all of them."""
        return [self.head, *map(self.switch, range(self.planes)), *map(self.node, range(self.nodes))]

    def hosts(self) -> list[str]:
        """List the nodes' host names."""
        return [f"node{number}" for number in range(self.nodes)]

    def as_dict(self) -> dict[str, Any]:
        """Give plain JSON types."""
        return asdict(self)


def prefix(owner: int, label: str) -> str:
    """Give what the names of a user's namespaces begin with; RefusalError for a label that cannot be part of one."""
    if not re.fullmatch(r"[a-z0-9]{0,16}", label):
        message = "is no label of a lab"
        raise RefusalError(message, value=label, where="ASSAY_LAB", fix="Use up to 16 small letters and digits.")
    return f"assay{owner}{label and '.'}{label}-"


def address(plane: int, node: int) -> str:
    """Address of a node in a plane."""
    return f"10.{10 + plane}.0.{node + 1}"


def management(node: int) -> str:
    """Address of a node in the management network."""
    return f"10.9.0.{node + 1}"


HEAD_ADDRESS = "10.9.0.254"


def planned(owner: int, *, nodes: int, planes: int, rate: str, label: str = "") -> Lab:
    """Make the plan of a lab; RefusalError for one that cannot be."""
    for name, value, most in (("nodes", nodes, MAX_NODES), ("planes", planes, MAX_PLANES)):
        if not 1 <= value <= most:
            message = f"a lab has 1 to {most} {name}"
            raise RefusalError(message, value=value, where=f"--{name}", fix=f"Choose from 1 to {most}.")
    lab = Lab(owner, nodes, planes, bits(rate, where="--rate"), label)
    prefix(owner, label)
    return lab


def bits(text: str, *, where: str) -> float:
    """Read a rate such as ``400mbit``: bit/s."""
    found = RATE.fullmatch(text.strip())
    if not found or not float(found[1]):
        message = "is no rate"
        raise RefusalError(message, value=text, where=where, fix="Write 400mbit, 50mbit or 1gbit.")
    return float(found[1]) * UNITS[found[2].lower()]


def told(rate: float) -> str:
    """Write a rate as it is read."""
    return f"{rate / 1e6:g}mbit"
