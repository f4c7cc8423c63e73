"""The same product again and again: the same bits every time, or the first position and bits that changed (gate G4)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from assay.harness.work import Answer, Context, Needs, Volume, Work

if TYPE_CHECKING:
    from assay.suites.numerics.gates.difference import Difference


def repeat(
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
    times: int = 8,
    deterministic: bool = False,
    seed: int = 0,
) -> Work:
    """Compute one product ``times`` in each step and hold each against the very first, word by word.

    The first was computed before warm-up and the last check comes after the timed part, so heat and clocks have changed in between. A fault
    that gives the same wrong answer every time is not seen here. What differs is a finding: a non-deterministic kernel, or a passing fault;
    with ``deterministic`` the kernels have promised not to be that, so it is corruption.

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
        times: products in one step.
        deterministic: switch on torch's deterministic algorithms while they are computed.
        seed: of the numbers, which are other ones on each rank.

    """
    from assay.suites.numerics.gates.difference import difference
    from assay.suites.numerics.gates.golden import operands
    from assay.suites.numerics.gates.subject import Live, device_words, held_up, on_host, open_subject

    opened = open_subject(ctx, unit, a=a, b=b, fast=fast)
    left, right = operands(opened, m=m, n=n, k=k, seed=seed + ctx.rank, tiny=True)
    bound = opened.bind(left, right)
    live = Live(promised(bound) if deterministic and not opened.emulated else bound, (m, n), device_words(ctx, opened))
    live.step()
    first = on_host(live.newest).copy()
    sure = deterministic or opened.emulated
    what = "corruption: " if sure else "non-deterministic kernel (or a passing fault: repeat with deterministic=true to tell): "
    seen: list[tuple[int, Difference]] = []
    made = 0

    def step() -> None:
        nonlocal made
        for number in range(times):
            live.step()
            made += 1
            found = difference(live.array(), first) if number < times - 1 else None  # the check looks at the last one
            if found is not None:
                seen.append((made, found))

    def check() -> Answer:
        found = difference(live.array(), first)
        wrong = [*seen, *([(made, found)] if found is not None else [])]
        said = f"{what}{len(wrong)} of {made} products differ from the first, product {wrong[0][0]} first: " if wrong else ""
        return held_up(wrong[0][1] if wrong else None, tested=first.size * times, device=live.device, what=said)

    return Work(
        step=step,
        check=check,
        volume=Volume(),  # a step compares too: no rate
        result=lambda: live.newest,
        notes={"unit": opened.what, "formats": f"{opened.a.name} x {opened.b.name}", "a difference is": what.partition(":")[0]},
    )


def promised(bound: Callable[[], Any]) -> Callable[[], Any]:
    """Compute with torch's deterministic algorithms, and put the setting back."""
    import torch

    def compute() -> Any:
        before = torch.are_deterministic_algorithms_enabled()
        torch.use_deterministic_algorithms(mode=True)
        try:
            return bound()
        finally:
            torch.use_deterministic_algorithms(before)

    return compute


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
    times: int,
    deterministic: bool,  # noqa: ARG001
    seed: int,  # noqa: ARG001
    nranks: int,  # noqa: ARG001
) -> Needs:
    """Refuse what cannot be a unit or a shape; estimate bytes and seconds of one rank."""
    from assay.suites.numerics.gates.subject import check_unit, seconds_of

    check_unit(unit, a=a, b=b, m=m, n=n, k=k, times=times)
    step = seconds_of(unit, float(times) * m * n * k)
    return Needs(memory_nbytes=8 * (m + n) * k + 16 * m * n, seconds=step / times, step_seconds=step)
