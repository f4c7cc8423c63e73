"""What the fleet's rule finds and what it invents, beside mean - 3 sigma, quartile fences and fixed limits on the same fleets.

Scenarios of statistics.md, experiment E6: N devices with r runs each, a spread between devices, a spread between runs, and in some of
them hiccups: 5 % of all runs are slower by an exponential share with mean 6 % (E6 does not say how much; with this its columns of fixed
limits come out). A share of the devices is slow by a planted share. False flags are counted on fleets without a bad device.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from assay.results.confirm import borne_out
from assay.results.fleet import Figures, judge
from tests.calibration.models import proportion

Values = NDArray[np.float64]
Flags = NDArray[np.bool_]
HICCUP_CHANCE, HICCUP_MEAN = 0.05, 0.06
CONFIRM_RUNS = 5


@dataclass(frozen=True)
class Noise:
    """How a healthy fleet differs: between devices, between runs, and whether runs hiccup."""

    device: float
    run: float
    hiccups: bool = False

    def __str__(self) -> str:
        """Name it as the table does, in per cent."""
        return f"{100 * self.device:g}/{100 * self.run:g}" + (" + 5 % hiccups" if self.hiccups else "")


NOISES = (Noise(0.003, 0.003), Noise(0.01, 0.01), Noise(0.003, 0.01, hiccups=True))
BAD = ((1 / 64, 0.02), (1 / 64, 0.05), (1 / 64, 0.10), (1 / 8, 0.05))


def levels(rng: np.random.Generator, n: int, noise: Noise, bad: Flags, deficit: float) -> Values:
    """Draw what every device can do."""
    return np.asarray((1 + noise.device * rng.standard_normal(n)) * (1 - deficit * bad))


def measured(rng: np.random.Generator, level: Values, runs: int, noise: Noise) -> Values:
    """Measure every device some times: one row a device."""
    shape = (len(level), runs)
    values = level[:, None] * (1 + noise.run * rng.standard_normal(shape))
    if noise.hiccups:
        hit = rng.random(shape) < HICCUP_CHANCE
        values = values * np.where(hit, np.exp(-rng.exponential(HICCUP_MEAN, shape)), 1.0)
    return np.asarray(values)


def three_sigma(values: Values) -> Flags:
    """Flag what lies three standard deviations under the mean of the devices' means."""
    means = values.mean(axis=1)
    return np.asarray(means < means.mean() - 3 * means.std(ddof=1))


def fences(values: Values) -> Flags:
    """Flag what lies 1.5 interquartile ranges under the lower quartile of the devices' medians (Tukey)."""
    medians = np.median(values, axis=1)
    low, high = np.quantile(medians, [0.25, 0.75])
    return np.asarray(medians < low - 1.5 * (high - low))


def fixed(limit: float) -> Callable[[Values], Flags]:
    """Make the rule that flags what lies a fixed share under the median of the devices' medians."""

    def flag(values: Values) -> Flags:
        medians = np.median(values, axis=1)
        return np.asarray(medians < (1 - limit) * np.median(medians))

    return flag


def figures(values: Values) -> list[Figures]:
    """Hand the values to the rule."""
    return [Figures(str(i), tuple(map(float, row))) for i, row in enumerate(values)]


def ours(min_deficit: float) -> Callable[[Values], Flags]:
    """Make the rule of ``assay fleet``."""

    def flag(values: Values) -> Flags:
        found = judge(figures(values), better="higher", min_deficit=min_deficit)
        return np.array([one.status == "slow" for one in found])

    return flag


RULES: dict[str, Callable[[Values], Flags]] = {
    "mean - 3 sigma": three_sigma,
    "quartile fences": fences,
    "fixed 5 %": fixed(0.05),
    "fixed 3 %": fixed(0.03),
    "assay (floor 2 %)": ours(0.02),
    "assay (floor 1 %)": ours(0.01),
}


def planted(n: int, share: float) -> Flags:
    """Choose the bad devices: their places mean nothing."""
    return np.arange(n) < round(n * share)


def false_flags(rng: np.random.Generator, n: int, runs: int, noise: Noise, sweeps: int) -> dict[str, list[int]]:
    """Count what every rule flags on healthy fleets, sweep by sweep."""
    counts: dict[str, list[int]] = {name: [] for name in RULES}
    nobody = planted(n, 0.0)
    for _ in range(sweeps):
        values = measured(rng, levels(rng, n, noise, nobody, 0.0), runs, noise)
        for name, rule in RULES.items():
            counts[name].append(int(rule(values).sum()))
    return counts


def recalls(rng: np.random.Generator, n: int, runs: int, noise: Noise, sweeps: int, bad: tuple[float, float]) -> dict[str, tuple[int, int]]:
    """Count the bad devices that every rule flags: (found, planted)."""
    share, deficit = bad
    slow = planted(n, share)
    hits = dict.fromkeys(RULES, 0)
    for _ in range(sweeps):
        values = measured(rng, levels(rng, n, noise, slow, deficit), runs, noise)
        for name, rule in RULES.items():
            hits[name] += int(rule(values)[slow].sum())
    return {name: (found, int(slow.sum()) * sweeps) for name, found in hits.items()}


