"""Matrix product of whole numbers whose sums are exact in every published unit: all bits equal the integer reference (gate G2)."""

from __future__ import annotations

from typing import Literal

from assay.harness.errors import RefusalError
from assay.harness.work import Answer, Context, Needs, Volume, Work

WHOLE = 1024  # rows up to which every word is compared where the check is chosen by itself


def exact_gemm(
    ctx: Context,
    *,
    unit: str = "torch",
    a: str = "",
    b: str = "",
    fast: bool = True,
    m: int = 128,
    n: int = 128,
    k: int = 4096,
    layer: str = "",  # noqa: ARG001 - a label: it names the shape in the case key
    check: Literal["auto", "full", "freivalds"] = "auto",
    seed: int = 0,
) -> Work:
    """Multiply whole numbers and compare bits.

    Args:
        ctx: the control world and this rank's device.
        unit: ``torch``, ``emulated:h100_fp8``, ``emulated:h100_fp8,fault=k_dropped_one_output``.
        a: format of A, or a role such as fp8; empty for the unit's own (torch: bf16).
        b: format of B; empty for the same as A.
        fast: FP8 on CUDA with fast accumulation, which is the unit itself.
        m: rows of the result.
        n: columns of the result.
        k: length of each dot product.
        layer: name of the shape.
        check: ``full``: every word against the reference; ``freivalds``: C X against A (B X), which names the row, then the row anew;
            auto: full up to 1024 rows.
        seed: of the numbers, which are other ones on each rank.

    """
    from assay.suites.numerics.gates import freivalds, integers
    from assay.suites.numerics.gates.difference import difference
    from assay.suites.numerics.gates.subject import Live, device_words, held_up, open_subject

    opened = open_subject(ctx, unit, a=a, b=b, fast=fast)
    span = integers.range_of(opened.a, opened.b, k=k, fraction=opened.result.fraction)
    left, right = integers.integers(span, opened.a, opened.b, m=m, n=n, k=k, seed=seed + ctx.rank)
    live = Live(opened.bind(left, right), (m, n), device_words(ctx, opened))
    sampled = check == "freivalds" or (check == "auto" and m > WHOLE)
    wanted = None if sampled else integers.exact(left, right)

    def checked() -> Answer:
        got = live.array()
        if wanted is not None:
            return held_up(difference(got, wanted, any_zero=True), tested=got.size, device=live.device)
        found = freivalds.checked(got, left, right, limit=span.limit, seed=seed)
        return held_up(found, tested=got.size, device=live.device, what="Freivalds' check, then the row anew: ")

    by = (
        f"C X = A (B X), {freivalds.VECTORS} vectors of signs: a wrong row is missed with 2^-{freivalds.VECTORS}"
        if sampled
        else "every word"
    )
    return Work(
        step=live.step,
        check=checked,
        volume=Volume(flops=2.0 * m * n * k),
        result=lambda: live.newest,
        refresh=live.clear,
        notes={"unit": opened.what, "formats": f"{opened.a.name} x {opened.b.name}", "numbers": span.why, "compared": by},
    )


def needs(
    *,
    unit: str,
    a: str,
    b: str,
    fast: bool,  # noqa: ARG001
    m: int,
    n: int,
    k: int,
    layer: str,  # noqa: ARG001
    check: str,
    seed: int,  # noqa: ARG001
    nranks: int,  # noqa: ARG001
) -> Needs:
    """Refuse what cannot be a unit or a shape; estimate bytes and seconds of one rank."""
    from assay.suites.numerics.gates.subject import FP64_RATE, check_unit, seconds_of

    check_unit(unit, a=a, b=b, m=m, n=n, k=k)
    if k >= 1 << 20:
        message = "k is too long for whole numbers that all units sum exactly"
        raise RefusalError(message, value=k, where="k", fix=f"Take less than {1 << 20}.")
    work = float(m) * n * k
    reference = work if m <= WHOLE and check != "freivalds" else 16.0 * (m * n + m * k + k * n)
    return Needs(memory_nbytes=24 * (m + n) * k + 16 * m * n, seconds=reference / FP64_RATE, step_seconds=seconds_of(unit, work))
