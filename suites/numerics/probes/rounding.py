"""Telling a rounding from what it makes of quarters, halves and three quarters of a unit, of either sign.

A mode that was not seen at work in every case may still be the only one that fits; where several fit, all of them are given.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType

QUARTERS = (0.25, 0.5, 0.75, 1.5)
Rounding = Callable[[float], float]


def nearest(tie: Callable[[float], float]) -> Rounding:
    """Round to nearest; ``tie`` decides halves."""
    return lambda x: tie(x) if abs(x) % 1 == 0.5 else float(round(x))  # noqa: PLR2004 - a half


def away(x: float) -> float:
    """Round away from zero."""
    return math.copysign(math.ceil(abs(x)), x)


def towards(x: float) -> float:
    """Round towards zero."""
    return float(math.trunc(x))


def odd(x: float) -> float:
    """Round to odd: whatever is not whole becomes the odd neighbour."""
    low = math.floor(x)
    return x if low == x else float(low if low % 2 else low + 1)


MODES: Mapping[str, Rounding] = MappingProxyType(
    {
        "rz": towards,
        "rne": nearest(lambda x: 2.0 * round(x / 2)),
        "rd": lambda x: float(math.floor(x)),
        "ru": lambda x: float(math.ceil(x)),
        "ra": away,
        "rna": nearest(away),
        "rnz": nearest(towards),
        "ro": odd,
    }
)


def modes_but_for_quarters(seen: Mapping[float, float]) -> tuple[str, ...]:
    """Name the modes that fit halves and more, where quarters vanish: what is so small is dropped before it is rounded."""
    if any(seen.get(part, 0.0) for part in (0.25, -0.25)):
        return ()
    return modes_that_fit({x: found for x, found in seen.items() if abs(x) > 0.25})  # noqa: PLR2004 - a quarter


def modes_that_fit(seen: Mapping[float, float]) -> tuple[str, ...]:
    """Name the modes that make of every number (in units of the last place) what was seen; ``seen``: number -> result, both signed."""
    return tuple(name for name, mode in MODES.items() if seen and all(mode(x) == found for x, found in seen.items()))
