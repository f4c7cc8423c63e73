"""Matrix product in low precision: a published recipe, held against the exact product of what the operands really hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Literal

from assay.harness.errors import RefusalError
from assay.harness.work import Context, Needs, Volume, Work

if TYPE_CHECKING:
    import torch

    from assay.suites.numerics.fp8_kernels import Kernel
    from assay.suites.numerics.quantise import Quantised
    from assay.suites.numerics.recipes import Operand

SIDES: dict[str, tuple[Operand, Operand]] = {
    "fprop": ("activation", "weight"), "dgrad": ("gradient", "weight"), "wgrad": ("activation", "gradient"),
}  # fmt: skip
PLURAL = {"activation": "activations", "weight": "weights", "gradient": "gradients"}  # names of the streams of random numbers
BLOCK = 128
OUTPUT_NBYTES = {"fp32": 4, "bf16": 2}
# Of one core, for the estimate of preparation and checks only: elements drawn and quantised, FP32 and float64 operations, a second.
DRAWN, FP32_RATE, FP64_RATE, EMULATED_RATE = 5e7, 6e10, 4e10, 3e8


def fp8_gemm(
    ctx: Context,
    *,
    m: int = 64,
    n: int = 2112,
    k: int = 7168,
    layer: str = "",  # noqa: ARG001 - a label: it names the shape in the case key
    input: Literal[  # noqa: A002 - the word of the case key
        "normal", "uniform", "outlier", "tails", "zeros", "saturating", "subnormal", "integers", "cancelling"
    ] = "normal",
    recipe: str = "deepseek_v3",
    direction: Literal["fprop", "dgrad", "wgrad"] = "fprop",
    impl: Literal["blockwise", "dequant", "scaled_mm", "emulated"] = "blockwise",
    unit: str = "",
    out: Literal["fp32", "bf16"] = "fp32",
    seed: int = 0,
) -> Work:
    """Multiply two quantised operands, m x k and n x k: by default E4M3 activations with a scale for each 1x128, weights for each 128x128.

    What quantisation costs is told apart from what the unit adds: the first on a corner of the product, against the data before quantising
    and held to 1.5 times what the operands' own errors predict; the second on every element, against the exact product of the
    dequantised operands and held to what rounding in that unit explains.

    Args:
        ctx: the control world and this rank's device.
        m: rows of activations (tokens).
        n: rows of weights (outputs).
        k: length of each dot product, a multiple of 128.
        layer: name of the shape.
        input: distribution before quantising (``draws.draw`` says what each is); uniform is non-negative and lets accumulation errors add
            up, normal hides them.
        recipe: published name: formats, which numbers share a scale, and what a scale may be (``recipes.PUBLISHED``).
        direction: whose product of a linear layer: fprop (activations x weights), dgrad (gradients x weights), wgrad (activations x
            gradients, both with a scale for each 1x128 along k).
        impl: how it is computed: FP32 product of each K block (as DeepGEMM promotes), dequantised whole, torch's FP8 kernel, or an
            emulated matrix unit.
        unit: name of a published unit for impl=emulated; empty for the usual one of the recipe.
        out: format of the output.
        seed: of this rank's own data.

    """
    from assay.suites.numerics.exact import Exact
    from assay.suites.numerics.fp8_cost import cost_of, with_cost
    from assay.suites.numerics.score import score

    a, w, corners = operands(ctx, m=m, n=n, k=k, kind=input, recipe=recipe, direction=direction, seed=seed)
    kernel = choose(ctx, a, w, recipe=recipe, impl=impl, unit=unit, out=out)
    exact = Exact(m, n, left=in_float64(a), right=in_float64(w))
    volume = Volume(flops=2.0 * m * n * k, memory_nbytes=a.nbytes + w.nbytes + m * n * OUTPUT_NBYTES[out], resource=kernel.resource)
    cost = cost_of(*corners, a, w)
    return Work(
        step=kernel.step,
        check=lambda: with_cost(score(kernel.result(), exact, kernel.tolerance), cost),
        volume=volume,
        result=kernel.result,
        notes={
            "kernel": kernel.name,
            "formats": f"{a.recipe.format.name} x {w.recipe.format.name}",
            "tolerance": kernel.tolerance.why,
            "quantisation": str(cost),
            "calc_diff": "for information, against the dequantised operands, so without quantisation error; DeepGEMM's limit is 1e-3",
        },
    )


def operands(
    ctx: Context, *, m: int, n: int, k: int, kind: str, seed: int, recipe: str = "deepseek_v3", direction: str = "fprop"
) -> tuple[Quantised, Quantised, tuple[torch.Tensor, torch.Tensor]]:
    """Draw and quantise this rank's operands; the third is a corner of each before quantising, ROWS x k and COLUMNS x k at most."""
    from assay.suites.numerics.draws import draw_in_parts, generator
    from assay.suites.numerics.fp8_cost import COLUMNS, ROWS
    from assay.suites.numerics.quantise import quantise
    from assay.suites.numerics.recipes import published
    from assay.suites.numerics.recipes import recipe as recipe_of

    def operand(name: Operand, rows: int, most: int, kind: str) -> tuple[Quantised, torch.Tensor]:
        source = generator(seed, rank=ctx.rank, operand=PLURAL[name])
        corner: list[torch.Tensor] = []

        def drawn() -> Iterator[tuple[slice, torch.Tensor]]:
            for place, values in draw_in_parts(kind, rows, k, source):
                if not corner:
                    corner.append(values[:most].clone())
                yield place, values

        return quantise(drawn(), rows=rows, k=k, by=recipe_of(*published(recipe), name), device=ctx.device.torch_name), corner[0]

    names = SIDES[direction]
    # Sums vanish only if the halves that meet are the same: the partner of cancelling data is drawn once and repeated.
    (a, left), (w, right) = operand(names[0], m, ROWS, kind), operand(names[1], n, COLUMNS, "repeated" if kind == "cancelling" else kind)
    return a, w, (left, right)


