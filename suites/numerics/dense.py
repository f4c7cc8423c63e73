"""Dense products by the library's own kernels: torch.mm for FP32 and BF16, torch._scaled_mm with one scale an operand for FP8."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assay.harness.errors import NotApplicableError
from assay.suites.numerics.absent import unsupported
from assay.suites.numerics.draws import draw_in_parts, generator
from assay.suites.numerics.quantise import E4M3_MAX

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Product:
    """C = A B^T, bound: the step, its live answer, and the operands' rows in float64 as they really are."""

    step: Callable[[], object]
    result: Callable[[], torch.Tensor]
    left: Callable[[slice], torch.Tensor]
    right: Callable[[slice], torch.Tensor]
    name: str
    close: Callable[[], None] = lambda: None


def stored(name: str, rows: int, k: int, *, turned: bool, dtype: str, seed: int, rank: int, device: str) -> torch.Tensor:
    """Draw a rows x k operand; ``turned``: it lies in memory as k x rows and the result is a view of that."""
    import torch

    kind = {"fp32": torch.float32, "bf16": torch.bfloat16}[dtype]
    shape = (k, rows) if turned else (rows, k)
    memory = torch.empty(shape, dtype=kind, device=device)
    operand = memory.T if turned else memory
    for where, part in draw_in_parts("normal", rows, k, generator(seed, rank=rank, operand=name)):
        operand[where] = part.to(device=device, dtype=kind)
    return operand


def matmul(left: torch.Tensor, right: torch.Tensor) -> Product:
    """Bind torch.mm of m x k and n x k operands (views or not) to an output of their own format."""
    import torch

    output = torch.zeros(len(left), len(right), dtype=left.dtype, device=left.device)
    turned = right.T
    name = f"torch.mm, float32 matmul precision {torch.get_float32_matmul_precision()}"
    return Product(
        step=lambda: torch.mm(left, turned, out=output),
        result=lambda: output,
        left=lambda rows: left[rows].double(),
        right=lambda rows: right[rows].double(),
        name=name,
        close=full_reductions() if left.is_cuda else lambda: None,
    )


def full_reductions() -> Callable[[], None]:
    """Forbid sums in BF16 between the parts of a split K, which the error bound does not cover; returns what puts the setting back."""
    import torch

    settings: Any = torch.backends.cuda.matmul
    before = settings.allow_bf16_reduced_precision_reduction
    settings.allow_bf16_reduced_precision_reduction = False

    def restore() -> None:
        settings.allow_bf16_reduced_precision_reduction = before

    return restore


def tensorwise(left: torch.Tensor, right: torch.Tensor) -> Product:
    """Quantise both operands to E4M3 with one scale each and bind torch._scaled_mm without fast accumulation (BF16 output).

    NotApplicableError where torch's library has no such kernel here.
    """
    import torch

    (a, a_scale), (b, b_scale) = with_one_scale(left), with_one_scale(right)

    def product() -> torch.Tensor:
        return torch._scaled_mm(a, b.T, scale_a=a_scale, scale_b=b_scale, out_dtype=torch.bfloat16, use_fast_accum=False)  # noqa: SLF001 - no public name

    try:
        newest = [product()]
    except (RuntimeError, ValueError) as error:
        if not unsupported(error):
            raise
        message = f"torch {torch.__version__} has no FP8 product here: {str(error).splitlines()[0]}"
        raise NotApplicableError(message) from error

    def step() -> None:
        newest[0] = product()

    return Product(
        step=step,
        result=lambda: newest[0],
        left=lambda rows: a[rows].double() * a_scale.double(),
        right=lambda rows: b[rows].double() * b_scale.double(),
        name="torch._scaled_mm, one scale an operand, fast accumulation off",
    )


def with_one_scale(operand: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Quantise to E4M3 with scale amax / 448 (clamped before the cast: torch versions differ in saturating); returns values and scale."""
    import torch

    scale = operand.abs().amax().float().clamp_min(1e-30) / E4M3_MAX
    return (operand / scale).clamp_(-E4M3_MAX, E4M3_MAX).to(torch.float8_e4m3fn), scale
