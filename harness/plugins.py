"""What installed packages bring: suites, devices, transports and telemetry, found by their entry points.

Listing reads package metadata only and imports nothing. A package is loaded when a plan names what it brings, and one that cannot be
loaded is named, with everything else going on. Configuration cannot add to this list: only installing a package can.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import metadata
from typing import Any

from assay.harness.errors import RefusalError

SUITES, DEVICES, TRANSPORTS, TELEMETRY = "assay.suites", "assay.devices", "assay.transports", "assay.telemetry"
GROUPS = (SUITES, DEVICES, TRANSPORTS, TELEMETRY)


@dataclass(frozen=True)
class Plugin:
    """One entry point.

    Attributes:
        group: one of ``GROUPS``.
        name: what a configuration calls it.
        target: ``module:function``.
        package: name and version of the distribution that brings it.

    """

    group: str
    name: str
    target: str
    package: str


def plugins(group: str) -> list[Plugin]:
    """List the entry points of one group by name; nothing is imported."""
    found = {
        Plugin(group, entry.name, entry.value.strip(), f"{entry.dist.name} {entry.dist.version}" if entry.dist else "unknown package")
        for entry in metadata.entry_points(group=group)
    }
    return sorted(found, key=lambda plugin: (plugin.name, plugin.package))


def find(group: str, name: str) -> Plugin | None:
    """Find an entry point by name; None if nothing installed brings it, RefusalError if two packages do."""
    named = [plugin for plugin in plugins(group) if plugin.name == name]
    if len({plugin.target for plugin in named}) > 1:
        message = f"is brought by more than one package: {', '.join(plugin.package for plugin in named)}"
        raise RefusalError(message, value=name, where=group, fix="Uninstall all but one.")
    return named[0] if named else None


def load(plugin: Plugin) -> Any:
    """Import what an entry point names; RefusalError names the package, the entry point and what it raised."""
    where = f"entry point {plugin.name} of {plugin.package} ({plugin.group})"
    try:
        return metadata.EntryPoint(plugin.name, plugin.target, plugin.group).load()
    except (Exception, SystemExit) as error:  # it may raise anything, and end the process too
        message = f"cannot be loaded: {type(error).__name__}: {error}"
        raise RefusalError(message, value=plugin.target, where=where, fix="Mend or uninstall that package.") from error
