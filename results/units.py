"""Numbers as people read them: us and ms, GB/s of 1e9 bytes, KiB of 1024, and text that cannot drive a terminal."""

from __future__ import annotations

import math
import unicodedata

SECONDS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"), (0.0, "ns"))
PREFIXES = ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (0.0, ""))
BINARY = ((2**40, "TiB"), (2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"), (0, "B"))
DIGITS = 3


def plain(text: str) -> str:
    r"""Show control, format (bidirectional marks too) and separator characters as ``\x1b``, so no stored text can drive a terminal."""
    if text.isprintable():
        return text
    return "".join(c if unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Zl", "Zp"} else ascii(c)[1:-1] for c in text)


def digits(value: float) -> str:
    """Write three significant digits without an exponent."""
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else str(value)
    places = max(0, DIGITS - 1 - math.floor(math.log10(abs(value))))
    return f"{value:.{places}f}"


def time_unit(seconds: float) -> tuple[float, str]:
    """Choose (seconds a unit, its name) for a duration: ns, us, ms or s."""
    scale, name = next(row for row in SECONDS if abs(seconds) >= row[0])
    return scale or 1e-9, name


def duration(seconds: float) -> str:
    """Write seconds in the unit that suits them."""
    scale, name = time_unit(seconds)
    return f"{digits(seconds / scale)} {name}"


def quantity(value: float, unit: str) -> str:
    """Write a value of a record with its unit: decimal prefixes for rates, binary ones for sizes, ns to s for times."""
    if unit == "s":
        return duration(value)
    if unit == "B":
        return size(value)
    if unit == "1":
        return f"{value:.3g}"
    scale, prefix = next(row for row in PREFIXES if abs(value) >= row[0])
    return f"{digits(value / (scale or 1.0))} {prefix}{unit}"


def size(nbytes: float) -> str:
    """Write bytes: exact multiples of 1024 as KiB, MiB, ..., others with three digits."""
    scale, name = next(row for row in BINARY if abs(nbytes) >= row[0])
    return f"{nbytes / (scale or 1):.4g} {name}"


def percent(share: float) -> str:
    """Write a share as percent with three digits at most, such as ``4.2 %``."""
    return f"{100 * share:.3g} %" if abs(share) < 10 else f"{100 * share:.0f} %"  # noqa: PLR2004 - from 1000 % on no exponent


def signed(share: float) -> str:
    """Write a change with its sign, such as ``+4.2 %``; what is under a millionth is none."""
    percents = round(100 * share, 4) + 0.0  # a negative zero becomes a positive one
    return f"{percents:+.3g} %" if abs(share) < 10 else f"{100 * share:+.0f} %"  # noqa: PLR2004 - from 1000 % on no exponent
