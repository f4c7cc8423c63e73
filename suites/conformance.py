"""Random outputs of a random product, held against the model that the unit's own card describes (gate G7)."""

from __future__ import annotations

from assay.harness.work import Answer, Context, Needs, Volume, Work

SECONDS = 30.0  # two or three cards on one core


def conformance(
    ctx: Context,
    *,
    unit: str = "torch",
    a: str = "",
    b: str = "",
    fast: bool = True,
    k: int = 256,
    side: int = 32,
    outputs: int = 1024,
    seed: int = 0,
) -> Work:
    """Probe the unit, find the emulated unit with the same card, and compare bits; without one, the componentwise bound.

    The product has the size at which the unit was probed, since a library may choose another kernel for another size.

    Args:
        ctx: the control world and this rank's device.
        unit: ``torch``, ``emulated:NAME``, ``emulated:NAME,fault=...``.
        a: format of A, or a role such as fp8; empty for the unit's own (torch: bf16).
        b: format of B; empty for the same as A.
        fast: FP8 on CUDA with fast accumulation, which is the unit itself.
        k: products of one sum.
        side: rows and columns.
        outputs: how many outputs, drawn at random, are compared in each check; all where there are no more.
        seed: of the numbers, which are other ones on each rank.

    """
    import numpy as np

    from assay.suites.numerics.gates.bounded import of_opened
    from assay.suites.numerics.gates.golden import operands
    from assay.suites.numerics.gates.model import model_of
    from assay.suites.numerics.gates.subject import Live, device_words, open_subject
    from assay.suites.numerics.gates.within import against_bound, against_model
    from assay.suites.numerics.probes.box import Box
    from assay.suites.numerics.probes.card import fingerprint
    from assay.suites.numerics.probes.published import words

    opened = open_subject(ctx, unit, a=a, b=b, fast=fast)
    box = Box(opened.gemm, opened.a, opened.b, k=k, side=side, out=opened.out)
    card = fingerprint(box)
    model = model_of(card, opened.a.name, opened.b.name, box=box)
    left, right = operands(opened, m=side, n=side, k=k, seed=seed + ctx.rank)
    source = np.random.default_rng(seed)
    live = Live(opened.bind(left, right), (side, side), device_words(ctx, opened))
    bound, conversion, why = of_opened(opened, k)
    share = bound + conversion * (1 + bound)

    def check() -> Answer:
        places = np.sort(source.permutation(side * side)[:outputs])
        chosen = np.stack(np.divmod(places, side))
        got = live.array()[chosen[0], chosen[1]]
        rows, columns = left[chosen[0]], np.ascontiguousarray(right.T[chosen[1]])
        if model is not None:
            return against_model(got, model.dot(rows, columns), chosen, device=live.device)
        return against_bound(got, rows, columns, chosen, share=share, device=live.device)

    told = (
        f"the model of its card, {words(card)}" if model is not None else f"no model has its card, so within {share:.3g} of |A||B|: {why}"
    )
    return Work(
        step=live.step,
        check=check,
        volume=Volume(flops=2.0 * side * side * k),
        result=lambda: live.newest,
        refresh=live.clear,
        notes={"unit": opened.what, "formats": f"{opened.a.name} x {opened.b.name}", "held against": told},
    )


def needs(
    *,
    unit: str,
    a: str,
    b: str,
    fast: bool,  # noqa: ARG001
    k: int,
    side: int,
    outputs: int,
    seed: int,  # noqa: ARG001
    nranks: int,  # noqa: ARG001
) -> Needs:
    """Refuse what cannot be a unit or a shape; estimate bytes and seconds of one rank."""
    from assay.suites.numerics.gates.subject import check_unit, seconds_of

    check_unit(unit, a=a, b=b, k=k, side=side, outputs=outputs)
    return Needs(memory_nbytes=64 * side * k, seconds=SECONDS, step_seconds=seconds_of(unit, float(side) * side * k))
