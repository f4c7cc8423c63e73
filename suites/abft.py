"""Row and column sums of a product of real numbers against those of its operands: names the row and the column that are off."""

from __future__ import annotations

from assay.harness.work import Answer, Context, Needs, Volume, Work


def abft(
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
    seed: int = 0,
) -> Work:
    """Multiply random numbers and check sums (algorithm-based fault tolerance).

    The threshold is the sum of the componentwise bounds, so nothing healthy is ever over it, and a small fault hides under it: this is the
    check that a training job can afford, not the sharpest one.

    Args:
        ctx: the control world and this rank's device.
        unit: ``torch``, ``emulated:NAME``, ``emulated:NAME,fault=...``.
        a: format of A, or a role such as fp8; empty for the unit's own (torch: bf16).
        b: format of B; empty for the same as A.
        fast: FP8 on CUDA with fast accumulation, which is the unit itself.
        m: rows of the result.
        n: columns of the result.
        k: length of each dot product.
        layer: name of the shape.
        seed: of the numbers, which are other ones on each rank.

    """
    import numpy as np

    from assay.suites.numerics.gates.bounded import of_opened
    from assay.suites.numerics.gates.golden import operands
    from assay.suites.numerics.gates.subject import Live, device_words, open_subject
    from assay.suites.numerics.gates.sums import checksums, held_against

    opened = open_subject(ctx, unit, a=a, b=b, fast=fast)
    left, right = operands(opened, m=m, n=n, k=k, seed=seed + ctx.rank)
    bound, conversion, why = of_opened(opened, k)
    sums = checksums(left, right, bound=bound, conversion=conversion)
    live = Live(opened.bind(left, right), (m, n), device_words(ctx, opened))

    def check() -> Answer:
        rows, columns = held_against(sums, live.array())
        row, column = int(rows.argmax()), int(columns.argmax())
        worst = float(min(max(rows[row], columns[column]), np.finfo(np.float64).max))
        scores, limits = {"sum": worst}, {"sum": 1.0}
        bad = int(np.count_nonzero(rows > 1)), int(np.count_nonzero(columns > 1))
        if not any(bad):
            return Answer(ok=True, tested=m + n, scores=scores, limits=limits)
        parts = [f"row {row}"] * bool(bad[0]) + [f"column {column}"] * bool(bad[1])
        sums_off = f"{bad[0]} of {m} row sums and {bad[1]} of {n} column sums are off, the worst {worst:.3g} times what rounding explains"
        where = ", ".join(parts)
        return Answer(ok=False, tested=m + n, reason=f"{live.device}: {where}: {sums_off}", where=where, scores=scores, limits=limits)

    return Work(
        step=live.step,
        check=check,
        volume=Volume(flops=2.0 * m * n * k),
        result=lambda: live.newest,
        refresh=live.clear,
        notes={"unit": opened.what, "formats": f"{opened.a.name} x {opened.b.name}", "limit": f"{bound:.3g} of |A||B|, {why}"},
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
    seed: int,  # noqa: ARG001
    nranks: int,  # noqa: ARG001
) -> Needs:
    """Refuse what cannot be a unit or a shape; estimate bytes and seconds of one rank."""
    from assay.suites.numerics.gates.subject import check_unit, seconds_of

    check_unit(unit, a=a, b=b, m=m, n=n, k=k)
    return Needs(memory_nbytes=32 * (m + n) * k + 16 * m * n, step_seconds=seconds_of(unit, float(m) * n * k))
