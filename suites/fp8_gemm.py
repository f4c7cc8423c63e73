"""FP8 matrix product after DeepSeek-V3's recipe, held against the exact product of what the FP8 operands really hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from assay.harness.errors import RefusalError
from assay.harness.work import Context, Needs, Volume, Work

if TYPE_CHECKING:
    import torch

    from assay.suites.numerics.fp8_kernels import Kernel
    from assay.suites.numerics.quantise import Quantised
    from assay.suites.numerics.recipes import Recipe

BLOCK = 128
OUTPUT_NBYTES = {"fp32": 4, "bf16": 2}
# Of one core, for the estimate of preparation and checks only: elements drawn and quantised, FP32 and float64 operations, a second.
DRAWN, FP32_RATE, FP64_RATE = 5e7, 6e10, 4e10


def fp8_gemm(
    ctx: Context,
    *,
    m: int = 64,
    n: int = 2112,
    k: int = 7168,
    layer: str = "",  # noqa: ARG001 - a label: it names the shape in the case key
    input: Literal["normal", "uniform", "outlier"] = "normal",  # noqa: A002 - the word of the case key
    impl: Literal["blockwise", "dequant", "scaled_mm"] = "blockwise",
    out: Literal["fp32", "bf16"] = "fp32",
    seed: int = 0,
) -> Work:
    """Multiply E4M3 activations (m x k, a scale for each 1x128) with E4M3 weights (n x k, a scale for each 128x128).

    Args:
        ctx: the control world and this rank's device.
        m: rows of activations (tokens).
        n: rows of weights (outputs).
        k: length of each dot product, a multiple of 128.
        layer: name of the shape.
        input: distribution before quantising; uniform is non-negative and lets accumulation errors add up, normal hides them.
        impl: how it is computed: FP32 product of each K block (as DeepGEMM promotes), dequantised whole, or torch's FP8 kernel.
        out: format of the output.
        seed: of this rank's own data.

    """
    from assay.suites.numerics.exact import Exact
    from assay.suites.numerics.score import score

    a, w = operands(ctx, m=m, n=n, k=k, kind=input, seed=seed)
    kernel = choose(ctx, a, w, impl=impl, out=out)
    exact = Exact(m, n, left=in_float64(a), right=in_float64(w))
    volume = Volume(flops=2.0 * m * n * k, memory_nbytes=a.nbytes + w.nbytes + m * n * OUTPUT_NBYTES[out], resource=kernel.resource)
    return Work(
        step=kernel.step,
        check=lambda: score(kernel.result(), exact, kernel.tolerance),
        volume=volume,
        result=kernel.result,
        notes={
            "kernel": kernel.name,
            "tolerance": kernel.tolerance.why,
            "calc_diff": "for information, against the dequantised operands, so without quantisation error; DeepGEMM's limit is 1e-3",
        },
    )


def operands(ctx: Context, *, m: int, n: int, k: int, kind: str, seed: int) -> tuple[Quantised, Quantised]:
    """Draw and quantise this rank's activations and weights."""
    from assay.suites.numerics.draws import draw_in_parts, generator
    from assay.suites.numerics.quantise import deepseek, quantise

    def operand(name: str, rows: int, by: Recipe) -> Quantised:
        source = generator(seed, rank=ctx.rank, operand=name)
        return quantise(draw_in_parts(kind, rows, k, source), rows=rows, k=k, by=by, device=ctx.device.torch_name)

    return operand("activations", m, deepseek("activation")), operand("weights", n, deepseek("weight"))


def choose(ctx: Context, a: Quantised, w: Quantised, *, impl: str, out: str) -> Kernel:
    """Bind the operands to the kernel named ``impl``; NotApplicableError where this device cannot have it."""
    from assay.suites.numerics.fp8_kernels import blockwise, dequant, scaled_mm

    if impl == "scaled_mm":
        return scaled_mm(a, w, out=out, formats=ctx.device.formats)
    return {"blockwise": blockwise, "dequant": dequant}[impl](a, w, out=out)


def in_float64(operand: Quantised) -> Callable[[slice], torch.Tensor]:
    """Give the function that dequantises rows of ``operand`` exactly."""
    import torch

    return lambda rows: operand.dequantised(rows, torch.float64)


def needs(*, m: int, n: int, k: int, layer: str, input: str, impl: str, out: str, seed: int, nranks: int) -> Needs:  # noqa: A002, ARG001
    """Refuse shapes that have no 1x128 tiles; estimate bytes and seconds of one rank."""
    for name, value in (("m", m), ("n", n), ("k", k)):
        if value < 1:
            message = f"{name} must be positive"
            raise RefusalError(message, value=value, where=name, fix=f"Set {name} to 1 or more.")
    if k % BLOCK:
        message = f"k must be a multiple of {BLOCK}: activations have one scale for each 1x{BLOCK} tile"
        raise RefusalError(
            message,
            value=k,
            where="k",
            fix=f"Take k={max(1, round(k / BLOCK)) * BLOCK}. (n may be anything: weights are padded to whole blocks.)",
        )
    if impl == "scaled_mm" and n % 16:
        message = "impl=scaled_mm needs n in multiples of 16"
        raise RefusalError(message, value=n, where="n", fix=f"Take n={max(1, round(n / 16)) * 16}, or impl=blockwise.")
    tile = 1024
    working = 4 * 8 * tile * k + 4 * 8 * tile * tile
    kept = min(12 * m * n, 2 << 30)
    nbytes = (m + n) * k + m * n * OUTPUT_NBYTES[out] + working + kept
    step = 2.0 * m * n * k / FP32_RATE
    seconds = (m + n) * k / DRAWN + 4.0 * m * n * k / FP64_RATE
    return Needs(memory_nbytes=nbytes, seconds=seconds, step_seconds=step)
