"""P0, P7, P8a: subnormal numbers, infinities, NaN and overflow, and whether turning every sign turns the result's."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from assay.suites.numerics.formats.format import Format
from assay.suites.numerics.probes.box import Box, Probe

ONE = (1.0, 1.0)
FP32_EMIN, FP32_TINY = -126, -149


@dataclass(frozen=True)
class Specials:
    """What a unit makes of special numbers; None where the formats have none, or nothing could be told.

    Attributes:
        inputs: whether subnormal operands are ``kept`` or ``flushed`` (``A flushed``, ``B flushed`` where only one is).
        outputs: whether subnormal float32 results are kept.
        nan: the float32 word of a NaN result.
        infinities: whether Inf - Inf and 0 x Inf are NaN, and Inf stays Inf.
        overflow: what a sum beyond float32 becomes: ``inf``, ``max`` or ``nan``.
        wide_products: whether 2^127 x 2 - 2^127 x 2 is zero (products may exceed float32) or NaN (they became infinite).

    """

    inputs: str | None
    outputs: str | None
    nan: int | None
    infinities: bool | None
    overflow: str | None
    wide_products: bool | None


def specials(box: Box) -> Specials:
    """Run all probes of special numbers."""
    return Specials(inputs(box), outputs(box), nan_word(box), infinities(box), overflow(box), wide_products(box))


def inputs(box: Box) -> str | None:
    """P0: multiply the smallest subnormal of each format by a power of two that makes the product an ordinary float32 number."""
    found = []
    for name, of, other, left in (("A", box.a, box.b, True), ("B", box.b, box.a, False)):
        factor = 2.0 ** min(other.emax, 4)
        if of.smallest == of.least_normal or of.smallest * factor < 2.0**FP32_EMIN:
            factor = 2.0 ** min(other.emax, FP32_EMIN - math.frexp(of.smallest)[1] + 5) if of.smallest < of.least_normal else 0.0
        if not factor:
            continue
        pair = (of.smallest, factor) if left else (factor, of.smallest)
        answer = float(box.dots([{0: pair}])[0])
        if answer not in {0.0, of.smallest * factor}:
            return f"{name}: {of.smallest:g} x {factor:g} gave {answer:g}"
        found.append((name, answer != 0))
    if not found or len({kept for _, kept in found}) == 1:
        return None if not found else "kept" if found[0][1] else "flushed"
    return f"{next(name for name, kept in found if not kept)} flushed"


def outputs(box: Box) -> str | None:
    """Multiply two normal numbers whose product is a subnormal float32."""
    if box.a.emin + box.b.emin > FP32_TINY + 4 or min(box.a.emin, box.b.emin) > FP32_EMIN:
        return None
    answer = float(box.dots([{0: (2.0**-80, 2.0**-60)}])[0])
    return {2.0**-140: "kept", 0.0: "flushed"}.get(answer, f"2^-140 gave {answer:g}")


def nan_word(box: Box) -> int | None:
    """Give the word that a NaN operand makes; None without NaN in the formats, or where the answer is no NaN (see ``infinities``)."""
    if not box.a.has_nan:
        return None
    answer = box.dots([{0: (math.nan, 1.0)}])
    return int(answer.view(np.uint32)[0])


def infinities(box: Box) -> bool | None:
    """Tell whether infinities do what IEEE 754 says."""
    if box.a.specials != "ieee":
        return None
    inf = math.inf
    probes: list[Probe] = [{0: (inf, 1.0)}, {0: (-inf, 1.0), 1: ONE}, {0: (inf, 1.0), 1: (-inf, 1.0)}, {0: (inf, 0.0)}]
    answers = [float(answer) for answer in box.dots(probes)]
    return answers[:2] == [inf, -inf] and all(map(math.isnan, answers[2:]))


def overflow(box: Box) -> str | None:
    """Add 2^127 four times over."""
    if wide(box) is None:
        return None
    huge = (2.0**63, 2.0**64)
    answer = float(box.dots([dict.fromkeys(range(4), huge)])[0])
    if math.isnan(answer):
        return "nan"
    return "inf" if math.isinf(answer) else "max" if answer == float(np.finfo(np.float32).max) else f"{answer:g}"


def wide_products(box: Box) -> bool | None:
    """Subtract 2^128 from itself: zero where products may exceed float32, NaN where each became infinite first."""
    if wide(box) is None:
        return None
    answer = float(box.dots([{0: (2.0**127, 2.0), 1: (-(2.0**127), 2.0)}])[0])
    return answer == 0.0 if math.isfinite(answer) or math.isnan(answer) else None


def wide(box: Box) -> Format | None:
    """Give A's format if both formats reach 2^127."""
    return box.a if min(box.a.emax, box.b.emax) >= 127 else None  # noqa: PLR2004 - of float32


def symmetric(box: Box, *, seed: int = 0) -> bool:
    """P8a: tell whether (-A) B is -(A B) to the last bit, on numbers of widely different sizes: an alignment that rounds down is not."""
    source = np.random.default_rng(seed)
    left, right = box.numbers(source, (box.side, box.k)), box.numbers(source, (box.k, box.side))
    plus, minus = box.product(left, right), box.product(-left, right)
    return bool(np.array_equal(minus, -plus))
