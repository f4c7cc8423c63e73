"""Three ways to multiply FP8 operands; each binds operands and an output once and returns the step.

``blockwise`` and ``dequant`` run on any device from FP32 matrix products and are the truth where no FP8 unit exists; ``scaled_mm`` is the
library's kernel on the device's FP8 unit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assay.harness.errors import NotApplicableError
from assay.suites.numerics.absent import unsupported
from assay.suites.numerics.bounds import Tolerance, rounded_sums, truncated_sums
from assay.suites.numerics.exact import parts
from assay.suites.numerics.quantise import BLOCK, Quantised

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Kernel:
    """One way to compute C = A W^T: the step, where its answer lies, what rounding explains, which limit it is held against."""

    step: Callable[[], object]
    result: Callable[[], torch.Tensor]
    tolerance: Tolerance
    resource: str
    name: str


def empty_output(a: Quantised, w: Quantised, out: str) -> torch.Tensor:
    """Allocate the m x n output (``fp32`` or ``bf16``)."""
    import torch

    return torch.zeros(len(a.values), len(w.values), dtype={"fp32": torch.float32, "bf16": torch.bfloat16}[out], device=a.values.device)


def blockwise(a: Quantised, w: Quantised, *, out: str) -> Kernel:
    """For each 128 elements of K: FP32 product of the FP8 values, times both scales, added to the FP32 sum, as DeepGEMM promotes.

    Roundings of one term: 128 in its block, 2 by the scales, one for each block in the sum over blocks.
    """
    import torch

    output = empty_output(a, w, out)
    k = a.values.shape[1]
    blocks = k // BLOCK

    def step() -> None:
        for rows in parts(len(a.values)):
            left, left_scales = a.values[rows].float(), a.row_scales(rows)
            for columns in parts(len(w.values)):
                right, right_scales = w.values[columns].float(), w.row_scales(columns).T.contiguous()
                total = torch.zeros(len(left), len(right), dtype=torch.float32, device=left.device)
                for block in range(blocks):
                    inner = slice(block * BLOCK, (block + 1) * BLOCK)
                    product = left[:, inner] @ right[:, inner].T
                    total.addcmul_(product.mul_(left_scales[:, block, None]), right_scales[block])
                output[rows, columns] = total

    return Kernel(
        step,
        lambda: output,
        rounded_sums(BLOCK + blocks, out=out, extra=2),
        "matrix_fp32",
        "FP32 product of each 128-wide block, scaled and added in FP32",
    )


def dequant(a: Quantised, w: Quantised, *, out: str) -> Kernel:
    """Dequantise both operands to FP32, then one FP32 product. Roundings of one term: 2 by dequantising, K in the sum."""
    import torch

    output = empty_output(a, w, out)

    def step() -> None:
        for rows in parts(len(a.values)):
            left = a.dequantised(rows, torch.float32)
            for columns in parts(len(w.values)):
                output[rows, columns] = left @ w.dequantised(columns, torch.float32).T

    k = a.values.shape[1]
    return Kernel(step, lambda: output, rounded_sums(k, out=out, extra=2), "matrix_fp32", "dequantised to FP32, then one FP32 product")


def scaled_mm(a: Quantised, w: Quantised, *, out: str, formats: frozenset[str]) -> Kernel:
    """torch.nn.functional.scaled_mm with 1x128 and 128x128 float32 scales on the device's FP8 unit.

    Scale layouts are what torch demands: activations' scales column-major, weights' scales column-major too, as k / 128 (padded to a
    multiple of 4) x n / 128.

    NotApplicableError where the device has no FP8 unit, torch has no such function, or its library has no such kernel.
    """
    import torch
    from torch.nn import functional

    if "fp8" not in formats:
        message = "impl=scaled_mm needs a device with an FP8 matrix unit; this one has none (impl=blockwise computes the same product)"
        raise NotApplicableError(message)
    if not hasattr(functional, "scaled_mm"):
        message = f"impl=scaled_mm needs torch.nn.functional.scaled_mm, which torch {torch.__version__} does not have"
        raise NotApplicableError(message)
    recipe = functional.ScalingType
    left_scales = a.scales.T.contiguous().T
    right_scales = functional.pad(w.scales, (0, -w.scales.shape[1] % 4)).T
    dtype = {"fp32": torch.float32, "bf16": torch.bfloat16}[out]

    def product() -> torch.Tensor:
        return functional.scaled_mm(
            a.values,
            w.values.T,
            left_scales,
            recipe.BlockWise1x128,
            right_scales,
            recipe.BlockWise128x128,
            output_dtype=dtype,
            use_fast_accum=False,
        )

    try:
        newest = [product()]
    except (RuntimeError, ValueError) as error:
        if not unsupported(error):
            raise
        message = f"torch {torch.__version__} has no block-scaled FP8 product here: {str(error).splitlines()[0]}"
        raise NotApplicableError(message) from error

    def step() -> None:
        newest[0] = product()

    tolerance = truncated_sums(a.values.shape[1], unit="fp8", out=out, promoted=True)
    return Kernel(step, lambda: newest[0], tolerance, "matrix_fp8", "torch.nn.functional.scaled_mm, 1x128 x 128x128, fast accumulation off")
