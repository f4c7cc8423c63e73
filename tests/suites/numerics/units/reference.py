"""The models of matrix units in exact fractions, one output at a time: written from the papers' formulas, sharing no code with the emulator.

Slow and obvious. Numbers are Fractions, or "inf", "-inf", "nan" as float objects; a unit's fields are read and nothing else of it.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import ml_dtypes
import numpy as np

MIN_EXPONENT = {
    **{
        name: int(math.log2(float(ml_dtypes.finfo(kind).smallest_normal)))
        for name, kind in {
            "e4m3": ml_dtypes.float8_e4m3fn, "e5m2": ml_dtypes.float8_e5m2, "e4m3fnuz": ml_dtypes.float8_e4m3fnuz,
            "e5m2fnuz": ml_dtypes.float8_e5m2fnuz, "e3m2": ml_dtypes.float6_e3m2fn, "e2m3": ml_dtypes.float6_e2m3fn,
            "e2m1": ml_dtypes.float4_e2m1fn, "bf16": ml_dtypes.bfloat16, "fp16": np.float16, "fp32": np.float32,
        }.items()
    },
    "tf32": -126,
}  # fmt: skip
OUTPUT = {"fp32": (8, 23), "fp16": (5, 10), "bf16": (8, 7), "tf32": (8, 10)}


def output_format(name: str) -> tuple[int, int, int]:
    """Fraction bits, least and largest exponent of an output."""
    wide, fraction = OUTPUT[name] if name in OUTPUT else (int(part) for part in name[1:].split("m"))
    return fraction, 2 - 2 ** (wide - 1), 2 ** (wide - 1) - 1


def integer(x: Fraction, mode: str) -> int:
    """Round a fraction to an integer."""
    low = math.floor(x)
    rest = x - low
    if rest == 0:
        return low
    up = {
        "rd": False,
        "ru": True,
        "rz": x < 0,
        "ra": x > 0,
        "rne": rest > Fraction(1, 2) or (rest == Fraction(1, 2) and low % 2 == 1),
        "rna": rest > Fraction(1, 2) or (rest == Fraction(1, 2) and x > 0),
        "rnz": rest > Fraction(1, 2) or (rest == Fraction(1, 2) and x < 0),
    }[mode]
    return low + up


def leading(x: Fraction) -> int:
    """floor(log2 |x|)."""
    guess = abs(x.numerator).bit_length() - x.denominator.bit_length()
    while Fraction(2) ** guess > abs(x):
        guess -= 1
    while Fraction(2) ** (guess + 1) <= abs(x):
        guess += 1
    return guess


def on_grid(x: Fraction, top: int, bits: int, mode: str, dead: int = 0) -> Fraction:
    """Align to the grid 2**(top - bits)."""
    steps = integer(x * Fraction(2) ** (bits - top), mode)
    steps = -(-steps & ~dead) if steps < 0 else steps & ~dead
    return steps * Fraction(2) ** (top - bits)


def rounded(x: Fraction, out: str, mode: str, overflow: str = "inf") -> Any:
    """Round to an output format, subnormals kept; a float where it overflows."""
    fraction, least, most = output_format(out)
    if x == 0:
        return Fraction(0)
    result = on_grid(x, max(leading(x), least), fraction, mode)
    largest = (2 - Fraction(2) ** -fraction) * Fraction(2) ** most
    if abs(result) > largest:
        sign = 1 if x > 0 else -1
        return {"inf": sign * math.inf, "max": sign * largest, "nan": math.nan}[overflow]
    return result


def number(x: float) -> Any:
    """A Fraction, or the float where it is not finite."""
    return Fraction(float(x)) if math.isfinite(x) else float(x)


def infinite(terms: list[Any]) -> Any:
    """What Inf and NaN among the terms of a sum give, None where there are none."""
    odd = [t for t in terms if isinstance(t, float)]
    if not odd:
        return None
    if any(math.isnan(t) for t in odd) or (math.inf in odd and -math.inf in odd):
        return math.nan
    return odd[0]


def times(unit: Any, x: Any, y: Any) -> Any:
    """A product: Inf * 0 is NaN, and beyond the unit's limit it is infinite."""
    if isinstance(x, float) or isinstance(y, float):
        if any(isinstance(v, float) and math.isnan(v) for v in (x, y)) or x == 0 or y == 0:
            return math.nan
        return math.inf if (x > 0) == (y > 0) else -math.inf
    product = x * y
    if unit.limit is not None and abs(product) >= Fraction(2) ** unit.limit:
        return math.inf if product > 0 else -math.inf
    return product


def raw_exponent(x: Fraction, least: int) -> int:
    """The exponent field's meaning: subnormal numbers keep e_min."""
    return max(leading(x), least)


def flushed(unit: Any, x: Any, least: int, *, on: bool) -> Any:
    """Zero for subnormal numbers where the unit flushes."""
    del unit
    return Fraction(0) if on and not isinstance(x, float) and abs(x) < Fraction(2) ** least else x


