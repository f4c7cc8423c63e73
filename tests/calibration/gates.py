"""Detection of planted faults gate by gate, beside what is usual; and healthy units of which no gate may say anything."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from assay.harness.inject import plant
from assay.harness.spoil import corrupt
from assay.harness.work import Work
from assay.suites.abft import abft
from assay.suites.conformance import conformance
from assay.suites.exact_gemm import exact_gemm
from assay.suites.golden import golden
from assay.suites.metamorphic import metamorphic
from assay.suites.numerics.gates.golden import digest, vote
from assay.suites.numerics.gates.model import same
from assay.suites.numerics.probes.box import Box
from assay.suites.numerics.probes.card import Card, fingerprint
from assay.suites.numerics.probes.named import Opened, open_unit
from assay.suites.numerics.units.presets import PRESETS
from assay.suites.numerics.units.unit import Unit
from assay.suites.repeat import repeat
from tests.calibration.models import proportion
from tests.calibration.probes import random_unit
from tests.fakes import context, run_once

SIDE, LENGTH = 32, 512  # 1024 outputs
HEALTHY = "emulated:h100_fp8,promote=128"
PLAIN = "emulated:h100_fp8"
FEWER = 20  # one trial in so many is made of what takes a card, which costs a second
EPS, CALC_DIFF = 1e-3, 1e-3
CALLS = 8  # products that a comparison with the first result looks at
BITS = (0, 8, 16, 20, 22, 24, 26, 30)
ROWS: Mapping[str, str] = {
    "promotion missing, all outputs": "promotion_missing",
    "promotion missing, 1 output": "promotion_missing_one_output",
    "alignment bit dead, all outputs": "alignment_bit_dead",
    "alignment bit dead, 1 column": "alignment_bit_dead_one_column",
    "one k dropped, all outputs": "k_dropped",
    "one k dropped, 1 output": "k_dropped_one_output",
    "subnormals flushed": "subnormals_flushed",
    "operand's lowest bit stuck, 1 of 32 lanes": "operand_lsb_stuck",
    **{f"bit {bit} of 1 output flipped": f"output_bit_flipped,fault.bit={bit}" for bit in BITS},
    "bits 3, 11, 19 of 1 output flipped": "output_bits_flipped",
    "a bit flipped, every 4th column of a row": "output_bit_flipped_strided",
    "a bit stuck, 1 of 32 lanes of columns": "output_lane_stuck",
    "one wrong tile in 8 calls": "wrong_tile",
}
HARNESS = ("negate_row", "zero_row", "scale_row", "swap_rows", "zero_lane", "nan_element", "flip_strided")


@dataclass(frozen=True)
class Trial:
    """One planted fault: the unit with it, or a fault of the harness on a healthy one; and the seed of the numbers."""

    unit: str
    inject: Mapping[str, Any]
    seed: int

    def wrong(self, suite: Callable[..., Work], **params: Any) -> bool:
        """Run one checked step of a gate, or 8 where one call in 8 is wrong; tells whether it found anything."""
        made = plant(suite(context(), unit=self.unit, seed=self.seed, **params), dict(self.inject), rank=0, size=1)
        return any(not run_once(made).ok for _ in range(self.steps))

    @property
    def steps(self) -> int:
        """Checked steps of one trial."""
        return CALLS if "wrong_tile" in self.unit else 1

    def open(self) -> Opened:
        """Open the unit, its fault not yet called."""
        return open_unit(self.unit, a="", b="", device="cpu", architecture="", fast=True)

    def results(self, left: Any, right: Any, count: int) -> list[Any]:
        """Give the results of some calls, as a check outside would see them."""
        gemm = self.open().gemm
        found = [np.array(gemm(left, right)) for _ in range(count)]
        for result in found:
            if self.inject:
                corrupt(result, self.inject["kind"], self.inject)
        return found


def normal(seed: int) -> tuple[Any, Any]:
    """Draw N(0,1) numbers of E4M3, as the peers' checks use them."""
    from assay.suites.numerics.formats.codec import decode, encode
    from assay.suites.numerics.formats.format import FORMATS

    source, of = np.random.default_rng(seed), FORMATS["e4m3"]
    return tuple(decode(encode(source.standard_normal(shape), of), of) for shape in ((SIDE, LENGTH), (LENGTH, SIDE)))  # type: ignore[return-value]


