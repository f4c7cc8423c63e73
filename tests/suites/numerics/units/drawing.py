"""Operands and units drawn at random for the comparison with the reference: wide and narrow exponents, subnormals, zeros, Inf and NaN."""

from __future__ import annotations

from typing import Any

import numpy as np

from assay.suites.numerics.formats.format import FORMATS
from assay.suites.numerics.units.options import make
from assay.suites.numerics.units.unit import Unit

FAMILIES: dict[str, dict[str, Any]] = {
    "t_fdpa": {},
    "st_fdpa": {"scale": "e8m0"},
    "gst_fdpa": {"scale": "e4m3", "scale_block": 16, "group": 4},
    "tr_fdpa": {},
    "gtr_fdpa": {"c_drop": 25},
    "fma": {"fused": 1},
    "e_fdpa": {},
    "pairwise": {},
}
RARELY = (False, False, True)
ALL = ("e4m3", "e5m2", "e4m3fnuz", "e5m2fnuz", "e3m2", "e2m3", "e2m1", "fp16", "bf16", "tf32", "fp32")
GROUPED = ("e2m1", "e2m3", "e3m2", "e4m3")


def unit(family: str, draw: np.random.Generator) -> Unit:
    """Draw a unit of a family: any rounding, order, promotion, flushing, floor, limit and output."""

    def one(*of: Any) -> Any:
        return of[draw.integers(len(of))]

    options: dict[str, Any] = {
        "family": family, "fused": one(1, 2, 4, 8, 16), "bits": int(draw.integers(3, 30)), "a": one(*ALL), "b": one(*ALL),
        "align": one("rz", "rne", "rd", "ru", "rna", "rnz", "ra"), "normalised": one(*RARELY),
        "out": one("fp32", "e8m13", "fp16", "bf16", "e6m9"), "round": one("rz", "rne", "rd", "ru", "rna"),
        "overflow": one("inf", "max", "nan"), "flush_in": one(*RARELY), "flush_out": one(*RARELY),
        "floor": one(None, None, -140, 0), "dead": one(0, 0, 0, 5), "join": one("rd", "rz"), "split": one(1, 1, 2),
        "period": one(None, 32), "late": one(*RARELY), "promote": one(None, None, 32),
    }  # fmt: skip
    options |= FAMILIES[family]
    if family in {"t_fdpa", "tr_fdpa", "gtr_fdpa", "fma", "e_fdpa"}:
        options["limit"] = one(None, None, 3, 128)
    if family == "gst_fdpa":
        options |= {"a": one(*GROUPED), "b": one(*GROUPED), "fused": one(4, 8, 16), "bits": one(13, 20, 24)}
    else:
        options |= {"order": one("natural", "strided", "pairs"), "ways": one(1, 1, 2)}
    if options["late"] or options["promote"] or options.get("ways") == 2 or options.get("order") != "natural":
        options["period"] = 32
    return make(**options)


def values(name: str, shape: tuple[int, ...], kind: str, draw: np.random.Generator) -> Any:
    """Draw values of a format: ``near`` 1, over its ``wide`` range, or ``special`` with Inf and NaN where it has them."""
    form = FORMATS[name]
    top = int(np.floor(np.log2(form.largest)))
    low, high = (max(form.emin, -3), min(3, top + 1)) if kind == "near" else (form.emin - form.fraction, top + 1)
    steps = draw.integers(0, 2 ** (form.fraction + 1), size=shape)
    steps = np.where(draw.random(shape) < 0.3, 2**form.fraction, steps)
    found = np.ldexp(steps.astype(float), np.maximum(draw.integers(low, high, size=shape), form.emin) - form.fraction)
    found = np.minimum(found, form.largest) * draw.choice([-1.0, 0.0, 1.0], p=[0.45, 0.1, 0.45], size=shape)
    if kind == "special":
        found = np.where((draw.random(shape) < 0.02) & (form.specials == "ieee"), np.inf * draw.choice([-1.0, 1.0], size=shape), found)
        found = np.where((draw.random(shape) < 0.01) & form.has_nan, np.nan, found)
    return found


def scales(unit: Unit, shape: tuple[int, ...], kind: str, draw: np.random.Generator) -> Any:
    """Draw block scales for operands [R, K]."""
    if unit.scale is None:
        return None
    shape = (shape[0], -(-shape[1] // unit.scale_block))
    if unit.scale == "e4m3":
        return values("e4m3", shape, kind, draw)
    found = np.exp2(
        draw.integers(-127, 128, size=shape).astype(float) if kind != "near" else draw.integers(-3, 4, size=shape).astype(float)
    )
    return np.where(draw.random(shape) < 0.02, np.nan, found) if kind == "special" else found


def sums(unit: Unit, rows: int, kind: str, draw: np.random.Generator) -> Any:
    """Draw C."""
    if draw.random() < 0.3:
        return np.zeros(rows)
    name = {"fp32": "fp32", "e8m13": "fp32", "bf16": "fp32", "fp16": "fp16"}.get(unit.out, "e5m2")
    return values(name, (rows,), kind, draw)
