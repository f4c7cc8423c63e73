"""Synthetic series whose truth is known: the noise that detectors are calibrated on.

A value is ``level x (1 + effect) x (1 + noise)``. Every model is scaled so that its standard deviation is the ``cv`` that was asked for, unless its
docstring says otherwise, and draws from the generator it is handed: a seed gives one series.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

Series = NDArray[np.float64]
Model = Callable[[np.random.Generator, int, float], Series]


def normal(rng: np.random.Generator, n: int, cv: float) -> Series:
    """Gaussian noise."""
    return cv * rng.standard_normal(n)


def lognormal(rng: np.random.Generator, n: int, cv: float) -> Series:
    """Right-tailed noise: a lognormal of shape 1, centred and scaled (skewness 6.2)."""
    raw = np.exp(rng.standard_normal(n))
    mean, variance = np.exp(0.5), (np.e - 1) * np.e
    return cv * (raw - mean) / np.sqrt(variance)


def student(rng: np.random.Generator, n: int, cv: float) -> Series:
    """Heavy tails on both sides: Student's t with three degrees of freedom, whose variance is 3."""
    return cv * rng.standard_t(3, n) / np.sqrt(3)


def spikes(rng: np.random.Generator, n: int, cv: float) -> Series:
    """Gaussian noise of ``cv``, and in 3 % of the runs a hiccup that adds ten times as much at least (so the spread is larger than ``cv``)."""
    hit = rng.random(n) < 0.03
    return cv * (rng.standard_normal(n) + hit * rng.uniform(10, 30, n))


def bimodal(rng: np.random.Generator, n: int, cv: float) -> Series:
    """Two clock states, a run in each with equal chance, and a little noise around both."""
    state = rng.integers(0, 2, n) * 2.0 - 1.0
    return cv * (0.95 * state + np.sqrt(1 - 0.95**2) * rng.standard_normal(n))


def autoregressive(rho: float) -> Model:
    """Make AR(1) noise with lag-1 correlation ``rho``, begun in its stationary state."""

    def draw(rng: np.random.Generator, n: int, cv: float) -> Series:
        shocks = rng.standard_normal(n)
        found = np.empty(n)
        last = 0.0
        for i in range(n):
            last = shocks[i] if i == 0 else rho * last + np.sqrt(1 - rho * rho) * shocks[i]
            found[i] = last
        return cv * found

    return draw


def ramp(rng: np.random.Generator, n: int, cv: float) -> Series:
    """Gaussian noise and a slow drift upwards by twice ``cv`` over the whole series."""
    return cv * (rng.standard_normal(n) + np.linspace(-1, 1, n))


def nightly(rng: np.random.Generator, n: int, cv: float) -> Series:
    """Gaussian noise and a rhythm of seven runs."""
    return cv * (0.8 * rng.standard_normal(n) + 0.6 * np.sqrt(2) * np.sin(2 * np.pi * (np.arange(n) + rng.integers(0, 7)) / 7))


MODELS: Mapping[str, Model] = MappingProxyType(
    {
        "normal": normal,
        "lognormal": lognormal,
        "student": student,
        "spikes": spikes,
        "bimodal": bimodal,
        "ar0.3": autoregressive(0.3),
        "ar0.5": autoregressive(0.5),
        "ar0.7": autoregressive(0.7),
        "ramp": ramp,
        "nightly": nightly,
    },
)


def stepped(series: Series, *, at: int, step: float) -> Series:
    """Plant a step: every value from index ``at`` on is (1 + ``step``) times as large."""
    found = series.copy()
    found[at:] *= 1 + step
    return found


def walk(rng: np.random.Generator, n: int, sd: float) -> Series:
    """Draw the drift of a session: a random walk with steps of ``sd``, common to all cases that run at the same time."""
    return np.cumsum(sd * rng.standard_normal(n))


def proportion(hits: int, trials: int) -> tuple[float, float]:
    """Give the exact 95 % interval (Clopper and Pearson, Biometrika 26, 1934) of a rate that was counted."""
    from scipy.stats import beta

    low = 0.0 if hits == 0 else float(beta.ppf(0.025, hits, trials - hits + 1))
    high = 1.0 if hits == trials else float(beta.ppf(0.975, hits + 1, trials - hits))
    return low, high
