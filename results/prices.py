"""What a device hour costs, as a hardware entry states it: never a default, always with a source."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from assay.harness.errors import RefusalError, StoreError
from assay.harness.rundir import RunDir
from assay.results.record import finite_float


def stated_price(runs: Sequence[RunDir]) -> tuple[float, str] | None:
    """Give (price of a device hour, where it comes from) that all of these runs state; None where one of them states none.

    ``hardware.price: {device_hour: {value, unit, source}}`` in the configuration of each run. RefusalError for an entry that cannot be
    right, or for two prices in one contender.
    """
    found = {price_of(run) for run in runs}
    if None in found:
        return None
    if len(found) > 1:
        message = f"its runs state {len(found)} prices"
        raise RefusalError(message, where="hardware.price", fix="Say --price LABEL=MONEY.")
    return found.pop()


def price_of(run: RunDir) -> tuple[float, str] | None:
    """Read one run's price."""
    try:
        held: Any = (run.config().get("hardware") or {}).get("price")
    except StoreError:
        return None
    if not held:
        return None
    told = held.get("device_hour") if isinstance(held, dict) else None
    entry: dict[str, Any] = told if isinstance(told, dict) else {}
    value = finite_float(entry.get("value"))
    if value is None or value <= 0 or not str(entry.get("unit") or "").endswith("/h") or not str(entry.get("source") or "").strip():
        message = "takes device_hour with a positive value, a unit such as USD/h, and a source"
        raise RefusalError(
            message, value=held, where=f"{run.id}: hardware.price", fix="Correct the hardware entry, or say --price LABEL=MONEY."
        )
    return value, f"{entry['unit']}, {entry['source']}"
