"""How operands of low-precision matrix products are scaled: which numbers share a scale, and what a scale may be.

| scaling | numbers that share a scale | source |
|---|---|---|
| tensor | all | per-tensor scaling of torch and Transformer Engine (Float8CurrentScaling) |
| row | one row of K | rowwise scaling of torch.nn.functional.scaled_mm |
| tile | activations 1x128, weights 128x128, both 1x128 in wgrad | DeepSeek-V3 technical report 3.3.2 |
| mx | 1x32, power of two | OCP microscaling formats 1.0, section 5.2 |
| nvfp4 | 1x16, E4M3, and one FP32 scale for the tensor | NVIDIA NVFP4: s = amax / 6 / g, g = amax of the tensor / (448 x 6) |
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from assay.harness.errors import RefusalError
from assay.suites.numerics.formats.exponents import RULES
from assay.suites.numerics.formats.format import Format, format_named

Operand = Literal["activation", "weight", "gradient"]
SCALINGS = ("tensor", "row", "tile", "mx", "nvfp4")
TILE, MX, NVFP4 = 128, 32, 16
# amax is raised to this before it makes a scale, as DeepSeek-V3's kernels do (repository, inference/kernel.py).
TILE_LEAST = 1e-4
# What a scaling takes: formats of the numbers, and forms of the scale.
POWERS = tuple(RULES)
TAKES = MappingProxyType(
    {
        "tensor": (("e4m3", "e5m2", "e4m3fnuz", "e5m2fnuz"), ("fp32", *POWERS)),
        "row": (("e4m3", "e5m2", "e4m3fnuz", "e5m2fnuz"), ("fp32", *POWERS)),
        "tile": (("e4m3", "e5m2", "e4m3fnuz", "e5m2fnuz"), ("fp32", *POWERS)),
        "mx": (("e4m3", "e5m2", "e3m2", "e2m3", "e2m1"), POWERS),
        "nvfp4": (("e2m1",), ("e4m3",)),
    }
)


@dataclass(frozen=True)
class Recipe:
    """How one operand, rows x K, is quantised.

    Attributes:
        format: of the numbers.
        rows: rows that share a scale; 0 for all.
        columns: columns that share a scale; 0 for all.
        scale: ``fp32``: amax / largest; ``floor``, ``ceil``, ``rceil``, ``even``: the power of two by that rule; ``e4m3``: NVFP4's.
        least: what amax is raised to before it makes a scale; 0 leaves it.

    """

    format: Format
    rows: int
    columns: int
    scale: str
    least: float = 0.0


def recipe(format: str, scaling: str, scale: str, operand: Operand) -> Recipe:  # noqa: A002 - the word of the case key
    """Give the recipe of one operand; RefusalError for a combination that does not exist, naming what does."""
    number = format_named(format)
    if scaling not in TAKES:
        message = "is no scaling"
        raise RefusalError(message, value=scaling, where="scaling", fix=f"Choose one of {', '.join(SCALINGS)}.")
    formats, scales = TAKES[scaling]
    for name, value, choices in (("format", format, formats), ("scale", scale, scales)):
        if value not in choices:
            message = f"scaling={scaling} takes no {name} of this kind"
            raise RefusalError(message, value=value, where=name, fix=f"It takes {', '.join(choices)}.")
    blocks = {
        "tensor": (0, 0),
        "row": (1, 0),
        "tile": (TILE if operand == "weight" else 1, TILE),
        "mx": (1, MX),
        "nvfp4": (1, NVFP4),
    }
    return Recipe(number, *blocks[scaling], scale, TILE_LEAST if scaling == "tile" else 0.0)


def published(name: str) -> tuple[str, str, str]:
    """Give (format, scaling, scale) of a recipe by the name that it is known by; RefusalError names those that there are."""
    if name not in PUBLISHED:
        message = "is no published recipe"
        raise RefusalError(message, value=name, where="recipe", fix=f"Choose one of {', '.join(PUBLISHED)}.")
    return PUBLISHED[name]


PUBLISHED = MappingProxyType(
    {
        "tensorwise": ("e4m3", "tensor", "fp32"),
        "rowwise": ("e4m3", "row", "fp32"),
        "deepseek_v3": ("e4m3", "tile", "fp32"),
        "deepseek_v3_ue8m0": ("e4m3", "tile", "rceil"),
        "mxfp8": ("e4m3", "mx", "rceil"),
        "mxfp8_floor": ("e4m3", "mx", "floor"),
        "mxfp8_e5m2": ("e5m2", "mx", "rceil"),
        "mxfp6_e3m2": ("e3m2", "mx", "rceil"),
        "mxfp6_e2m3": ("e2m3", "mx", "rceil"),
        "mxfp4": ("e2m1", "mx", "rceil"),
        "mxfp4_floor": ("e2m1", "mx", "floor"),
        "nvfp4": ("e2m1", "nvfp4", "e4m3"),
    }
)
