"""Products that must equal each other to the last bit on any unit: signs, scales, permutations, padding, transposition (gate G3)."""

from __future__ import annotations

from assay.harness.work import Answer, Context, Needs, Volume, Work

PRODUCTS = 15  # at most, in one step


def metamorphic(
    ctx: Context,
    *,
    unit: str = "torch",
    a: str = "",
    b: str = "",
    fast: bool = True,
    m: int = 64,
    n: int = 64,
    k: int = 512,
    layer: str = "",  # noqa: ARG001 - a label: it names the shape in the case key
    seed: int = 0,
) -> Work:
    """Compute a product, and changed ones that must equal it.

    Both sides come from the unit itself, so a fault that hits both alike (a bit that is always flipped in one output) shows only where an
    output moves. The live answer holds all products below each other, the plain ones first.

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

    from assay.suites.numerics.gates.difference import difference
    from assay.suites.numerics.gates.implicated import Broken, sentence
    from assay.suites.numerics.gates.integers import integers, range_of
    from assay.suites.numerics.gates.relations import moved, rounded, spread
    from assay.suites.numerics.gates.subject import answered, device_words, on_host, open_subject

    opened = open_subject(ctx, unit, a=a, b=b, fast=fast)
    own, device = seed + ctx.rank, device_words(ctx, opened)
    exact = integers(range_of(opened.a, opened.b, k=k, fraction=opened.result.fraction), opened.a, opened.b, m=m, n=n, k=k, seed=own)
    loose = spread(opened.a, opened.b, opened.result, m=m, n=n, k=k, seed=own)
    groups = [(exact, [*moved(*exact, seed=own, same=opened.a == opened.b)])]
    if loose is not None:
        groups.append(((loose.left, loose.right), [*rounded(loose, seed=own)]))
    pairs = [pair for plain, relations in groups for pair in (plain, *((one.left, one.right) for one in relations))]
    bound = [(opened.bind(np.ascontiguousarray(x), np.ascontiguousarray(y)), (len(x), y.shape[1])) for x, y in pairs]
    everything = np.zeros(sum(rows * columns for _, (rows, columns) in bound), dtype=np.float32)
    offsets = np.cumsum([0, *(rows * columns for _, (rows, columns) in bound)])
    views = [everything[start : start + size[0] * size[1]].reshape(size) for start, (_, size) in zip(offsets, bound, strict=False)]

    def step() -> None:
        for view, (compute, shape) in zip(views, bound, strict=True):
            view[...] = on_host(answered(compute, shape))

    def clear(_repetition: int) -> None:
        everything.fill(np.nan)  # a step that does nothing must not pass, and with this every repetition is checked

    def check() -> Answer:
        broken, tested, number = [], 0, 0
        for _, relations in groups:
            plain = views[number]
            for i, one in enumerate(relations, start=number + 1):
                found = difference(np.ascontiguousarray(one.back(views[i])), plain, any_zero=one.exact)
                tested += plain.size
                if found is not None:
                    broken.append(Broken(one, found))
            number += 1 + len(relations)
        asked = sum(len(relations) for _, relations in groups)
        scores = {"broken_relations": float(len(broken))}
        if not broken:
            return Answer(ok=True, tested=tested, scores=scores)
        reason, where = sentence(broken, asked)
        return Answer(ok=False, tested=tested, reason=f"{device}: {reason}", where=where, scores=scores)

    names = [one.name for _, relations in groups for one in relations]
    return Work(
        step=step,
        check=check,
        volume=Volume(),  # products of several kinds: no rate
        refresh=clear,
        result=lambda: everything.reshape(-1, n) if m == n else everything,
        notes={"unit": opened.what, "formats": f"{opened.a.name} x {opened.b.name}", "relations": ", ".join(names)},
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
    return Needs(memory_nbytes=PRODUCTS * (8 * (m + n) * k + 8 * m * n), step_seconds=seconds_of(unit, float(PRODUCTS) * m * n * k))
