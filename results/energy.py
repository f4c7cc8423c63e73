"""Joules of the timed part: the device's own counter, believed only where sampled power says the same.

Sampled power alone may be off by far, since a device may measure only part of the time (Yang, Adamek, Armour, "Part-time Power
Measurements", 2023, arXiv:2312.02741); a counter alone may tick in other units than its documentation says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

SHORTEST_SECONDS = 2.0  # counters and power move in steps of up to 0.1 s: 5 % of two seconds
MOST_APART = 0.05

Sample = tuple[float, float | None, float | None]


@dataclass(frozen=True)
class Energy:
    """Energy between the first and the last sample of the timed part.

    Attributes:
        joules: by the counter.
        seconds: between the two samples.
        integrated_joules: by the trapezoid rule over sampled power.
        n: samples.

    """

    joules: float
    seconds: float
    integrated_joules: float
    n: int

    @property
    def watts(self) -> float:
        """Mean power by the counter."""
        return self.joules / self.seconds

    @property
    def apart(self) -> float:
        """How far the two ways are apart, as a share of the counter's."""
        return abs(self.joules - self.integrated_joules) / self.joules


def energy(samples: Sequence[Sample]) -> Energy | str:
    """Measure energy from (seconds, counter in J, power in W) of the timed part; or say in one sentence why there is none."""
    counted = [(at, joules, watts) for at, joules, watts in samples if joules is not None and watts is not None]
    span = counted[-1][0] - counted[0][0] if counted else 0.0
    if not counted:
        return "no sample has both an energy counter and power" if samples else "no sample fell into the timed part"
    if span < SHORTEST_SECONDS:
        return f"the timed part holds {span:.1f} s of samples, energy takes {SHORTEST_SECONDS:g} s (budget.seconds, budget.precision)"
    steps = list(pairwise(counted))
    if any(later[1] < earlier[1] for earlier, later in steps):
        return "the energy counter went backwards"
    joules = counted[-1][1] - counted[0][1]
    integrated = sum((later[0] - earlier[0]) * (later[2] + earlier[2]) / 2 for earlier, later in steps)
    if joules <= 0:
        return "the energy counter stood still"
    found = Energy(joules, span, integrated, len(counted))
    if found.apart > MOST_APART:
        return f"counter and sampled power disagree by {found.apart:.0%} over {span:.1f} s: {joules:.0f} J and {integrated:.0f} J"
    return found
