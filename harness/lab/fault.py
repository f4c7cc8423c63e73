"""What can be broken in a lab."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from assay.harness.errors import RefusalError
from assay.harness.lab.plan import Lab, told

KINDS = ("rate", "down", "swap", "leak", "loss")
WAYS = ("out", "in")


@dataclass(frozen=True)
class Fault:
    """One fault.

    Attributes:
        kind: ``rate`` (a slow card or cable), ``down`` (a dead one), ``swap`` (two cables of a node each in the other plane's switch),
            ``leak`` (a node's traffic for one plane goes over another), ``loss`` (of packets).
        node: which node.
        plane: which plane.
        other: the second plane of ``swap`` and ``leak``; -1 elsewhere.
        rate: of ``rate``, bit/s.
        percent: of ``loss``.
        ways: directions that ``rate`` slows: ``out``, ``in`` or both, as the node sees them.

    """

    kind: str
    node: int
    plane: int
    other: int = -1
    rate: float = 0.0
    percent: float = 0.0
    ways: tuple[str, ...] = WAYS

    def as_dict(self) -> dict[str, Any]:
        """Give plain JSON types."""
        return asdict(self) | {"ways": list(self.ways)}

    def __str__(self) -> str:
        """Say it in one line."""
        where = f"node{self.node}, plane{self.plane}"
        if self.kind == "rate":
            return f"{where}: {told(self.rate)}" + ("" if len(self.ways) > 1 else f", {self.ways[0]} only")
        said = {"down": "down", "swap": f"cable swapped with plane{self.other}'s", "leak": f"traffic goes over plane{self.other}"}
        return f"{where}: {said.get(self.kind, f'{self.percent:g} % of packets lost')}"


def checked(lab: Lab, fault: Fault) -> Fault:
    """Refuse a fault that this lab cannot have."""
    for name, value, count in (("node", fault.node, lab.nodes), ("plane", fault.plane, lab.planes)):
        if not 0 <= value < count:
            message = f"the lab has no such {name}"
            raise RefusalError(message, value=value, where=f"--{name}", fix=f"Choose from 0 to {count - 1}; they count from 0.")
    if fault.kind in {"swap", "leak"} and (not 0 <= fault.other < lab.planes or fault.other == fault.plane):
        message = "needs another plane of the lab"
        fix = f"Choose from 0 to {lab.planes - 1}, but not {fault.plane}." if lab.planes > 1 else "Raise a lab with more planes."
        raise RefusalError(message, value=fault.other, where=f"--{fault.kind}", fix=fix)
    if fault.kind == "loss" and not 0 < fault.percent < 100:  # noqa: PLR2004 - per cent
        message = "is no share of packets"
        raise RefusalError(message, value=fault.percent, where="--loss", fix="Write 1 for one per cent.")
    return fault


def read_fault(data: dict[str, Any]) -> Fault:
    """Read what ``as_dict`` wrote."""
    return Fault(**(data | {"ways": tuple(data["ways"])}))