def choose(ctx: Context, a: Quantised, w: Quantised, *, recipe: str, impl: str, unit: str, out: str) -> Kernel:
    """Bind the operands to the kernel named ``impl``; NotApplicableError where this device cannot have it."""
    from assay.suites.numerics.fp8_emulated import emulated, unit_for
    from assay.suites.numerics.fp8_kernels import blockwise, dequant, scaled_mm
    from assay.suites.numerics.recipes import published

    number, scaling, _ = published(recipe)
    if impl == "emulated":
        return emulated(a, w, unit_for(unit, scaling, number), scaling=scaling, out=out)
    if impl == "scaled_mm":
        return scaled_mm(a, w, out=out, formats=ctx.device.formats)
    return {"blockwise": blockwise, "dequant": dequant}[impl](a, w, out=out)


def in_float64(operand: Quantised) -> Callable[[slice], torch.Tensor]:
    """Give the function that dequantises rows of ``operand`` exactly."""
    import torch

    return lambda rows: operand.dequantised(rows, torch.float64)


def needs(
    *,
    m: int,
    n: int,
    k: int,
    layer: str,  # noqa: ARG001 - all of the suite's own parameters come
    input: str,  # noqa: A002, ARG001
    recipe: str,
    direction: str,
    impl: str,
    unit: str,
    out: str,
    seed: int,  # noqa: ARG001
    nranks: int,  # noqa: ARG001
) -> Needs:
    """Refuse shapes without whole tiles, and recipes that this way of computing does not know; estimate bytes and seconds of one rank."""
    from assay.suites.numerics.recipes import published

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
    number, scaling, _ = published(recipe)
    if impl == "scaled_mm" and n % 16:
        message = "impl=scaled_mm needs n in multiples of 16"
        raise RefusalError(message, value=n, where="n", fix=f"Take n={max(1, round(n / 16)) * 16}, or impl=blockwise.")
    if impl in {"blockwise", "scaled_mm"} and (scaling != "tile" or (impl == "scaled_mm" and direction == "wgrad")):
        message = f"impl={impl} multiplies tiles of 1x{BLOCK}" + (f" with {BLOCK}x{BLOCK}" if impl == "scaled_mm" else "") + " only"
        raise RefusalError(message, value=recipe, where="recipe", fix="Take impl=dequant or impl=emulated.")
    if unit and impl != "emulated":
        message = "names an emulated unit"
        raise RefusalError(message, value=unit, where="unit", fix="Set impl=emulated.")
    if impl == "emulated":
        from assay.suites.numerics.fp8_emulated import unit_for  # loads numpy, which other plans do without

        unit_for(unit, scaling, number)
    tile = 1024
    working = 4 * 8 * tile * k + 4 * 8 * tile * tile
    kept = min(12 * m * n, 2 << 30)
    nbytes = (m + n) * k * (9 if impl == "emulated" else 1) + m * n * OUTPUT_NBYTES[out] + working + kept
    step = 2.0 * m * n * k / (EMULATED_RATE if impl == "emulated" else FP32_RATE)
    seconds = (m + n) * k / DRAWN + 4.0 * m * n * k / FP64_RATE
    return Needs(memory_nbytes=nbytes, seconds=seconds, step_seconds=step)
