"""What a million output tokens cost on each contender at one time per output token, and how that hangs on every assumption."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace

from assay.harness.errors import RefusalError

SWING = 0.2
MILLION, HOUR = 1e6, 3600.0


@dataclass(frozen=True)
class Assumptions:
    """Every input of the cost, for one device.

    Attributes:
        tokens_per_second: output tokens of one device at the agreed time per output token.
        device_hour: price of a device hour, without energy.
        watts: power of one device with its share of the node.
        pue: power usage effectiveness of the site, 1 at least.
        tariff: price of a kWh, same currency.
        utilisation: share of the hours in which it serves, over 0 up to 1.

    """

    tokens_per_second: float
    device_hour: float
    watts: float
    pue: float = 1.3
    tariff: float = 0.1
    utilisation: float = 0.5

    def checked(self) -> Assumptions:
        """Refuse an input that cannot be (RefusalError)."""
        bounds = {"utilisation": (0.0, 1.0), "pue": (0.999, math.inf)}
        for name, value in asdict(self).items():
            low, high = bounds.get(name, (0.0, math.inf))
            if not low < value <= high or math.isinf(value):
                message = f"must be over {low:g}" + (f" and at most {high:g}" if math.isfinite(high) else "")
                raise RefusalError(message, value=value, where=f"--{name.replace('_', '-')}", fix="Give the figure of your site.")
        return self


def cost(given: Assumptions) -> float:
    """Give the price of a million output tokens.

    (device hour + watts / 1000 x PUE x tariff) / (tokens a second x 3600 x utilisation) x 1e6. The device is paid for idle hours too, and
    energy is counted as if idle hours drew as much, which is the upper bound.

    """
    hour = given.device_hour + given.watts / 1000 * given.pue * given.tariff
    return hour / (given.tokens_per_second * HOUR * given.utilisation) * MILLION


def sensitivity(given: Assumptions) -> dict[str, tuple[float, float]]:
    """Give the cost with each input 20 % lower and 20 % higher, one at a time; a share stays at most 1, PUE at least 1."""
    found = {}
    for name, value in asdict(given).items():
        low, high = value * (1 - SWING), value * (1 + SWING)
        if name == "utilisation":
            high = min(high, 1.0)
        if name == "pue":
            low = max(low, 1.0)
        found[name] = (cost(replace(given, **{name: low})), cost(replace(given, **{name: high})))
    return found
