"""LogFMT's validation list, item by item: what is expected (brute force, a bound, a published figure), what was measured, whether they agree."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch

from assay.suites.numerics.compared import choice
from assay.suites.numerics.compared import decode as numbers
from assay.suites.numerics.compared import encode as codes_of
from assay.suites.numerics.fidelity import fidelity
from assay.suites.numerics.formats.logfmt import OCTAVES, TILE, Coded, decode, encode

ROUNDED = 1e-12  # of float64 logarithms and exponentials
NEAR = 0.02  # of figures published with two or three digits, on other random numbers
BITS = range(6, 11)
Encode = Callable[[torch.Tensor, int], Coded]


@dataclass(frozen=True)
class Row:
    """One line of the list; ``count`` says of how many numbers or tiles."""

    item: str
    expected: str
    measured: str
    count: str
    holds: bool


def tiles(seed: int, size: int) -> torch.Tensor:
    """Draw N(0,1), tiles x 128; in every eighth tile more octaves than a tile may span, in the next zeros of both signs."""
    source = torch.Generator().manual_seed(seed)
    x = torch.randn(size, TILE, generator=source)
    x[::8] *= torch.exp2(torch.linspace(-45, 0, TILE))
    x[1::8, ::7], x[1::8, 1::9] = 0.0, -0.0
    return x


def levels(x: torch.Tensor, bits: int) -> torch.Tensor:
    """List every level of each tile in float64, tiles x (2^(bits-1) - 1), from the definition and nothing of the codec."""
    size = x.double().abs()
    most = size.amax(dim=1).log()
    least = torch.maximum(torch.where(size == 0, math.inf, size).amin(dim=1).log(), most - OCTAVES * math.log(2))
    count = 2 ** (bits - 1) - 1
    return torch.exp(least[:, None] + ((most - least) / (count - 1))[:, None] * torch.arange(count, dtype=torch.float64))


def farther(x: torch.Tensor, bits: int, code: Encode) -> int:
    """Count the numbers that did not become the nearest of all levels."""
    back, size = decode(code(x, bits)).abs(), x.double().abs()
    wrong = 0
    for i, own in enumerate(levels(x, bits)):
        nearest = (size[i, :, None] - own).abs().amin(dim=1)
        wrong += int(((back[i] - size[i]).abs() > nearest * (1 + 1e-9) + 1e-300)[size[i] > 0].sum())
    return wrong


def log_rounded(x: torch.Tensor, bits: int) -> Coded:
    """Encode with thresholds in the middle of two logarithms instead of two numbers: what the paper does not do."""
    coded = encode(x, bits)
    least, step = (one.repeat_interleave(TILE, dim=1) for one in (coded.least, coded.step))
    place = (x.double().abs().log() - least) / step
    code = place.nan_to_num(neginf=0.0).round().clamp(0, 2 ** (bits - 1) - 2).int() + 1
    code = torch.where(x == 0, 0, code) | (torch.signbit(x).int() << (bits - 1))
    return Coded(code, coded.least, coded.step, bits)


def rows(seed: int, size: int, code: Encode = encode) -> Iterator[Row]:
    """Go through the list; ``code`` is the codec under test."""
    yield from exact(tiles(seed, size), code)
    normal = torch.randn(size, TILE, generator=torch.Generator().manual_seed(seed + 1))
    yield from errors(normal, code)
    yield from ends(code)


def exact(x: torch.Tensor, code: Encode) -> Iterator[Row]:
    """Check what is exact: nearest levels, idempotence, signs and zeros, ends of tiles."""
    size, many = x.double().abs(), f"{x.numel()} numbers"
    for bits in BITS:
        wrong = farther(x, bits, code)
        yield Row(f"n = {bits}: nearest of all levels, by brute force", "0 others", f"{wrong} others", many, not wrong)
        coded = code(x, bits)
        back = decode(coded)
        changed = int((code(back, bits).codes != coded.codes).sum())
        yield Row(f"n = {bits}: encoding what was decoded", "0 codes change", f"{changed} change", many, not changed)
        odd = int((torch.signbit(back) != torch.signbit(x)).sum() + ((back == 0) != (x == 0)).sum())
        yield Row(f"n = {bits}: signs and zeros", "0 differ", f"{odd} differ", many, not odd)
        least = torch.where(size == 0, math.inf, size).amin(dim=1)
        top, low = size.amax(dim=1), back.abs().where(back != 0, torch.tensor(math.inf, dtype=torch.float64)).amin(dim=1)
        worst = float(
            torch.maximum((back.abs().amax(dim=1) / top - 1).abs(), (low / torch.maximum(least, top * 2.0**-OCTAVES) - 1).abs()).max()
        )
        yield Row(
            f"n = {bits}: largest and smallest of a tile", f"off by <= {ROUNDED:.0e}", f"{worst:.1e}", f"{len(x)} tiles", worst <= ROUNDED
        )


def errors(x: torch.Tensor, code: Encode) -> Iterator[Row]:
    """Check errors on normal numbers against their bound, the formula for their size, and published figures."""
    exactly, many = x.double(), f"{x.numel()} numbers"
    published = {8: (1.41e-2, 5.28e-2), 10: (3.49e-3, 1.44e-2)}
    found = {}
    for bits in BITS:
        coded = code(x, bits)
        back = decode(coded)
        found[bits] = fidelity(x, back)
        share = float((((back - exactly) / exactly).abs() / torch.tanh(coded.step / 2)).max())
        said = f"{found[bits]['max_rel_error']:.3g}, {share:.4f} of its tile's bound"
        yield Row(f"n = {bits}: largest relative error", "<= tanh(step / 2)", said, many, share <= 1 + 1e-9)
        error, rule = found[bits]["rel_rmse"], float(weighted(coded.step, exactly)) / math.sqrt(12)
        # The largest number of each tile is exact, and has about 6 % of its tile's energy: 3 % less than the formula.
        near = abs(error / rule - 1) < 0.05
        yield Row(f"n = {bits}: relative RMSE about step / sqrt(12)", f"{rule:.3e}", f"{error:.3e}", many, near)
    for bits, (error, bound) in published.items():
        seen = found[bits]["rel_rmse"]
        yield Row(f"n = {bits}: relative RMSE, published", f"{error:.3g}", f"{seen:.3g}", many, abs(seen / error - 1) < NEAR)
        typical = float(torch.tanh(code(x, bits).step / 2).median())
        yield Row(
            f"n = {bits}: bound of the median tile, below that of the published sample",
            f"<= {bound:.3g}",
            f"{typical:.3g}",
            f"{len(x)} tiles",
            typical <= bound,
        )
    for name, error in (("e4m3", 2.57e-2), ("e5m2", 5.13e-2)):
        seen = fidelity(x, numbers(codes_of(x, choice(name)), torch.float64))["rel_rmse"]
        yield Row(f"{name} in 1x128 tiles, for comparison", f"{error:.3g}", f"{seen:.3g}", many, abs(seen / error - 1) < NEAR)
    for words, scores, bias in (("linear", found[8], -2.0e-4), ("logarithmic", fidelity(x, decode(log_rounded(x, 8))), 1.1e-4)):
        low, high = scores["bias_low"], scores["bias_high"]
        # Published with two digits, of another definition perhaps; nothing is gated on its sign.
        near = low - 0.2 * abs(bias) <= bias <= high + 0.2 * abs(bias)
        yield Row(f"n = 8: bias, {words} rounding", f"{bias:.1e}", f"{scores['bias']:.2e} [{low:.1e}, {high:.1e}]", many, near)


def weighted(step: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """Give the root mean square of the tiles' steps, each weighted with its tile's energy, as the relative RMSE weighs errors."""
    energy = x.square().view(len(step), -1, TILE).sum(dim=2)
    return ((step.square() * energy).sum() / energy.sum()).sqrt()


def ends(code: Encode) -> Iterator[Row]:
    """Check tiles at the ends: 32 octaves, below them, zeros, one magnitude, what is no number; and bytes."""
    x = torch.exp2(torch.linspace(-32, 0, TILE, dtype=torch.float64))[None]
    step = float(code(x, 8).step[0, 0])
    yield Row("n = 8: step of a tile of 32 octaves", "0.176", f"{step:.4f}", "1 tile", round(step, 3) == 0.176)
    yield Row("n = 8: its bound", "8.8e-2", f"{math.tanh(step / 2):.3e}", "1 tile", round(math.tanh(step / 2), 3) == 0.088)
    x = torch.exp2(torch.linspace(-60, 0, TILE, dtype=torch.float64))[None]
    low = decode(code(x, 8))[x < 2.0**-OCTAVES]
    worst = float((low * 2.0**OCTAVES - 1).abs().max())
    yield Row("below 32 octaves: the smallest level, never zero", "2^-32", f"off by {worst:.1e}", f"{len(low)} numbers", worst <= ROUNDED)
    x = torch.zeros(3, TILE)
    x[1], x[2, 5] = -0.75, math.nan
    back = decode(code(x, 8))
    single = float((back[1] + 0.75).abs().max())
    yield Row("a tile of zeros", "zeros", f"largest {float(back[0].abs().max())}", "1 tile", not bool(back[0].any()))
    yield Row("a tile of one magnitude, step 0", "itself", f"off by {single:.1e}", "1 tile", single <= ROUNDED)
    lost = int(back[2].isnan().sum())
    yield Row("a tile that holds NaN", f"{TILE} NaN", f"{lost} NaN", "1 tile", lost == TILE)
    for bits in BITS:
        wire, wanted = code(torch.ones(4, 2 * TILE), bits).nbytes / (8 * TILE), bits / 8 + 4 / TILE
        yield Row(f"n = {bits}: bytes an element on the wire, n/8 + 4/128", f"{wanted:.5g}", f"{wire:.5g}", "8 tiles", wire == wanted)


def main(seed: int, size: int) -> None:
    """Print the table."""
    found = list(rows(seed, size))
    lines = [f"{sum(one.holds for one in found)} of {len(found)} items hold; {size} tiles of {TILE} numbers, seed {seed}.", ""]
    lines += ["| item | expected | measured | of | holds |", "|---|---|---|---|---|"]
    lines += [f"| {one.item} | {one.expected} | {one.measured} | {one.count} | {'yes' if one.holds else '**NO**'} |" for one in found]
    sys.stdout.write("\n".join(lines) + "\n")
