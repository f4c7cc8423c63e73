"""The fingerprint of a matrix unit: which arithmetic it really does, told from outside by black-box products."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from assay.harness.errors import RefusalError
from assay.harness.work import Answer, Context, Needs, Volume, Work

if TYPE_CHECKING:
    from assay.suites.numerics.probes.card import Card

# Fields of the card that are numbers: they become figures of the run, so that rules and later runs can be held against them.
NUMBERS = ("fused", "bits", "carry_bits", "out_bits", "parts", "ways", "split", "join_bits")
SECONDS = 30.0  # one card on two cores, as an upper bound
EMULATED_RATE = 1e8  # products of an emulated unit a second, for the estimate only


def fingerprint(
    ctx: Context,
    *,
    unit: str = "torch",
    a: str = "",
    b: str = "",
    fast: bool = True,
    k: int = 256,
    side: int = 32,
    expect: str = "",
    seed: int = 0,
) -> Work:
    """Probe a unit and say what it is.

    The step that is timed is one product of the size that probes use; the card is taken once, before. Every check computes a product of the
    same random numbers again and holds it against the first, to the last bit.

    Args:
        ctx: the control world and this rank's device.
        unit: ``torch``: what torch multiplies with on this device; ``deep_gemm``, ``transformer_engine``: theirs;
            ``emulated:h100_fp8``, ``emulated:fused=8,bits=21``: an emulated one.
        a: format of A, or a role such as fp8; empty for the unit's own (torch: bf16).
        b: format of B; empty for the same as A.
        fast: FP8 on CUDA with fast accumulation, which is the unit itself; false: with what promotion the library does.
        k: products of one sum; at least twice the promotion interval that is to be found.
        side: rows and columns of one product. A library may choose another kernel for another size.
        expect: name of the published unit that it must conform to; empty: only recorded.
        seed: of the random numbers.

    """
    import numpy as np

    from assay.suites.numerics.probes.box import Box
    from assay.suites.numerics.probes.card import fingerprint as take
    from assay.suites.numerics.probes.kernels import told
    from assay.suites.numerics.probes.named import architecture, open_unit
    from assay.suites.numerics.probes.published import verdict

    device = ctx.device.torch_name.partition(":")[0]
    opened = open_unit(unit, a=a, b=b, device=device, architecture=architecture(ctx.device.facts()), fast=fast)
    box = Box(opened.gemm, opened.a, opened.b, k=k, side=side, out=opened.out)
    card = take(box)
    said = verdict(card, opened.a.name, opened.b.name)
    source = np.random.default_rng(seed)
    left, right = box.numbers(source, (side, k)), box.numbers(source, (k, side))
    first = box.product(left, right).view(np.uint32).copy()
    kernel = "emulated" if opened.emulated else told(lambda: box.product(left, right), device)

    def check() -> Answer:
        again = box.product(left, right).view(np.uint32)
        changed = int(np.count_nonzero(again != first))
        if changed:
            row, column = (int(i) for i in np.argwhere(again != first)[0])
            reason = f"the same product gave {changed} of {first.size} other results than before"
            return Answer(ok=False, tested=first.size, reason=reason, where=f"row {row}, column {column}")
        return expected(card, opened.a.name, opened.b.name, expect, tested=first.size)

    return Work(
        step=lambda: box.product(left, right),
        check=check,
        volume=Volume(flops=2.0 * side * side * k),
        notes={
            "unit": opened.what,
            "kernel": kernel,
            "formats": f"{opened.a.name} x {opened.b.name}",
            "verdict": said,
            "card": card_json(card),
        },
    )


def card_json(card: Card) -> str:
    """Write a card as JSON: every field, the order of addition as nested lists."""
    return json.dumps(card.as_dict(), separators=(",", ":"))


def expected(card: Card, a: str, b: str, expect: str, *, tested: int) -> Answer:
    """Hold a card against the unit that was expected; figures are the card's numbers."""
    from assay.suites.numerics.probes.published import compare, words

    figures: dict[str, Any] = {name: float(getattr(card, name)) for name in NUMBERS if getattr(card, name) is not None}
    figures["deterministic"] = float(bool(card.deterministic))
    if not expect:
        return Answer(ok=True, tested=tested, scores=figures)
    match = compare(card, expect, a, b)
    if match.conforms:
        return Answer(ok=True, tested=tested, scores=figures)
    told = [f"{field} is {seen}, published {published}" for field, (seen, published) in match.differs.items()]
    told += [f"{field} could not be told" for field in match.open]
    return Answer(ok=False, tested=tested, scores=figures, reason=f"not {expect} but {words(card)}: {'; '.join(told)}")


def needs(*, unit: str, a: str, b: str, fast: bool, k: int, side: int, expect: str, seed: int, nranks: int) -> Needs:  # noqa: ARG001
    """Refuse what cannot be a unit, before anything is launched."""
    from assay.suites.numerics.probes.named import EMULATED, emulated, refuse_unknown
    from assay.suites.numerics.units.presets import PRESETS

    for name, value, least in (("k", k, 16), ("side", side, 1)):
        if value < least:
            message = f"must be {least} or more"
            raise RefusalError(message, value=value, where=name, fix=f"The default is {256 if name == 'k' else 32}.")
    if expect and expect not in PRESETS:
        message = "is no published unit"
        raise RefusalError(message, value=expect, where="expect", fix=f"Choose one of {', '.join(PRESETS)}.")
    if unit.partition(":")[0] == EMULATED:
        emulated(unit.partition(":")[2], a=a, b=b, architecture="")
    refuse_unknown(unit)
    step = 2.0 * side * side * k / EMULATED_RATE
    return Needs(memory_nbytes=64 * side * k, seconds=SECONDS, step_seconds=step)
