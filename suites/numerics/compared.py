"""The number formats that are compared on one tensor: how each is scaled, encoded and decoded, its bytes, how far it reaches."""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from assay.harness.errors import RefusalError
from assay.suites.numerics.formats import logfmt
from assay.suites.numerics.formats.format import FORMATS
from assay.suites.numerics.quantise import Quantised, quantise_part, tensor_scale
from assay.suites.numerics.recipes import TILE, Recipe, published, recipe

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Choice:
    """One format with its usual scaling.

    Attributes:
        scaled: which numbers share what, in words.
        bits: n of LogFMT-nBit, else 0.
        recipe: how it is quantised; None for LogFMT and for BF16, which has no scales.

    """

    scaled: str
    bits: int = 0
    recipe: Recipe | None = None


def named(name: str) -> Recipe:
    """Give a published recipe of an activation."""
    return recipe(*published(name), "activation")


BY_TILE = "1x128, FP32 scale"
# E5M6: DeepSeek-V3 technical report 3.3.3 keeps activations in it under scales that are powers of two.
CHOICES = MappingProxyType(
    {f"logfmt{bits}": Choice("1x128, two BF16 bounds", bits) for bits in range(6, 11)}
    | {
        "e4m3": Choice(BY_TILE, recipe=recipe("e4m3", "tile", "fp32", "activation")),
        "e5m2": Choice(BY_TILE, recipe=recipe("e5m2", "tile", "fp32", "activation")),
        "e5m6": Choice("1x128, power of two", recipe=Recipe(FORMATS["e5m6"], 1, TILE, "rceil")),
        "bf16": Choice("none"),
        "mxfp8": Choice("E4M3, 1x32, power of two", recipe=named("mxfp8")),
        "mxfp6_e2m3": Choice("1x32, power of two", recipe=named("mxfp6_e2m3")),
        "mxfp6_e3m2": Choice("1x32, power of two", recipe=named("mxfp6_e3m2")),
        "mxfp4": Choice("E2M1, 1x32, power of two", recipe=named("mxfp4")),
        "nvfp4": Choice("E2M1, 1x16 E4M3 scale, FP32 for all", recipe=named("nvfp4")),
    }
)


def choice(name: str) -> Choice:
    """Give a format by name; RefusalError names those that there are."""
    if name not in CHOICES:
        message = "is no format that is compared"
        raise RefusalError(message, value=name, where="format", fix=f"Choose one of {', '.join(CHOICES)}.")
    return CHOICES[name]


def encode(values: torch.Tensor, to: Choice) -> logfmt.Coded | Quantised | torch.Tensor:
    """Encode float32 rows x k, k a multiple of 128: what overflows saturates."""
    import torch

    if to.bits:
        return logfmt.encode(values, to.bits)
    if to.recipe is None:
        return values.clamp(-FORMATS["bf16"].largest, FORMATS["bf16"].largest).to(torch.bfloat16)
    whole = tensor_scale(values) if to.recipe.scale == "e4m3" else 1.0
    return Quantised(*quantise_part(values, to.recipe, whole=whole), to.recipe, whole)


def decode(coded: logfmt.Coded | Quantised | torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Give the numbers that codes stand for, rows x k: exact in float64 (LogFMT: as exact as its exponential)."""
    if isinstance(coded, logfmt.Coded):
        return logfmt.decode(coded).to(dtype)
    if isinstance(coded, Quantised):
        return coded.dequantised(slice(0, len(coded.values)), dtype)
    return coded.to(dtype)


def rows_of(coded: logfmt.Coded | Quantised | torch.Tensor, rows: slice) -> logfmt.Coded | Quantised | torch.Tensor:
    """Give some rows of codes; no format compared here has scales that rows share."""
    if isinstance(coded, logfmt.Coded):
        return logfmt.Coded(coded.codes[rows], coded.least[rows], coded.step[rows], coded.bits)
    if isinstance(coded, Quantised):
        return Quantised(coded.values[rows], coded.scales[rows], coded.recipe, coded.whole)
    return coded[rows]


def codes(coded: logfmt.Coded | Quantised | torch.Tensor) -> torch.Tensor:
    """Give the live tensor of codes."""
    if isinstance(coded, logfmt.Coded):
        return coded.codes
    return coded.values if isinstance(coded, Quantised) else coded


def words(coded: logfmt.Coded | Quantised | torch.Tensor) -> torch.Tensor:
    """Give the live tensor of codes as something that can be computed with: bytes for eight-bit floats."""
    import torch

    held = codes(coded)
    return held.view(torch.uint8) if held.element_size() == 1 else held


def wire_nbytes(coded: logfmt.Coded | Quantised | torch.Tensor) -> float:
    """Bytes of codes and scales, packed as hardware stores them."""
    return float(coded.nbytes)


def stored_nbytes(coded: logfmt.Coded | Quantised | torch.Tensor) -> int:
    """Bytes of codes and scales as they lie in memory here, where no number is smaller than a byte."""
    if isinstance(coded, logfmt.Coded):
        return int(sum(one.nbytes for one in (coded.codes, coded.least, coded.step)))
    return int(coded.values.nbytes + coded.scales.nbytes) if isinstance(coded, Quantised) else int(coded.nbytes)


def reach(coded: logfmt.Coded | Quantised | torch.Tensor) -> tuple[float, float, float]:
    """Give the smallest and the largest magnitude above zero that the codes can stand for with this tensor's scales, and a block's octaves.

    Blocks of zeros only are left out: their scales say nothing.
    """
    if isinstance(coded, logfmt.Coded):
        rows, k = coded.codes.shape
        used = ((coded.codes & (2 ** (coded.bits - 1) - 1)) != 0).view(rows, k // logfmt.TILE, -1).any(dim=2)
        span = coded.step * (2 ** (coded.bits - 1) - 2)
        least, most = float(coded.least[used].min()), float((coded.least + span)[used].max())
        return math.exp(least), math.exp(most), float(span[used].max()) / math.log(2)
    of = coded.recipe.format if isinstance(coded, Quantised) else FORMATS["bf16"]
    low = high = 1.0
    if isinstance(coded, Quantised):
        blocks = coded.values.float().ne(0).view(len(coded.values), -1, coded.columns).any(dim=2)
        scales = coded.row_scales(slice(0, len(coded.values))).double()[blocks] * coded.whole
        low, high = float(scales.min()), float(scales.max())
    return low * of.smallest, high * of.largest, math.log2(of.largest / of.smallest)