def peers_vote(trial: Trial) -> bool:
    """G5: one device of three has the fault; the vote must blame it."""
    ours, sound = (golden(context(), unit=unit, seed=trial.seed, m=SIDE, n=SIDE, k=LENGTH) for unit in (trial.unit, HEALTHY))
    faulty = plant(ours, dict(trial.inject), rank=0, size=1)

    def hashed(made: Work) -> str:
        made.step()
        return digest(np.asarray(made.result()))  # type: ignore[misc]

    right = hashed(sound)
    return any(not vote(["one"] * 3, [hashed(faulty), right, right], 0).ok for _ in range(trial.steps))


def componentwise(trial: Trial) -> bool:
    """Tell whether the worst error over |A||B| is more than twice that of the healthy unit on the same numbers (numerics 6.5)."""
    left, right = normal(trial.seed)
    exact, size = left.astype(float) @ right.astype(float), np.abs(left).astype(float) @ np.abs(right)
    sound = open_unit(HEALTHY, a="", b="", device="cpu", architecture="", fast=True).gemm(left, right)
    limit = 2 * float(np.max(np.abs(sound - exact) / size))
    with np.errstate(invalid="ignore", over="ignore"):
        return any(not float(np.max(np.abs(one - exact) / size)) <= limit for one in trial.results(left, right, trial.steps))


def calc_diff(trial: Trial) -> bool:
    """Tell whether DeepGEMM's measure of all outputs together, 1 - 2 <x, y> / (|x|^2 + |y|^2), is 1e-3 or more (NaN fails)."""
    left, right = normal(trial.seed)
    y = left.astype(float) @ right.astype(float)

    def off(x: Any) -> bool:
        with np.errstate(over="ignore", invalid="ignore"):
            x = x.astype(float)
            return not float(1 - 2 * (x * y).sum() / (x * x + y * y).sum()) < CALC_DIFF

    return any(off(one) for one in trial.results(left, right, trial.steps))


def first_result(trial: Trial) -> bool:
    """Tell whether any of 8 results differs from the first by more than 1e-3 somewhere; NaN compares false and passes (gpu-burn, DCGM)."""
    first, *rest = trial.results(*normal(trial.seed), CALLS)
    with np.errstate(invalid="ignore"):
        return any(bool((np.abs(one - first) > EPS).any()) for one in rest)


def card_of(unit: str) -> Card:
    """Take the card of a unit."""
    opened = open_unit(unit, a="", b="", device="cpu", architecture="", fast=True)
    return fingerprint(Box(opened.gemm, opened.a, opened.b, k=128))


SIZES = {"m": SIDE, "n": SIDE, "k": LENGTH}
GATES: Mapping[str, Callable[[Trial], bool]] = {
    "G2 exact integers": lambda trial: trial.wrong(exact_gemm, **SIZES),
    "G3 metamorphic": lambda trial: trial.wrong(metamorphic, **SIZES),
    "G4 repeat": lambda trial: trial.wrong(repeat, **SIZES),
    "G5 hash of 3 devices": peers_vote,
    "row and column sums": lambda trial: trial.wrong(abft, **SIZES),
    "componentwise, 2 x healthy": componentwise,
    "calc_diff < 1e-3": calc_diff,
    "first result, eps 1e-3": first_result,
}


def carded(name: str, seeds: list[int]) -> tuple[int, int]:
    """Count what G6 (the card is another one) and G7 (outputs are not those of the card's model) find of one fault, without promotion."""
    healthy = card_of(PLAIN)
    units = [f"{PLAIN},fault={name},fault.seed={seed}" for seed in seeds]
    changed = sum(not same(card_of(unit), healthy) for unit in units)
    wrong = sum(not run_once(conformance(context(), unit=unit, seed=seed, k=128)).ok for unit, seed in zip(units, seeds, strict=True))
    return changed, wrong


