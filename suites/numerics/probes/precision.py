"""P2, P3, P5: how many bits terms are aligned to and results are kept with, and how both are rounded.

Constructions: MMA-Sim (Xie et al., arXiv 2511.10909) for the alignment; the rest ours. All of them are sums whose exact value is known,
laid into one group of products that the unit adds in one rounding (structure.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from assay.suites.numerics.formats.format import Format
from assay.suites.numerics.probes.box import Box, Probe, top
from assay.suites.numerics.probes.rounding import QUARTERS, modes_but_for_quarters, modes_that_fit

# A sum with one more term: gives the probe that adds factor x 2^exponent to it, or None where the formats cannot.
Adding = Callable[[int, float], Probe | None]


@dataclass(frozen=True)
class Kept:
    """What is kept of small terms.

    Attributes:
        bits: fraction bits below the largest exponent; None where not even one could be tested.
        at_least: whether it may be more: nothing was lost as far as the formats reach.
        rounding: modes that fit what was seen; one is certain, none: nothing could be tested.
        dropped: octaves below the largest exponent beyond which a term vanishes that rounding would have kept; None where none does.

    """

    bits: int | None
    at_least: bool
    rounding: tuple[str, ...]
    dropped: int | None = None


def alignment(box: Box, group: Sequence[int]) -> Kept:
    """Probe how products are aligned: M, -M and a small term in one group; what is left is the small term on the group's grid."""
    return kept(box, masked(box, group[0], group[1], group[2]), box.highest, exact=0.0)


def carried(box: Box, before: int, group: Sequence[int]) -> Kept:
    """Probe how the sum so far is aligned: the small term comes from an earlier group, M and -M meet in a later one."""
    return kept(box, masked(box, group[0], group[1], before), box.highest, exact=0.0)


def masked(box: Box, plus: int, minus: int, small: int) -> Adding:
    """Give probes M - M + term."""
    mask = box.power(box.highest)

    def adding(exponent: int, factor: float) -> Probe | None:
        term = box.power(exponent, factor)
        if mask is None or term is None:
            return None
        x, y = mask
        return {plus: (x, y), minus: (-x, y), small: term}

    return adding


def kept(box: Box, adding: Adding, first: int, *, exact: float, least: int | None = None) -> Kept:
    """Lower a term from 2^``first`` until the sum loses it; then see how what is lost was rounded.

    Args:
        box: the black box.
        adding: the sum.
        first: exponent against which bits are counted.
        exact: value of the sum without the term.
        least: exponent below which another loss would hide this one; None for none.

    """
    low = box.lowest if least is None else max(box.lowest, least)
    tried = [(e, probe) for e in range(first - (1 if exact else 0), low - 1, -1) if (probe := adding(e, 1.0)) is not None]
    answers = box.dots([probe for _, probe in tried])
    bits: int | None = None
    for (e, _), answer in zip(tried, answers, strict=True):
        if float(answer) != exact + 2.0**e:
            seen = seen_at(box, adding, first - (bits or 0), exact, low)
            modes = modes_that_fit(seen)
            if modes or not seen:
                return Kept(bits, at_least=False, rounding=modes)
            modes = modes_but_for_quarters(seen)
            # Between a half, which is rounded, and a quarter, which is not there any more.
            return Kept(bits, at_least=False, rounding=modes, dropped=(bits or 0) + 1 if modes else None)
        bits = first - e
    return Kept(bits, at_least=True, rounding=())


def seen_at(box: Box, adding: Adding, unit: int, exact: float, low: int) -> dict[float, float]:
    """Add parts of 2^``unit`` of either sign to the sum: part -> what it became, both in units; a part that is out of reach is left out."""
    probes: list[Probe] = []
    parts: list[float] = []
    for part in QUARTERS:
        whole = {0.25: (-2, 1.0), 0.5: (-1, 1.0), 0.75: (-1, 1.5), 1.5: (0, 1.5)}[part]
        # 0.75 and 1.5 need a bit of their own, one below their exponent.
        if unit + whole[0] - (1 if whole[1] != 1 else 0) < low:
            continue
        plus = adding(unit + whole[0], whole[1])
        if plus is not None:
            probes += [plus, negated(plus)]
            parts += [part, -part]
    answers = [float(answer) for answer in box.dots(probes)]
    seen = {}
    for part, answer in zip(parts, answers, strict=True):
        result = (answer - (exact if part > 0 else -exact)) / 2.0**unit
        seen[part] = result
    return seen


def negated(probe: Probe) -> Probe:
    """Turn the sign of every product."""
    return {position: (-x, y) for position, (x, y) in probe.items()}


def result(box: Box, bigs: Sequence[int], small: int, *, bits: int | None, normalised: bool) -> Kept:
    """Probe how a result is rounded: equal large products, a power of two in number, that climb above the grid, and a small term.

    Each is (1.5 x 2^h)^2 = 2.25 x 4^h, so that the sum of m of them has log2(2.25 m) bits above its terms' raw exponent, and its last bits
    are zeros. ``bits``: what terms are aligned to, None for exactly; below that grid nothing can be told of the result.
    """
    if min(box.a.fraction, box.b.fraction) < 1:
        return Kept(None, at_least=False, rounding=())
    rises = (fitting(box.a), fitting(box.b))
    count = 1 << (len(bigs).bit_length() - 1)
    filled: Probe = dict.fromkeys(bigs[:count], (1.5 * 2.0 ** rises[0], 1.5 * 2.0 ** rises[1]))
    exact = 2.25 * count * 2.0 ** sum(rises)
    exponent = sum(rises) + (2.25 * count).__floor__().bit_length() - 1
    raw = sum(rises) + (1 if normalised else 0)

    def adding(e: int, factor: float) -> Probe | None:
        term = box.power(e, factor)
        return None if term is None else {**filled, small: term}

    return kept(box, adding, exponent, exact=exact, least=None if bits is None else raw - bits)


def single(box: Box, big: int, small: int) -> Kept:
    """Probe how a sum of two is rounded: one power of two and a small term, added with nothing else between."""
    mask = box.power(box.highest)

    def adding(e: int, factor: float) -> Probe | None:
        term = box.power(e, factor)
        return None if term is None or mask is None else {big: mask, small: term}

    return kept(box, adding, box.highest, exact=2.0**box.highest)


def fitting(of: Format) -> int:
    """Give the largest exponent h for which 1.5 x 2^h is a number that probes use."""
    return top(of) - 1


def normalisation(box: Box, group: Sequence[int], bits: int) -> bool | None:
    """Tell whether 1.5 x 1.5 raises a product's exponent (P5); None where the formats cannot tell.

    (1.5 M)(1.5 M) minus the same, plus one unit of the grid that M M would give: the unit stays only if exponents are raw sums.
    """
    if min(box.a.fraction, box.b.fraction) < 1:
        return None
    h, j = fitting(box.a), fitting(box.b)
    term = box.power(h + j - bits)
    if term is None:
        return None
    x, y = 1.5 * 2.0**h, 1.5 * 2.0**j
    answer = float(box.dots([{group[0]: (x, y), group[1]: (-x, y), group[2]: term}])[0])
    return answer != 2.0 ** (h + j - bits)
