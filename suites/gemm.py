"""Dense matrix product as fast as the device's library makes it, every element checked."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from assay.harness.errors import NotApplicableError, RefusalError
from assay.harness.work import Context, Needs, Volume, Work

if TYPE_CHECKING:
    import torch

    from assay.suites.numerics.bounds import Tolerance
    from assay.suites.numerics.dense import Product

OPERAND_NBYTES = {"fp32": 4, "bf16": 2, "fp8": 1}
OUTPUTS = {"fp32": "fp32", "bf16": "bf16", "fp8": "bf16"}
OUTPUT_NBYTES = {"fp32": 4, "bf16": 2}
FP8_MULTIPLE = 16  # what every FP8 tensor-core kernel of the library asks of n and k
# Of one core, for the estimate of preparation and checks only: elements drawn, operations in the case's format and in float64, a second.
DRAWN, RATES, FP64_RATE = 1e8, {"fp32": 6e10, "bf16": 2e10, "fp8": 2e10}, 4e10


def gemm(
    ctx: Context,
    *,
    m: int = 4096,
    n: int = 2112,
    k: int = 7168,
    layer: str = "",  # noqa: ARG001 - a label: it names the shape in the case key
    dtype: Literal["fp32", "bf16", "fp8"] = "bf16",
    layout: Literal["nt", "nn", "tn"] = "nt",
    seed: int = 0,
) -> Work:
    """Multiply m x k by k x n of N(0,1) data; FP32 gives FP32, BF16 and FP8 (one scale an operand) give BF16.

    Args:
        ctx: the control world and this rank's device.
        m: rows of the result.
        n: columns of the result.
        k: length of each dot product.
        layer: name of the shape.
        dtype: format of the operands.
        layout: how A and B lie in memory, ``n`` as in the formula and ``t`` transposed; nt is a linear layer's forward pass.
        seed: of this rank's own data.

    """
    from assay.suites.numerics.exact import Exact
    from assay.suites.numerics.score import score

    product = bind(ctx, m=m, n=n, k=k, dtype=dtype, layout=layout, seed=seed)
    exact = Exact(m, n, left=product.left, right=product.right)
    tolerance = tolerated(ctx.device.kind, k=k, dtype=dtype)
    operands, output = (m + n) * k * OPERAND_NBYTES[dtype], m * n * OUTPUT_NBYTES[OUTPUTS[dtype]]
    return Work(
        step=product.step,
        check=lambda: score(product.result(), exact, tolerance),
        volume=Volume(flops=2.0 * m * n * k, memory_nbytes=operands + output, resource=f"matrix_{dtype}"),
        result=product.result,
        close=product.close,
        notes={"kernel": product.name, "tolerance": tolerance.why},
    )


def bind(ctx: Context, *, m: int, n: int, k: int, dtype: str, layout: str, seed: int) -> Product:
    """Draw this rank's operands and bind them to the kernel of their format; NotApplicableError where the device lacks it."""
    from assay.suites.numerics.dense import matmul, stored, tensorwise

    if dtype not in ctx.device.formats:
        message = f"dtype={dtype} needs a matrix unit of that format, which this device does not have"
        raise NotApplicableError(message)
    if dtype == "fp8" and layout != "nt":
        message = f"FP8 kernels take layout nt only, not {layout}"
        raise NotApplicableError(message)
    draw: Callable[[str, int, bool], torch.Tensor] = lambda name, rows, turned: stored(  # noqa: E731 - the two operands differ in these only
        name, rows, k, turned=turned, dtype="fp32" if dtype == "fp8" else dtype, seed=seed, rank=ctx.rank, device=ctx.device.torch_name
    )
    left, right = draw("left", m, layout[0] == "t"), draw("right", n, layout[1] == "n")
    return tensorwise(left, right) if dtype == "fp8" else matmul(left, right)


def tolerated(kind: str, *, k: int, dtype: str) -> Tolerance:
    """Choose the error model: tensor cores truncate, everything else adds in FP32 and rounds to nearest."""
    from assay.suites.numerics.bounds import rounded_sums, truncated_sums

    if dtype == "fp8" or (dtype == "bf16" and kind == "cuda"):
        return truncated_sums(k, unit=dtype, out=OUTPUTS[dtype], promoted=dtype == "fp8")
    return rounded_sums(k, out=OUTPUTS[dtype])


def needs(*, m: int, n: int, k: int, layer: str, dtype: str, layout: str, seed: int, nranks: int) -> Needs:  # noqa: ARG001 - the suite's own
    """Refuse shapes that are none or that no FP8 kernel takes; estimate bytes and seconds of one rank."""
    for name, value in (("m", m), ("n", n), ("k", k)):
        if value < 1:
            message = f"{name} must be positive"
            raise RefusalError(message, value=value, where=name, fix=f"Set {name} to 1 or more.")
        if dtype == "fp8" and name != "m" and value % FP8_MULTIPLE:
            message = f"with dtype=fp8, {name} must be a multiple of {FP8_MULTIPLE}"
            raise RefusalError(message, value=value, where=name, fix=f"Take {name}={max(1, round(value / FP8_MULTIPLE)) * FP8_MULTIPLE}.")
    tile = 1024
    working = 4 * 8 * tile * k + 4 * 8 * tile * tile
    nbytes = (m + n) * k * OPERAND_NBYTES[dtype] + m * n * OUTPUT_NBYTES[OUTPUTS[dtype]] + working + min(12 * m * n, 2 << 30)
    operations = 2.0 * m * n * k
    return Needs(memory_nbytes=nbytes, seconds=(m + n) * k / DRAWN + 2 * operations / FP64_RATE, step_seconds=operations / RATES[dtype])