def rated(found: int, trials: int) -> str:
    """Write a detection rate with its interval."""
    low, high = proportion(found, trials)
    return f"{100 * found / trials:.0f} [{100 * low:.0f}, {100 * high:.0f}]"


def detection(seed: int, size: int) -> list[str]:
    """Make the table of gates x faults, ``size`` trials a cell, a twentieth of them for G6 and G7."""
    source = np.random.default_rng(seed)
    lines = [f"| fault | {' | '.join(GATES)} | G6 card | G7 model |", f"|---|{'---|' * (len(GATES) + 2)}"]
    few = max(2, size // FEWER)
    for words, name in ROWS.items():
        seeds = [int(one) for one in source.integers(1 << 31, size=size)]
        trials = [Trial(f"{HEALTHY},fault={name},fault.seed={one}", {}, one) for one in seeds]
        cells = [rated(sum(map(gate, trials)), size) for gate in GATES.values()]
        own = ["-", "-"] if name.startswith("promotion") else [rated(count, few) for count in carded(name, seeds[:few])]
        lines.append(f"| {words} | {' | '.join([*cells, *own])} |")
    for kind in HARNESS:
        trials = [
            Trial(HEALTHY, {"kind": kind, "after": 1, "row": int(a), "column": int(b), "bit": int(a) % 32}, int(c))
            for a, b, c in source.integers(1 << 30, size=(size, 3))
        ]
        cells = [rated(sum(map(gate, trials)), size) for gate in GATES.values()]
        lines.append(f"| planted by the harness: {kind} | {' | '.join([*cells, '-', '-'])} |")
    return lines


def spelled(unit: Unit) -> str:
    """Write a random unit as a name."""
    from dataclasses import asdict

    return "emulated:" + ",".join(f"{key}={str(value).lower()}" for key, value in asdict(unit).items() if key not in {"nan", "floor"})


def healthy(seed: int, count: int) -> list[str]:
    """Run G2 and G3 on published and random units in turn; every alarm is false."""
    source = np.random.default_rng(seed)
    alarms: dict[str, list[str]] = {"G2 exact integers": [], "G3 metamorphic": []}
    names = [f"emulated:{name}" for name in PRESETS]
    begun = time.perf_counter()
    for number in range(count):
        unit = names[number // 2 % len(names)] if number % 2 else spelled(random_unit(source))
        own = int(source.integers(1 << 31))
        k = int(source.integers(1, 5)) * 64
        for gate, suite, sizes in (
            ("G2 exact integers", exact_gemm, {"m": 8, "n": 12, "k": k}),
            ("G3 metamorphic", metamorphic, {"m": 6, "n": 8, "k": 64}),
        ):
            answer = run_once(suite(context(), unit=unit, seed=own, **sizes))  # type: ignore[operator]
            if not answer.ok:
                alarms[gate].append(f"{unit}, seed {own}: {answer.reason}")
    seconds = time.perf_counter() - begun
    lines = ["| gate | healthy trials | false alarms | 95 % upper bound of their rate |", "|---|---|---|---|"]
    lines += [f"| {gate} | {count} | {len(told)} | {proportion(len(told), count)[1]:.1e} |" for gate, told in alarms.items()]
    lines += [
        "",
        f"Half of them on the {len(names)} published units, half on random ones, fresh numbers each (seed {seed}); {seconds:.0f} s.",
    ]
    return lines + [f"- FALSE ALARM {gate}: {one}" for gate, told in alarms.items() for one in told]


def main(seed: int, size: int) -> None:
    """Print both tables: ``size`` trials a cell, a hundred times as many healthy ones."""
    head = f"Detected, per cent of {size} trials a cell ({max(2, size // FEWER)} for G6 and G7) with 95 % interval; "
    head += f"{SIDE} x {SIDE} x {LENGTH}, E4M3, h100_fp8 with promotion every 128 (G6, G7: without), places and numbers from seed {seed}."
    sys.stdout.write("\n".join([head, "", *detection(seed, size), "", *healthy(seed, 100 * size)]) + "\n")
