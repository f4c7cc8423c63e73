"""Where a device sits: its PCI address, its NUMA node, the network cards nearest to it. Reads /sys only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

SYS = Path("/sys")


def pci_address(properties: Any) -> str:
    """Give ``dddd:bb:dd.f`` in lower case from a device's properties; empty where they do not tell it."""
    bus = getattr(properties, "pci_bus_id", None)
    if isinstance(bus, str) and bus:
        return bus.lower() if bus.count(":") > 1 else f"0000:{bus.lower()}"
    if bus is None:
        return ""
    domain, device = (int(getattr(properties, name, 0)) for name in ("pci_domain_id", "pci_device_id"))
    return f"{domain:04x}:{int(bus):02x}:{device:02x}.0"


def numa_node(pci: str, *, sys: Path = SYS) -> int | None:
    """Give the NUMA node of a PCI device; None where there is only one, or nobody knows."""
    return node_at(sys / "bus/pci/devices" / pci) if pci else None


def node_at(device: Path) -> int | None:
    """Read the NUMA node in a device's folder (Linux writes -1 where it has none)."""
    try:
        node = int((device / "numa_node").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
    return node if node >= 0 else None


def nearest_nics(pci: str, *, sys: Path = SYS) -> list[str]:
    """Name the network cards that share most of the PCI path with a device, those of its NUMA node first among equals.

    InfiniBand and RoCE cards by the name that ``NCCL_IB_HCA`` takes (/sys/class/infiniband); Ethernet's only where there is none of them.
    Cards in another place than under a PCI bridge, which are virtual, do not count.
    """
    home = (sys / "bus/pci/devices" / pci).resolve() if pci else None
    if home is None or not home.exists():
        return []
    cards = cards_in(sys / "class/infiniband") or cards_in(sys / "class/net")
    if not cards:
        return []
    ranked = {name: (common(home, place), node_at(place) == node_at(home)) for name, place in cards.items()}
    best = max(ranked.values())
    return sorted(name for name, rank in ranked.items() if rank == best)


def cards_in(folder: Path) -> dict[str, Path]:
    """Give the cards of one class with the folder of the PCI device each belongs to."""
    found = {}
    for card in sorted(folder.iterdir()) if folder.is_dir() else ():
        place = (card / "device").resolve()
        if place.exists() and "pci" in str(place):
            found[card.name] = place
    return found


def common(one: Path, other: Path) -> int:
    """Count the leading parts that two paths share: the more, the fewer bridges between them."""
    count = 0
    for mine, theirs in zip(one.parts, other.parts, strict=False):
        if mine != theirs:
            break
        count += 1
    return count