class Row:
    """One dot product: lists of (a, b, scale of a, scale of b)."""

    def __init__(self, unit: Any, a: Any, b: Any, sa: Any = None, sb: Any = None) -> None:
        """Take one row of each operand, and of block scales."""
        self.unit = unit
        self.la, self.lb = MIN_EXPONENT[unit.a], MIN_EXPONENT[unit.b]
        self.out_least = output_format(unit.out)[1]
        size = unit.scale_block
        one = Fraction(1)
        self.k = [
            (
                flushed(unit, number(x), self.la, on=unit.flush_in),
                flushed(unit, number(y), self.lb, on=unit.flush_in),
                one if sa is None or unit.scale is None else number(abs(sa[i // size])),
                one if sb is None or unit.scale is None else number(abs(sb[i // size])),
            )
            for i, (x, y) in enumerate(zip(a, b, strict=True))
        ]

    def result(self, c: float, promotion: Any = None) -> Any:
        """D."""
        u = self.unit
        start = flushed(u, number(c), self.out_least, on=u.flush_in)
        if u.split == 1:
            return self.with_promotion(self.k, start, promotion)
        period = len(u.order) if isinstance(u.order, tuple) else u.period
        step = max(u.promote or 1, period or u.fused * u.ways, u.scale_block if u.scale else 1)
        length = step * math.ceil(len(self.k) / (u.split * step))
        total = None
        for first in range(0, len(self.k), length):
            own = promotion[first // u.promote :] if promotion is not None else None
            part = self.with_promotion(self.k[first : first + length], Fraction(0), own)
            total = part if total is None else self.fp32_sum(total, part)
        return self.fp32_sum(total, start)

    def with_promotion(self, k: list[Any], start: Any, promotion: Any) -> Any:
        """Chains of N_C products, added in FP32."""
        u = self.unit
        if u.promote is None:
            return self.periods(k, start)
        total = start
        for i, first in enumerate(range(0, len(k), u.promote)):
            own = self.periods(k[first : first + u.promote], Fraction(0))
            factor = Fraction(1) if promotion is None else number(promotion[i])
            plain = not isinstance(own, float) and not isinstance(factor, float)
            product = own * factor if plain else times_plain(own, factor)
            total = self.fp32_sum(total, product)
        return total

    def fp32_sum(self, x: Any, y: Any, out: str = "fp32") -> Any:
        """The sum, rounded to nearest even."""
        odd = infinite([x, y])
        result = odd if odd is not None else rounded(x + y, out, "rne")
        return flushed(self.unit, result, output_format(out)[1], on=self.unit.flush_out)

    def periods(self, k: list[Any], c: Any) -> Any:
        """Instructions: put each period into its order, compute its ways, add c late or inside."""
        u = self.unit
        period = len(u.order) if isinstance(u.order, tuple) else u.period or max(len(k), 1)
        for first in range(0, len(k), period):
            part = k[first : first + period]
            if u.order != "natural":
                least = u.stride if u.order == "strided" else 4 if u.order == "pairs" else period
                whole = period if u.period or isinstance(u.order, tuple) else least * math.ceil(len(part) / least)
                part = part + [(Fraction(0), Fraction(0), Fraction(1), Fraction(1))] * (whole - len(part))
            if u.order == "strided":
                part = [part[i] for r in range(u.stride) for i in range(len(part)) if i % u.stride == r]
            elif u.order == "pairs":
                part = [part[i] for r in (0, 1) for i in range(len(part)) if i % 4 // 2 == r]
            elif isinstance(u.order, tuple):
                part = [part[i] for i in u.order]
            if u.ways == 1 and not u.late:
                c = self.chain(part, c)
                continue
            length = max(1, math.ceil(len(part) / u.ways))
            ways = [self.chain(part[i : i + length], Fraction(0)) for i in range(0, len(part), length)]
            joined = ways[0]
            for way in ways[1:]:
                joined = self.fp32_sum(joined, way, u.out)
            c = self.fp32_sum(c, joined, u.out)
        return c

    def chain(self, k: list[Any], c: Any) -> Any:
        """Blocks of L."""
        for first in range(0, len(k), self.unit.fused):
            c = self.block(k[first : first + self.unit.fused], c)
        return c

    def block(self, k: list[Any], c: Any) -> Any:
        """One block with its special values."""
        u = self.unit
        if u.family == "pairwise":
            return self.pairwise(k, c)
        products = [math.nan if isinstance(sa, float) or isinstance(sb, float) else times(u, a, b) for a, b, sa, sb in k]
        odd = infinite([*products, c])
        if odd is not None:
            return odd
        exact = {"t_fdpa": self.t_sum, "st_fdpa": self.t_sum, "gst_fdpa": self.gst_sum, "tr_fdpa": self.tr_sum, "gtr_fdpa": self.gtr_sum}
        value = exact[u.family](k, c) if u.family in exact else sum(products, c)
        result = rounded(value, u.out, u.round, u.overflow)
        return flushed(u, result, self.out_least, on=u.flush_out)

    def terms(self, k: list[Any]) -> list[tuple[Fraction, int]]:
        """(value, exponent) of products that are not zero."""
        found = []
        for a, b, sa, sb in k:
            if a == 0 or b == 0:
                continue
            scale = leading(sa) + leading(sb)
            value = a * b * Fraction(2) ** scale
            plain = raw_exponent(a, self.la) + raw_exponent(b, self.lb) + scale
            found.append((value, leading(value) if self.unit.normalised else plain))
        return found

    def t_sum(self, k: list[Any], c: Fraction) -> Fraction:
        """T-FDPA and ST-FDPA."""
        u, found = self.unit, self.terms(k)
        if c != 0:
            found.append((c, raw_exponent(c, self.out_least)))
        if not found:
            return Fraction(0)
        top = max([e for _, e in found] + ([u.floor] if u.floor is not None else []))
        return sum((on_grid(v, top, u.bits, u.align, u.dead) for v, _ in found), Fraction(0))

    def gst_sum(self, k: list[Any], c: Fraction) -> Fraction:
        """GST-FDPA."""
        u = self.unit
        found = []
        for first in range(0, len(k), u.group):
            group = k[first : first + u.group]
            value = sum((a * b for a, b, _, _ in group), Fraction(0))
            sa, sb = group[0][2], group[0][3]
            if value == 0 or sa == 0 or sb == 0:
                continue
            least = -6 if u.scale == "e4m3" else -127
            found.append((value * sa * sb, raw_exponent(sa, least) + raw_exponent(sb, least)))
        if c != 0:
            found.append((c, raw_exponent(c, self.out_least)))
        if not found:
            return Fraction(0)
        top = max(e for _, e in found)
        return sum((on_grid(v, top, u.bits, u.align, u.dead) for v, _ in found), Fraction(0))

    def own_sum(self, k: list[Any]) -> tuple[Fraction, int | None]:
        """Products on their own grid."""
        u, found = self.unit, self.terms(k)
        if not found:
            return Fraction(0), None
        top = max(e for _, e in found)
        return sum((on_grid(v, top, u.bits, u.align, u.dead) for v, _ in found), Fraction(0)), top

    def tr_sum(self, k: list[Any], c: Fraction) -> Fraction:
        """TR-FDPA."""
        return self.join(*self.own_sum(k), c)

    def gtr_sum(self, k: list[Any], c: Fraction) -> Fraction:
        """GTR-FDPA."""
        u = self.unit
        halves = [self.own_sum(k[0::2]), self.own_sum(k[1::2])]
        tops = [top for _, top in halves if top is not None]
        if not tops:
            return self.join(Fraction(0), None, c)
        return self.join(sum((on_grid(s, max(tops), u.bits, u.join) for s, _ in halves), Fraction(0)), max(tops), c)

    def join(self, s: Fraction, top: int | None, c: Fraction) -> Fraction:
        """The sum of products meets c."""
        u = self.unit
        own = None if c == 0 else raw_exponent(c, self.out_least)
        if own is not None and top is not None and u.c_drop is not None and own < top - u.c_drop:
            c, own = Fraction(0), None
        tops = [e for e in (top, own) if e is not None]
        if not tops:
            return Fraction(0)
        return on_grid(s, max(tops), u.join_bits, u.join) + on_grid(c, max(tops), u.c_bits, u.join)

    def pairwise(self, k: list[Any], c: Any) -> Any:
        """Each product and each sum rounded."""
        u = self.unit

        def close(x: Any) -> Any:
            return flushed(u, x if isinstance(x, float) else rounded(x, u.out, u.round, u.overflow), self.out_least, on=u.flush_out)

        def add(x: Any, y: Any) -> Any:
            odd = infinite([x, y])
            return odd if odd is not None else close(x + y)

        level = [close(times(u, a, b)) for a, b, _, _ in k] + [Fraction(0)] * (-len(k) % u.fused)
        while len(level) > 1:
            level = [add(level[i], level[i + 1]) for i in range(0, len(level), 2)]
        return add(c, level[0])


def times_plain(x: Any, y: Any) -> Any:
    """A product with Inf or NaN in it."""
    if x == 0 or y == 0 or any(isinstance(v, float) and math.isnan(v) for v in (x, y)):
        return math.nan
    return math.inf if (x > 0) == (y > 0) else -math.inf


def dots(unit: Any, a: Any, b: Any, c: Any, sa: Any = None, sb: Any = None, promotion: Any = None) -> Any:
    """float32 results of rows; zeros are +0."""
    results = []
    for i in range(len(a)):
        row = Row(unit, a[i], b[i], None if sa is None else sa[i], None if sb is None else sb[i])
        results.append(float(row.result(c[i], None if promotion is None else promotion[i])))
    words = np.array(results, dtype=np.float64).astype(np.float32).view(np.uint32)
    words[np.isnan(np.array(results))] = unit.nan
    return words
