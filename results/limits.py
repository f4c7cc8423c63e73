"""The limits that figures are held against: measured in the same run, or a vendor's figure with its source."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

from assay.harness.errors import RefusalError
from assay.harness.measurement import Measurement
from assay.results.record import finite_float
from assay.results.truth import figures_doubt

CALIBRATION = "calibrate"
MEASURED = "measured"
# Operations or bytes a step that no machine reaches: a volume beyond it is broken, and its rate could overflow.
MOST = 1e30


@dataclass(frozen=True)
class Limit:
    """What a resource gives at most.

    Attributes:
        resource: ``memory``, ``link``, ``matrix_bf16``, ...
        value: the limit, in ``unit``.
        unit: ``B/s`` or ``FLOP/s``.
        measured: whether it was measured in the same run; otherwise it is a stated figure.
        name: how it is called in records and reports, such as ``measured memory`` or ``h100_sxm memory``.
        source: where the figure comes from.

    """

    resource: str
    value: float
    unit: str
    measured: bool
    name: str
    source: str


def canonical(resource: str) -> str:
    """Write a resource's name in one way: ``matrix.bf16`` is ``matrix_bf16``."""
    return resource.replace(".", "_")


def unit_of(resource: str) -> str:
    """Name the unit of a resource; empty for a resource that does not exist."""
    if resource.startswith("matrix_"):
        return "FLOP/s"
    return "B/s" if resource in {"memory", "link"} else ""


def find_limits(measurements: Iterable[Measurement], hardware: Mapping[str, Any]) -> dict[str, Limit]:
    """Give every known limit by resource; a stated figure goes before a measured one. A resource without either is absent: no default."""
    return measured_limits(measurements) | stated_limits(hardware)


def measured_limits(measurements: Iterable[Measurement]) -> dict[str, Limit]:
    """Take limits from the run's calibration: what a rank reached in its fastest repetition, since a limit is what can be had at most.

    The median over ranks stands for the machine; of several cases of one resource the best one counts.
    """
    found: dict[str, Limit] = {}
    for measurement in measurements:
        resource = canonical(str(measurement.case.params.get("resource", "")))
        rate = calibrated_rate(measurement, resource) if measurement.case.suite == CALIBRATION and unit_of(resource) else None
        if rate is not None and (resource not in found or rate > found[resource].value):
            name = f"{MEASURED} {resource}"
            found[resource] = Limit(resource, rate, unit_of(resource), measured=True, name=name, source=measurement.case.key)
    return found


def calibrated_rate(measurement: Measurement, resource: str) -> float | None:
    """Give what one calibration case reached, in the resource's unit; None where it has no figure that could be trusted."""
    volume = measurement.volume
    amounts = {"memory": volume.memory_nbytes, "link": volume.message_nbytes}
    amount = finite_float(amounts.get(resource, volume.flops))
    if amount is None or not 0 < amount < MOST or measurement.status != "measured" or figures_doubt(measurement):
        return None
    if measurement.scope == "world":
        return amount / min(measurement.samples.slowest)
    return median(amount / min(row) for row in measurement.samples.rows)


def stated_limits(hardware: Mapping[str, Any]) -> dict[str, Limit]:
    """Read ``hardware.limits`` of the composed configuration.

    RefusalError names the config path of an unknown resource, a value that is not a positive finite number, a unit that is not the
    resource's, or a figure without a source; and refuses limits under the name ``measured``, which stands for this run's calibration.
    """
    name = str(hardware.get("name") or MEASURED)
    limits = hardware.get("limits") or {}
    if not isinstance(limits, Mapping):
        message = "is a mapping from resource to {value, unit, source}"
        raise RefusalError(message, value=limits, where="hardware.limits", fix="Write hardware.limits={} or choose hardware=h100_sxm.")
    if limits and name.split(maxsplit=1)[0] == MEASURED:
        message = "stated limits need the name of the hardware they belong to"
        raise RefusalError(
            message, where="hardware.name", fix="Set hardware.name, or leave hardware.limits empty to use what calibration measures."
        )
    return {str(resource): stated_limit(str(resource), row, name) for resource, row in limits.items()}


def stated_limit(resource: str, row: Any, name: str) -> Limit:
    """Read one stated limit; RefusalError names the part that is wrong."""
    where = f"hardware.limits.{resource}"
    unit = unit_of(resource)
    if not unit:
        message = "is no resource"
        raise RefusalError(message, value=resource, where=where, fix="Resources are memory, link and matrix_FORMAT.")
    if not isinstance(row, Mapping) or set(row) != {"value", "unit", "source"}:
        message = "takes exactly value, unit and source"
        raise RefusalError(message, value=row, where=where, fix=f"Write {{value: NUMBER, unit: {unit}, source: WHERE FROM}}.")
    value = finite_float(row["value"])
    if value is None or value <= 0:
        message = "must be a positive number"
        raise RefusalError(message, value=row["value"], where=f"{where}.value", fix="Leave the resource out if its limit is not known.")
    if row["unit"] != unit:
        message = f"must be {unit}"
        raise RefusalError(message, value=row["unit"], where=f"{where}.unit", fix=f"Convert the value to {unit}.")
    if not isinstance(row["source"], str) or not row["source"].strip():
        message = "a figure needs its source"
        raise RefusalError(message, value=row["source"], where=f"{where}.source", fix="Name the data sheet or the page.")
    return Limit(resource, value, unit, measured=False, name=f"{name} {resource}", source=row["source"])
