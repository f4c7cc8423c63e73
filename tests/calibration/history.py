"""False alarms and recall of the history, beside other detectors on identical series: ``python -m tests.calibration.history SEED SIZE``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from tests.calibration.detectors import WHOLE, Detector, alerts, alerts_of_the_whole, detectors, notices
from tests.calibration.models import MODELS, Series, proportion, stepped
from tests.calibration.speed import RUNS, SERIES, TIMES, machine, speed_rows

CV = 0.01
LENGTHS = (10, 30, 100, 300)
STEPS = (0.005, 0.01, 0.02, 0.05, 0.10)
NEAR = 3  # places by which a finding may miss its change
LONG = 100
CLEAN_RUNS, APPENDED = 60, 40
NOISES = ("normal", "lognormal", "student", "spikes", "bimodal", "ar0.5")


@dataclass(frozen=True)
class Rate:
    """How many of how many; printed in percent with its exact 95 % interval."""

    hits: int
    trials: int

    def __str__(self) -> str:
        """Write it."""
        low, high = proportion(self.hits, self.trials)
        return f"{100 * self.hits / self.trials:.1f} ({100 * low:.1f} to {100 * high:.1f})"


@dataclass(frozen=True)
class Planted:
    """A series and where it truly changes."""

    values: Series
    truth: tuple[int, ...]


def clean(rng: np.random.Generator, n: int, noise: str) -> Series:
    """Draw a series without any change around 1."""
    drawn: Series = 1 + MODELS[noise](rng, n, CV)
    return drawn


def shape(name: str, rng: np.random.Generator, step: float) -> Planted:
    """Plant one of the shapes of a change in 100 runs of Gaussian noise."""
    values = clean(rng, LONG, "normal")
    if name == "up":
        return Planted(stepped(values, at=60, step=step), (60,))
    if name == "down":
        return Planted(stepped(values, at=60, step=-step), (60,))
    if name.startswith("back after"):
        back = 60 + int(name.rsplit(maxsplit=1)[-1])
        return Planted(stepped(stepped(values, at=60, step=step), at=back, step=1 / (1 + step) - 1), (60, back))
    if name == "twice, 10 apart":
        return Planted(stepped(stepped(values, at=55, step=step), at=65, step=step), (55, 65))
    kept = np.sort(rng.permutation(LONG)[: int(0.8 * LONG)])
    return Planted(stepped(values, at=60, step=step)[kept], (int(np.searchsorted(kept, 60)),))


SHAPES = ("up", "down", "back after 3", "back after 10", "back after 30", "twice, 10 apart", "a fifth missing")


def false_alarms(found: Detector, noise: str, n: int, *, seed: int, size: int) -> Rate:
    """Count clean series in which something is said."""
    return Rate(sum(bool(found(clean(rng, n, noise), rng)) for rng in generators(seed, size, "clean", noise, n)), size)


def recall(found: Detector, make: Callable[[np.random.Generator], Planted], *, seed: int, size: int, label: str) -> Rate:
    """Count planted changes that are found within three runs of their place."""
    hits = total = 0
    for rng in generators(seed, size, label):
        planted = make(rng)
        said = found(planted.values, rng)
        hits += sum(any(abs(place - true) <= NEAR for place in said) for true in planted.truth)
        total += len(planted.truth)
    return Rate(hits, total)


def generators(seed: int, size: int, *label: object) -> Iterator[np.random.Generator]:
    """Give one generator a series: the same series for every detector, others for every seed and label."""
    mark = [int.from_bytes(str(part).encode()[-8:], "big") for part in label]
    for i in range(size):
        yield np.random.default_rng([seed, *mark, i])


def delay(found: Detector, series: Series) -> int | None:
    """Look after each run that is appended; give how many runs of the new level it took until something was said near the change."""
    for seen in range(CLEAN_RUNS + 1, len(series) + 1):
        said = found(series[:seen], np.random.default_rng(seen))
        if any(abs(place - CLEAN_RUNS) <= NEAR for place in said):
            return seen - CLEAN_RUNS
    return None


def online_alarm(found: Detector, series: Series) -> bool:
    """Tell whether anything is ever said while runs are appended to a clean series."""
    return any(found(series[:seen], np.random.default_rng(seen)) for seen in range(CLEAN_RUNS + 1, len(series) + 1))


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Write a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in lines)


def said_of(noise: str) -> str:
    """Name a noise in the table of clean series; a drift is no clean one."""
    return "ramp (drifts by 2 %: rightly said)" if noise == "ramp" else noise


def false_table(named: Mapping[str, Detector], *, seed: int, size: int) -> str:
    """Write the table of false alarms."""
    rows = [
        [said_of(noise), n, *(false_alarms(found, noise, n, seed=seed, size=size) for found in named.values())]
        for noise in MODELS
        for n in LENGTHS
    ]
    return table(["noise", "runs", *named], rows)


def step_table(named: Mapping[str, Detector], *, seed: int, size: int) -> str:
    """Write the recall of a rise after three fifths of the runs, by the number of runs and its size."""
    rows = []
    for noise, n in [*(("normal", n) for n in LENGTHS), *((noise, LONG) for noise in NOISES[1:])]:
        for step in STEPS:

            def make(rng: np.random.Generator, noise: str = noise, n: int = n, step: float = step) -> Planted:
                return Planted(stepped(clean(rng, n, noise), at=3 * n // 5, step=step), (3 * n // 5,))

            label = f"{noise}{n}{step}"
            rates = (recall(found, make, seed=seed, size=size, label=label) for found in named.values())
            rows.append([noise, n, f"{100 * step:g} %", *rates])
    return table(["noise", "runs", "step", *named], rows)


def shape_table(named: Mapping[str, Detector], *, seed: int, size: int) -> str:
    """Write the recall of changes of other shapes; each change counts."""
    rows = []
    for name in SHAPES:
        for step in (0.02, 0.05):

            def make(rng: np.random.Generator, name: str = name, step: float = step) -> Planted:
                return shape(name, rng, step)

            rates = (recall(found, make, seed=seed, size=size, label=f"{name}{step}") for found in named.values())
            rows.append([name, f"{100 * step:g} %", *rates])
    return table(["shape", "step", *named], rows)


def online_table(*, seed: int, size: int) -> str:
    """Write what a look after every appended run finds: delay of a rise, and false alarms in as many appended runs."""
    rows = []
    for noise in NOISES:
        for name, found in (("alert", alerts), ("notice", notices), (WHOLE, alerts_of_the_whole)):
            quiet = [clean(rng, CLEAN_RUNS + APPENDED, noise) for rng in generators(seed, size, "online", noise)]
            false = Rate(sum(online_alarm(found, series) for series in quiet), size)
            cells = [delays(found, [stepped(series, at=CLEAN_RUNS, step=step) for series in quiet]) for step in (0.01, 0.02, 0.05)]
            rows.append([noise, name, false, *cells])
    head = [
        "noise",
        "level",
        f"false in {APPENDED} appended, %",
        *(f"{step} % step: runs until found [95 % interval] (found, %)" for step in (1, 2, 5)),
    ]
    return table(head, rows)


def delays(found: Detector, series: Sequence[Series]) -> str:
    """Write the median delay over all series (one never found counts as later than all), its interval, and the share found at all.

    The 95 % interval of the median is between two order statistics (binomial; Conover, Practical Nonparametric Statistics, section 3.2).
    """
    from scipy.stats import binom

    taken = [delay(found, one) for one in series]
    ordered = sorted(APPENDED + 1 if one is None else one for one in taken)
    place = max(0, int(binom.ppf(0.025, len(ordered), 0.5)) - 1)
    middle, low, high = (runs_of(one) for one in (median(ordered), ordered[place], ordered[-1 - place]))
    return f"{middle} [{low}, {high}] ({100 * sum(one is not None for one in taken) / len(taken):.0f})"


def runs_of(count: float) -> str:
    """Write a delay."""
    return f"over {APPENDED}" if count > APPENDED else f"{count:g}"


def text(seed: int, size: int = 1000) -> str:
    """Write the tables as Markdown; ``size`` series a cell, a fifth of it for recall and where a look follows every run."""
    named = detectors()
    fifth = max(1, size // 5)
    absent = "" if "asv steps" in named else " asv is not installed, so its columns are missing."
    said = [
        f"Seed {seed}; spread between runs {100 * CV:g} %; rates in percent with exact 95 % intervals.{absent}",
        f"### Clean series in which something is said ({size} a cell)",
        false_table(named, seed=seed, size=size),
        f"### A rise after three fifths of the runs, found within {NEAR} runs ({fifth} a cell)",
        step_table(named, seed=seed, size=fifth),
        f"### Other shapes in {LONG} runs of Gaussian noise; each change counts ({fifth} a cell)",
        shape_table(named, seed=seed, size=fifth),
        f"### A look after each of {APPENDED} runs appended to {CLEAN_RUNS} ({fifth} a cell)",
        online_table(seed=seed, size=fifth),
        f"### How long it takes: median and range of {TIMES}, in seconds, on one core ({machine()})",
        table(["runs", "series", "history", "parsing the same lines"], speed_rows(runs=min(RUNS, 20 * size), series=SERIES)),
    ]
    return "\n\n".join(said) + "\n"


def main(seed: int, size: int = 1000) -> None:
    """Print the tables."""
    sys.stdout.write(text(seed, size))