@dataclass(frozen=True)
class Confirmed:
    """What a sweep with a confirming pass did: flags and finds before and after it, devices measured again."""

    first_false: int
    false: int
    first_found: int
    found: int
    planted: int
    again: int


def confirmed_sweep(rng: np.random.Generator, n: int, runs: int, noise: Noise, bad: tuple[float, float], min_deficit: float) -> Confirmed:
    """Judge a fleet, measure what is slow again beside two sound devices, and keep what is borne out."""
    share, deficit = bad
    slow = planted(n, share)
    level = levels(rng, n, noise, slow, deficit)
    found = judge(figures(measured(rng, level, runs, noise)), better="higher", min_deficit=min_deficit)
    suspects = [i for i, one in enumerate(found) if one.status == "slow"]
    beside = sorted((i for i, one in enumerate(found) if one.status == "sound"), key=lambda i: abs(found[i].z or 0.0))[:2]
    kept = []
    for i in suspects:
        fresh = measured(rng, level[[i, *beside]], CONFIRM_RUNS, noise)
        first, z = found[i].deficit or 0.0, found[i].z or -1.0
        scale = np.log1p(-first) / z
        if borne_out(
            list(fresh[0]), [list(row) for row in fresh[1:]], better="higher", deficit=first, scale=float(scale), min_deficit=min_deficit
        ):
            kept.append(i)
    good = [[i for i in which if not slow[i]] for which in (suspects, kept)]
    hits = [len(which) - len(sound) for which, sound in zip((suspects, kept), good, strict=True)]
    return Confirmed(len(good[0]), len(good[1]), hits[0], hits[1], int(slow.sum()), len(suspects))


def rate(hits: int, trials: int) -> str:
    """Write a counted rate with its exact 95 % interval."""
    low, high = proportion(hits, trials)
    return f"{hits / trials:.2f} ({low:.2f}-{high:.2f})"


def mean_count(counts: Sequence[int]) -> str:
    """Write a mean of counts with the 95 % interval of a Poisson total (Garwood 1936)."""
    from scipy.stats import chi2

    total, n = sum(counts), len(counts)
    low = float(chi2.ppf(0.025, 2 * total)) / 2 / n if total else 0.0
    return f"{total / n:.2f} ({low:.2f}-{float(chi2.ppf(0.975, 2 * total + 2)) / 2 / n:.2f})"


def table(seed: int, size: int) -> Iterator[str]:
    """Yield E6's table, line by line."""
    yield "| N | device/run sd in % | runs | rule | false flags a sweep | 2 %, 1/64 | 5 %, 1/64 | 10 %, 1/64 | 5 %, 1/8 |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for n in (128, 512):
        for index, noise in enumerate(NOISES):
            for runs in (1, 5):
                rng = np.random.default_rng([seed, n, index, runs])
                healthy = false_flags(rng, n, runs, noise, size)
                found = [recalls(rng, n, runs, noise, max(size // 4, 1), bad) for bad in BAD]
                for name in RULES:
                    cells = " | ".join(rate(*counts[name]) for counts in found)
                    yield f"| {n} | {noise} | {runs} | {name} | {mean_count(healthy[name])} | {cells} |"


def confirm_table(seed: int, size: int) -> Iterator[str]:
    """Yield the sweep of 2,048 devices with its confirming pass, line by line."""
    yield "| device/run sd in % | runs | planted | false flags, first pass | after confirming | recall, first pass | after confirming | measured again |"
    yield "|---|---|---|---|---|---|---|---|"
    for index, noise in enumerate(NOISES):
        for runs in (1, 3, 5):
            for place, bad in enumerate(((0.0, 0.0), (1 / 64, 0.05))):
                rng = np.random.default_rng([seed, 2048, index, runs, place])
                done = [confirmed_sweep(rng, 2048, runs, noise, bad, 0.02) for _ in range(size if not place else max(size // 10, 1))]
                first, after = mean_count([one.first_false for one in done]), mean_count([one.false for one in done])
                total = sum(one.planted for one in done)
                found = (
                    [rate(sum(one.first_found for one in done), total), rate(sum(one.found for one in done), total)] if total else ["", ""]
                )
                what = f"{bad[1]:.0%} in 1/64" if total else "none"
                again = f"{fmean(one.again for one in done):.1f}"
                yield f"| {noise} | {runs} | {what} | {first} | {after} | {found[0]} | {found[1]} | {again} |"


def main(seed: int, size: int) -> None:
    """Print both tables as Markdown; ``size`` is the number of healthy sweeps in each row."""
    for lines in (table(seed, size), confirm_table(seed, max(size // 4, 1))):
        for line in lines:
            print(line, flush=True)  # noqa: T201 - a table is what this prints
        print()  # noqa: T201
