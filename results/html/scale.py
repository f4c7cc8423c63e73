"""From values to places on a chart, and where its grid lines are."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from assay.results.record import finite_float

# A range over more than this factor is drawn on a logarithmic axis.
WIDE = 30.0
STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True)
class Scale:
    """A linear or logarithmic axis from ``low``..``high`` (values) to ``start``..``end`` (units of the drawing)."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False
    at: tuple[float, ...] = ()  # where grid lines are wanted, such as the sizes that were measured; else round values

    def __call__(self, value: float) -> float:
        """Place a value; one outside the range lies on the edge."""
        return self.start + (self.end - self.start) * min(1.0, max(0.0, self.part(value)))

    def part(self, value: float) -> float:
        """Give how far along the axis a value lies, 0 to 1 inside its range."""
        if self.log:
            return (math.log(value) - math.log(self.low)) / (math.log(self.high) - math.log(self.low)) if value > 0 else 0.0
        return (value - self.low) / (self.high - self.low)

    def ticks(self, most: int = 5) -> list[float]:
        """Choose round values for grid lines: 1, 2 or 5 times a power of ten, or powers of ten on a logarithmic axis."""
        if self.at:
            return [*self.at[:: math.ceil(len(self.at) / most)]]
        if self.log:
            return log_ticks(self.low, self.high, most)
        step = round_step((self.high - self.low) / max(most, 1))
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [number * step for number in range(first, last + 1)]


def scale(values: Iterable[float], start: float, end: float, *, log: bool | None = None, zero: bool = False) -> Scale:
    """Make the axis that holds all finite values with a margin; without any it runs from 0 to 1.

    Args:
        values: what must fit.
        start: place of the low end, in units of the drawing.
        end: place of the high end.
        log: logarithmic; None chooses by how far the values range. Values that are not positive force a linear axis.
        zero: let a linear axis begin at 0.

    """
    known = [number for value in values if (number := finite_float(value)) is not None]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    wide = low > 0 and high / low > WIDE if log is None else log
    if wide and low > 0:
        margin = min(max((high / low) ** 0.04, 1.05), 10.0)
        return Scale(low / margin, high * margin, start, end, log=True)
    low = min(low, 0.0) if zero else low
    margin = (high - low) * 0.04 or abs(high) * 0.05 or 1.0
    return Scale(low if zero and low == 0 else low - margin, high + margin, start, end)


def round_step(raw: float) -> float:
    """Give the smallest round step of at least ``raw``."""
    power: float = 10.0 ** math.floor(math.log10(raw))
    return next(step * power for step in STEPS if step * power >= raw * (1 - 1e-9))


def log_ticks(low: float, high: float, most: int) -> list[float]:
    """Choose powers of ten; 1, 2 and 5 times them where there are few."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    tens = [10.0**power for power in powers if low <= 10.0**power <= high]
    if len(tens) >= 3:  # noqa: PLR2004 - two lines say nothing about the middle
        return tens[:: math.ceil(len(tens) / most)]
    fine = [factor * 10.0**power for power in powers for factor in (1.0, 2.0, 5.0) if low <= factor * 10.0**power <= high]
    if len(fine) >= 2:  # noqa: PLR2004 - the same
        return fine[:: math.ceil(len(fine) / most)]
    return Scale(low, high, 0, 1).ticks(most)
