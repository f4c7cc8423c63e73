"""A product of fixed numbers as one hash: equal on all ranks, a minority named, and kept for later runs of the same key (gate G5)."""

from __future__ import annotations

from assay.harness.work import Answer, Context, Needs, Volume, Work


def golden(
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
    """Multiply the same numbers on every rank and hold the hashes of the results against each other.

    Only ranks with the same key are compared: architecture, number of units, driver, library, kernel, instruction set (gates/key.py). The
    hash and its key are kept with the run; the door holds them against the last run of the same key. A fault that all devices share is not
    seen here.

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
        seed: of the numbers, the same ones on every rank.

    """
    import json

    import numpy as np

    from assay.suites.numerics.gates.difference import difference
    from assay.suites.numerics.gates.golden import digest, figure, operands, spelled, vote
    from assay.suites.numerics.gates.key import kernel_of, key_of
    from assay.suites.numerics.gates.subject import Live, device_words, held_up, open_subject

    opened = open_subject(ctx, unit, a=a, b=b, fast=fast)
    left, right = operands(opened, m=m, n=n, k=k, seed=seed, tiny=True)
    live = Live(opened.bind(left, right), (m, n), device_words(ctx, opened))
    device = ctx.device.torch_name
    key = key_of(opened, ctx.device.facts(), device=device, operands=digest(left, right))
    if not opened.emulated and device != "cpu":
        key["kernel"] = kernel_of(live.bound, device)
    notes = {"unit": opened.what, "formats": f"{opened.a.name} x {opened.b.name}", "golden_key": spelled(key)}

    def check() -> Answer:
        own = live.array()
        told = ctx.world.allgather((spelled(key), digest(own)))
        keys, hashes = [one for one, _ in told], [one for _, one in told]
        notes["golden"] = json.dumps([{"key": json.loads(one), "hash": value} for one, value in dict.fromkeys(told)])
        votes = [vote(keys, hashes, rank) for rank in range(ctx.size)]
        mine = votes[ctx.rank]
        # All ranks know all votes, so all take part in every broadcast.
        sent = {root: ctx.world.bcast(own, root=root) for root in sorted({one.reference for one in votes if one.reference is not None})}
        scores = {"golden": figure(hashes[ctx.rank])}
        if not np.isfinite(own).all():
            row, column = (int(i) for i in np.argwhere(~np.isfinite(own))[0])
            said = f"{live.device}: row {row}, column {column} is {own[row, column]}, but no sum of these numbers leaves float32"
            return Answer(ok=False, tested=own.size, reason=said, where=f"row {row}, column {column}", scores=scores)
        if mine.ok:
            return Answer(ok=True, tested=own.size, scores=scores)
        against = sent[mine.reference] if mine.reference is not None else own
        found = difference(own, against)
        return held_up(found, tested=own.size, device=live.device, what=f"{mine.reason}; against rank {mine.reference}: ", scores=scores)

    return Work(
        step=live.step, check=check, volume=Volume(flops=2.0 * m * n * k), result=lambda: live.newest, refresh=live.clear, notes=notes
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
    return Needs(memory_nbytes=8 * (m + n) * k + 16 * m * n, step_seconds=seconds_of(unit, float(m) * n * k))
