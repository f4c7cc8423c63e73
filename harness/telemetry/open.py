"""From a device's facts to its telemetry, or to the reason why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assay.harness.errors import RefusalError
from assay.harness.plugins import TELEMETRY, find, load, plugins
from assay.harness.telemetry.protocol import NoTelemetryError, Telemetry

KINDS = ("auto", "none", "nvml", "amdsmi")
AMD = ("amd", "instinct", "radeon")


def check_name(name: str, *, where: str = "site.telemetry") -> str:
    """Give the name back if there is such telemetry; RefusalError otherwise. Nothing is imported."""
    if name not in KINDS and find(TELEMETRY, name) is None:
        message = "there is no such telemetry"
        known = [*KINDS, *(plugin.name for plugin in plugins(TELEMETRY))]
        raise RefusalError(message, value=name, where=where, fix=f"Choose one of {', '.join(known)}.")
    return name


def chosen(name: str, facts: Mapping[str, Any]) -> str:
    """Resolve ``auto`` by the device; NoTelemetryError where there is none."""
    if name == "none":
        message = "site.telemetry=none"
        raise NoTelemetryError(message)
    if name != "auto":
        return name
    kind = str(facts.get("kind", ""))
    if kind == "cpu":
        message = "a cpu has no telemetry of its own"
        raise NoTelemetryError(message)
    words = f"{facts.get('vendor', '')} {facts.get('name', '')}".lower()
    if any(word in words for word in AMD):
        return "amdsmi"
    if kind == "cuda" or "nvidia" in words:
        return "nvml"
    message = f"nothing here knows devices of kind {kind!r} (packages may bring it: entry points {TELEMETRY})"
    raise NoTelemetryError(message)


def open_telemetry(name: str, facts: Mapping[str, Any]) -> Telemetry:
    """Open the telemetry of one device; NoTelemetryError gives the reason in one sentence."""
    kind = chosen(name, facts)
    if kind == "nvml":
        from assay.harness.telemetry.nvml import open_nvml

        return open_nvml(facts)
    if kind == "amdsmi":
        from assay.harness.telemetry.amdsmi import open_amdsmi

        return open_amdsmi(facts)
    plugin = find(TELEMETRY, kind)
    if plugin is None:
        message = f"no package here brings telemetry {kind!r}"
        raise NoTelemetryError(message)
    try:
        found: Telemetry = load(plugin)(facts)
    except NoTelemetryError:
        raise
    except Exception as error:
        message = f"{plugin.name} of {plugin.package} cannot be opened: {type(error).__name__}: {error}"
        raise NoTelemetryError(message) from error
    return found
