"""FP8 in figures: how the error of a unit grows with K, what recipes cost, and whether a unit with one bit less is seen."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from assay.suites.numerics.drift import bound, calc_diff, drifts, predicted_diff, shares
from assay.suites.numerics.formats.format import FORMATS
from assay.suites.numerics.formats.rounding import round_to
from assay.suites.numerics.quantise import Quantised, quantise
from assay.suites.numerics.recipes import Operand, published, recipe
from assay.suites.numerics.units.options import changed
from assay.suites.numerics.units.presets import preset
from assay.suites.numerics.units.unit import Unit
from tests.calibration.models import proportion

UNITS = {
    "h100_fp8, no promotion": preset("h100_fp8"),
    "h100_fp8, promoted every 128": preset("h100_fp8", promote=128),
    "b200_fp8": preset("b200_fp8"),
}
DRAWS: dict[str, Callable[[np.random.Generator, tuple[int, int]], Any]] = {
    "U[0,1)": lambda source, shape: source.random(shape),
    "N(0,1)": lambda source, shape: source.standard_normal(shape),
}
# What statistics of the same model published for these rows are: relative Frobenius error, largest share, calc_diff (reference, section 6.3).
KS = (128, 1024, 4096, 16384)
SIDE = 32


def operands(source: np.random.Generator, data: str, k: int, *, side: int = SIDE) -> tuple[Any, Any]:
    """Draw A [side, K] and B [K, side], rounded to E4M3."""

    def rounded(shape: tuple[int, int]) -> Any:
        return round_to(torch.from_numpy(DRAWS[data](source, shape)).float(), FORMATS["e4m3"]).numpy()

    return rounded((side, k)), rounded((k, side))


def errors(unit: Unit, a: Any, b: Any) -> tuple[float, float, float]:
    """Give relative Frobenius error, largest share of |A||B| and calc_diff."""
    result, exact = unit.gemm(a, b).astype(np.float64), a.astype(np.float64) @ b.astype(np.float64)
    return float(np.linalg.norm(result - exact) / np.linalg.norm(exact)), float(shares(result, a, b).max()), calc_diff(result, exact)


def grown(seed: int, draws: int, ks: tuple[int, ...] = KS) -> dict[tuple[str, str, int], Any]:
    """Measure every unit on every data at every K: draws x (relative error, largest share, calc_diff)."""
    source = np.random.default_rng(seed)
    found: dict[tuple[str, str, int], list[Any]] = {}
    for data in DRAWS:
        for k in ks:
            for _ in range(draws):
                a, b = operands(source, data, k)
                for name, unit in UNITS.items():
                    found.setdefault((data, name, k), []).append(errors(unit, a, b))
    return {key: np.array(rows) for key, rows in found.items()}


def slope(found: dict[tuple[str, str, int], Any], data: str, name: str, ks: tuple[int, ...]) -> float:
    """Give the exponent with which the relative error grows from the second K to the last: 1 is linear, 0 is flat."""
    first, last = (np.median(found[data, name, k][:, 0]) for k in (ks[1], ks[-1]))
    return float(np.log(last / first) / np.log(ks[-1] / ks[1]))


def growth_text(seed: int, draws: int) -> list[str]:
    """Write the table of growth with K."""
    found = grown(seed, draws)
    lines = [
        f"## Growth with K\n\nE4M3 operands, {SIDE} x {SIDE} outputs, {draws} draws a row; medians [smallest, largest] of the relative Frobenius error, the",
        "largest error of an element over (|A||B|), and calc_diff, all against the exact product of the same operands.\n",
        "| data | unit | K | relative error | largest share | calc_diff |",
        "|---|---|---:|---|---|---|",
    ]
    for (data, name, k), rows in found.items():
        cells = [f"{np.median(column):.2g} [{column.min():.2g}, {column.max():.2g}]" for column in rows.T]
        lines.append(f"| {data} | {name} | {k} | {' | '.join(cells)} |")
    lines += [
        "",
        "From K = 1024 to 16384 the relative error grows with K to the power of:",
        "",
        "| data | unit | power |",
        "|---|---|---:|",
    ]
    lines += [f"| {data} | {name} | {slope(found, data, name, KS):.2f} |" for data in DRAWS for name in UNITS]
    return lines


DATA: dict[str, Callable[[np.random.Generator, tuple[int, int]], Any]] = {
    "N(0,1)": DRAWS["N(0,1)"],
    "Student t4": lambda source, shape: source.standard_t(4, shape),
    "0.1 % x 100": lambda source, shape: source.standard_normal(shape) * np.where(source.random(shape) < 1e-3, 100.0, 1.0),
}
RECIPES = (
    "tensorwise",
    "rowwise",
    "deepseek_v3",
    "deepseek_v3_ue8m0",
    "mxfp8_floor",
    "mxfp8",
    "mxfp8_e5m2",
    "mxfp4_floor",
    "mxfp4",
    "nvfp4",
)


def quantised(values: torch.Tensor, name: str, operand: Operand) -> torch.Tensor:
    """Quantise rows x K by a published recipe, and give what is left of it in float64."""
    by = recipe(*published(name), operand)
    held: Quantised = quantise([(slice(0, len(values)), values)], rows=len(values), k=values.shape[1], by=by, device="cpu")
    return held.dequantised(slice(0, len(values)), torch.float64)


def cost(name: str, left: torch.Tensor, right: torch.Tensor) -> tuple[float, float, float, float]:
    """Give calc_diff of the quantised product, SQNR in dB, and two predictions of calc_diff: k by k, and from the whole operands' errors.

    Operands are rows x K, bfloat16 values.
    """
    a, b = left.double(), right.double()
    held_a, held_b = quantised(left, name, "activation"), quantised(right, name, "weight")
    exact, product = a @ b.T, held_a @ held_b.T
    ea, eb = (float((q - x).norm() / x.norm()) for q, x in ((held_a, a), (held_b, b)))
    sqnr = -20 * float(torch.log10((product - exact).norm() / exact.norm()))
    by_k = predicted_diff(a.numpy(), b.numpy().T, held_a.numpy(), held_b.numpy().T)
    return calc_diff(product.numpy(), exact.numpy()), sqnr, by_k, (ea**2 + eb**2) / 2


def recipe_text(seed: int, draws: int, *, side: int = 256, k: int = 4096) -> list[str]:
    """Write the table of recipes."""
    lines = [
        f"## What recipes cost\n\nM = N = {side}, K = {k}, BF16 data, {draws} draws: medians against the exact product of the BF16 data; calc_diff over its",
        "prediction k by k, and over (ea^2 + eb^2) / 2 of the whole operands' errors [smallest, largest]. The gate is 1.5 times the first.\n",
        "| recipe | data | calc_diff | SQNR | over the prediction k by k | over (ea^2 + eb^2) / 2 |",
        "|---|---|---:|---:|---|---|",
    ]
    for name in RECIPES:
        for data, make in DATA.items():
            source = np.random.default_rng([seed, 7])
            rows = [cost(name, *(torch.from_numpy(make(source, (side, k))).bfloat16().float() for _ in range(2))) for _ in range(draws)]
            diff, sqnr, by_k, whole = np.array(rows).T
            ratios = [f"{np.median(ratio):.3f} [{ratio.min():.3f}, {ratio.max():.3f}]" for ratio in (diff / by_k, diff / whole)]
            lines.append(f"| {name} | {data} | {np.median(diff):.2e} | {np.median(sqnr):.1f} dB | {' | '.join(ratios)} |")
    return lines


def detection(seed: int, trials: int, *, k: int = 4096) -> dict[tuple[str, str], list[bool]]:
    """Hold healthy and broken units against the model of the healthy one, on fresh numbers each time: whether each drifts."""
    source, healthy = np.random.default_rng([seed, 9]), preset("h100_fp8", promote=128)
    units = {
        "healthy": healthy,
        "healthy, products in another order": changed(healthy, order="strided", period=64),
        "one alignment bit less": changed(healthy, bits=12),
        "two alignment bits less": changed(healthy, bits=11),
        "not promoted": changed(healthy, promote=None),
    }
    most = bound(k, fused=32, bits=13, output_bits=13, promote=128)
    found: dict[tuple[str, str], list[bool]] = {}
    for data in DRAWS:
        for _ in range(trials):
            a, b = operands(source, data, k)
            model = healthy.gemm(a, b)
            for name, unit in units.items():
                result = model if name == "healthy" else unit.gemm(a, b)
                found.setdefault((data, name), []).append(drifts(result, model, a, b, most=most)[0])
    return found


def detection_text(seed: int, trials: int) -> list[str]:
    """Write the table of units that drift."""
    begun = time.monotonic()
    found = detection(seed, trials)
    lines = [
        f"## A unit with one bit less\n\nK = 4096, {SIDE} x {SIDE} outputs, {trials} draws a row ({(time.monotonic() - begun) / 60:.0f} minutes). A unit is flagged where its largest share exceeds the",
        "smaller of the bound and twice that of the healthy H100 model (promoted every 128) on the same numbers.\n",
        "| data | unit | flagged [95 %] |",
        "|---|---|---|",
    ]
    for (data, name), flags in found.items():
        low, high = proportion(sum(flags), len(flags))
        lines.append(f"| {data} | {name} | {sum(flags)} of {len(flags)} [{low:.4f}, {high:.4f}] |")
    return lines


def main(seed: int, size: int) -> None:
    """Print all tables; ``size``: trials of the detection, a fiftieth of it draws of the others."""
    draws = max(2, size // 50)
    parts = [growth_text(seed, draws), recipe_text(seed, max(2, size // 100)), detection_text(seed, size)]
    sys.stdout.write("\n\n".join("\n".join(part) for part in parts) + "\n")
