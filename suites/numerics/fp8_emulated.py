"""A product by an emulated matrix unit, scaled as its recipe says: what the hardware of that name gives, bit for bit, on any machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from assay.harness.errors import RefusalError
from assay.suites.numerics.bounds import FP32_ROUNDOFF, FP64_ROUNDOFF, OUTPUT_ROUNDOFF, TRUNCATION_MEAN, Tolerance, gamma
from assay.suites.numerics.drift import bound
from assay.suites.numerics.fp8_kernels import Kernel, empty_output
from assay.suites.numerics.quantise import BLOCK, Quantised
from assay.suites.numerics.units.options import changed, output
from assay.suites.numerics.units.presets import PRESETS, preset
from assay.suites.numerics.units.unit import Unit

if TYPE_CHECKING:
    import torch

# The unit that takes a recipe's scales where none is named: plain scales go after the product or its promotion, block scales into the unit.
USUAL = {"tensor": "h100_fp8", "row": "h100_fp8", "tile": "h100_fp8", "mx": "b200_mxf8", "nvfp4": "b200_nvf4"}
FOUR_BITS = {"mx": "b200_mxf4"}


def unit_for(name: str, scaling: str, number: str) -> Unit:
    """Give the emulated unit for a recipe; RefusalError for one that cannot take its numbers or its scales."""
    chosen = name or (FOUR_BITS.get(scaling, USUAL[scaling]) if number == "e2m1" else USUAL[scaling])
    if chosen not in PRESETS:
        message = "is no published unit"
        raise RefusalError(message, value=chosen, where="unit", fix=f"Choose one of {', '.join(PRESETS)}.")
    made = preset(chosen, a=number)
    wanted = {"mx": "e8m0", "nvfp4": "e4m3"}.get(scaling)
    if made.scale != wanted:
        message = f"has {f'{made.scale} block scales' if made.scale else 'no block scales'}, and {scaling} needs {wanted or 'none'}"
        raise RefusalError(message, value=chosen, where="unit", fix=f"Leave unit out for {USUAL[scaling]}, or take another recipe.")
    return changed(made, promote=BLOCK) if scaling == "tile" else made


def emulated(a: Quantised, w: Quantised, unit: Unit, *, scaling: str, out: str) -> Kernel:
    """Bind the product to an emulated unit.

    1x128 tiles: sums move to FP32 with both scales every 128 products (DeepGEMM's promotion). Tensors and rows: the product is scaled once,
    two more roundings. MX and NVFP4: the unit takes the scales itself; NVFP4's two tensor scales follow, two roundings.
    """
    import torch

    result = empty_output(a, w, out)
    left, right = a.values.float().cpu().numpy(), w.values.float().cpu().numpy().T
    own, other = every_row(a), every_row(w).T
    inside = scaling in {"tile", "mx", "nvfp4"}

    def step() -> None:
        product = unit.gemm(left, right, a_scales=own, b_scales=other) if inside else unit.gemm(left, right)
        if not inside:
            product = product * own * other
        if a.whole != 1 or w.whole != 1:
            product = product * np.float32(a.whole) * np.float32(w.whole)
        result.copy_(torch.from_numpy(product))

    return Kernel(
        step, lambda: result, tolerance(unit, left.shape[1], out=out), "", f"emulated {unit.family}, {unit.fused} fused, {unit.bits} bits"
    )


def every_row(operand: Quantised) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Give float32 scales of every row: rows x (K / columns)."""
    rows: torch.Tensor = operand.row_scales(slice(0, len(operand.values)))
    return rows.float().cpu().numpy()


def tolerance(unit: Unit, k: int, *, out: str) -> Tolerance:
    """Derive what rounding explains from the unit's own parameters (numerics: the bound of a truncating chain, promotions, scalings)."""
    most = bound(k, fused=unit.fused, bits=unit.bits, output_bits=output(unit.out).fraction, promote=unit.promote)
    after = gamma(4, FP32_ROUNDOFF) + gamma(k + 2, FP64_ROUNDOFF)
    promoted = f", moved to FP32 every {unit.promote}" if unit.promote else ""
    why = f"sums of {unit.fused} products truncated to {unit.bits} fraction bits{promoted}: at most {most:.3g} of |A||B|"
    return Tolerance(most + after, TRUNCATION_MEAN * most + after, OUTPUT_ROUNDOFF[out], why)
