"""From options, as configuration gives them, to a unit: every value checked, every refusal with what is accepted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from assay.harness.errors import RefusalError
from assay.suites.numerics.formats.format import FORMATS, Format, ieee
from assay.suites.numerics.units.consistency import refuse_contradictions
from assay.suites.numerics.units.rounding import ROUNDINGS
from assay.suites.numerics.units.unit import NVIDIA_NAN, Unit

FAMILIES = ("t_fdpa", "fma", "e_fdpa", "pairwise", "tr_fdpa", "gtr_fdpa", "st_fdpa", "gst_fdpa")
OPERANDS = tuple(name for name in FORMATS if name != "e5m6")  # no matrix unit takes that one
CHOICES: Mapping[str, tuple[str, ...]] = {
    "family": FAMILIES,
    "a": OPERANDS,
    "b": OPERANDS,
    "align": tuple(ROUNDINGS),
    "round": tuple(ROUNDINGS),
    "join": tuple(ROUNDINGS),
    "overflow": ("inf", "max", "nan"),
    "scale": ("none", "e8m0", "e4m3"),
}
RANGES: Mapping[str, tuple[int, int]] = {
    "fused": (1, 1024),
    "bits": (1, 45),
    "promote": (1, 1 << 30),
    "stride": (2, 1024),
    "period": (1, 1 << 20),
    "ways": (1, 1024),
    "split": (1, 1024),
    "floor": (-400, 400),
    "limit": (1, 400),
    "nan": (0, 0xFFFFFFFF),
    "join_bits": (1, 45),
    "c_bits": (1, 45),
    "c_drop": (0, 400),
    "scale_block": (1, 1024),
    "group": (1, 1024),
    "dead": (0, (1 << 48) - 1),
}
OPTIONAL = ("promote", "period", "floor", "limit", "c_drop", "scale")
SWITCHES = ("normalised", "late", "flush_in", "flush_out")
ORDERS = ("natural", "strided", "pairs")
DEFAULTS: Mapping[str, Any] = {
    "family": "t_fdpa", "a": "e4m3", "b": None, "fused": 32, "bits": 25, "align": "rz", "normalised": False, "out": "fp32", "round": "rz",
    "promote": None, "order": "natural", "stride": 2, "period": None, "ways": 1, "split": 1, "late": False, "flush_in": False,
    "flush_out": False, "floor": None, "overflow": "inf", "limit": None, "nan": NVIDIA_NAN, "join_bits": 31, "c_bits": 24, "join": "rd",
    "c_drop": None, "scale": None, "scale_block": 32, "group": 16, "dead": 0,
}  # fmt: skip
EXPONENT_BITS, FRACTION_BITS = range(4, 9), range(1, 24)  # of an output that float32 can hold


def make(**options: Any) -> Unit:
    """Build a unit from options (names and meanings: `Unit`); words such as ``none``, ``true`` and ``21`` may be text.

    RefusalError for an unknown option, a value that is not accepted, or values that contradict each other; it says what is accepted.
    """
    for name in options:
        if name not in DEFAULTS:
            message = "there is no such option of an emulated unit"
            raise RefusalError(message, value=name, where="unit", fix=f"Options: {', '.join(DEFAULTS)}.")
    chosen = {name: accepted(name, value) for name, value in {**DEFAULTS, **options}.items() if (name, value) != ("b", None)}
    unit = Unit(**{"b": chosen["a"], **chosen})
    refuse_contradictions(unit)
    return unit


def changed(unit: Unit, **options: Any) -> Unit:
    """Give the unit with other options, checked as a whole again."""
    return make(**{**asdict(unit), **options})


def accepted(name: str, value: Any) -> Any:
    """Check one option and give it its type."""
    if name in OPTIONAL and value in {None, "none"}:
        return None
    if name in SWITCHES:
        return switch(name, value)
    if name in RANGES:
        return number(name, value)
    if name == "order":
        return order(value)
    if name == "out":
        output(str(value))
        return str(value)
    if value not in CHOICES[name]:
        refuse(name, value, f"Accepted: {', '.join(CHOICES[name])}.")
    return value


def number(name: str, value: Any) -> int:
    """Take a whole number in its range."""
    low, high = RANGES[name]
    text = "none, or " if name in OPTIONAL else ""
    whole = not isinstance(value, bool) and re.fullmatch(r"[+-]?\d+|0[xX][0-9a-fA-F]+", str(value)) is not None
    if not whole or not low <= int(str(value), 0 if str(value)[:2].lower() == "0x" else 10) <= high:
        refuse(name, value, f"Accepted: {text}a whole number from {low} to {high}.")
    return int(str(value), 0 if str(value)[:2].lower() == "0x" else 10)


def switch(name: str, value: Any) -> bool:
    """Take true or false."""
    found = {"true": True, "false": False}.get(str(value).lower())
    if found is None:
        refuse(name, value, "Accepted: true, false.")
    return bool(found)


def order(value: Any) -> str | tuple[int, ...]:
    """Take the name of an order, or the positions of one period."""
    if isinstance(value, str) and value in ORDERS:
        return value
    if isinstance(value, list | tuple) and value and sorted(value) == list(range(len(value))):
        return tuple(int(position) for position in value)
    refuse("order", value, f"Accepted: {', '.join(ORDERS)}, or a list that holds each of 0..n-1 once.")
    raise AssertionError  # refuse never returns


def output(name: str) -> Format:
    """Give the format of an output: a name (fp32, fp16, bf16, tf32, e5m2) or eXmY with IEEE 754's layout."""
    found = re.fullmatch(r"e(\d+)m(\d+)", name)
    if name in {"fp32", "fp16", "bf16", "tf32"}:
        return FORMATS[name]
    if not found or int(found[1]) not in EXPONENT_BITS or int(found[2]) not in FRACTION_BITS:
        refuse("out", name, "Accepted: fp32, fp16, bf16, tf32, or eXmY with X from 4 to 8 exponent and Y from 1 to 23 fraction bits.")
        raise AssertionError
    return ieee(name, int(found[1]), int(found[2]))


def refuse(name: str, value: Any, fix: str) -> None:
    """Raise the refusal of one option."""
    message = "not accepted"
    raise RefusalError(message, value=value, where=f"unit.{name}", fix=fix)


def option_names() -> list[str]:
    """Name every option, in the order of `Unit`."""
    return [field.name for field in fields(Unit)]
