"""Units by name: torch's own on the case's device, or an emulated one, published or made of options, sound or with a planted fault."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from assay.harness.errors import NotApplicableError, RefusalError
from assay.suites.numerics.formats.format import FORMATS, Format, format_of_role
from assay.suites.numerics.probes.box import Gemm
from assay.suites.numerics.probes.libraries import LIBRARIES, library_unit
from assay.suites.numerics.probes.real import Bind, real_unit
from assay.suites.numerics.units.breaking import Fault
from assay.suites.numerics.units.faults import FaultyUnit, planted
from assay.suites.numerics.units.options import changed, make
from assay.suites.numerics.units.presets import PRESETS, preset
from assay.suites.numerics.units.unit import Unit

REAL = ("torch", "torch_cpu", "torch_cuda", *LIBRARIES)
EMULATED = "emulated"
PLAIN = {"deep_gemm": "fp8", "transformer_engine": "fp8"}  # what a library multiplies where nothing is said; torch: bf16


@dataclass(frozen=True)
class Opened:
    """A unit ready to be asked.

    Attributes:
        gemm: the black box: float32 arrays in, float32 array out.
        a: format of A.
        b: format of B.
        what: what exactly is called.
        out: format of the numbers that come back, as probes must know it.
        unit: the emulated unit without any fault; None of a real one.
        bind: operands in, their product out each time that what it gives is called.
        result: format that results are asked for in.

    """

    gemm: Gemm
    a: Format
    b: Format
    what: str
    out: Format
    unit: Unit | None
    bind: Bind
    result: Format

    @property
    def emulated(self) -> bool:
        """Whether it is a model of a unit."""
        return self.unit is not None


def open_unit(name: str, *, a: str, b: str, device: str, architecture: str, fast: bool) -> Opened:
    """Open a unit.

    Args:
        name: ``torch`` (or ``torch_cpu``, ``torch_cuda``), ``deep_gemm``, ``transformer_engine``, ``emulated:PRESET``,
            ``emulated:OPTION=VALUE,...`` or both, the preset first; of emulated ones also ``fault=NAME`` (units/faults.py) with
            ``fault.row=3`` and other options of it.
        a: format or role of A; empty for the unit's own (torch: bf16).
        b: of B; empty for the same as A.
        device: kind of the case's device, ``cpu`` or ``cuda``.
        architecture: of that device, which decides what a role means.
        fast: FP8 on CUDA without promotion.

    RefusalError names what a unit may be; NotApplicableError where this device has none such.

    """
    if name.partition(":")[0] == EMULATED:
        return opened(emulated(name.partition(":")[2], a=a, b=b, architecture=architecture), name.partition(":")[2] or "unit")
    refuse_unknown(name)
    if name not in {"torch", f"torch_{device}", *LIBRARIES}:
        message = f"unit={name} is on another device than this case's, which is {device}: set device={name.removeprefix('torch_')}"
        raise NotApplicableError(message)
    usual = PLAIN.get(name, "bf16")
    left = format_of_role(a or usual, architecture, where="a").name
    right = format_of_role(b or a or usual, architecture, where="b").name
    real = library_unit(name, device, left, right, fast=fast) if name in LIBRARIES else real_unit(device, left, right, fast=fast)
    out = FORMATS[real.out]
    return Opened(real.gemm, real.a, real.b, real.api, out, None, real.bind, out)


def refuse_unknown(name: str) -> None:
    """Refuse what is neither a real unit's name nor an emulated one's."""
    if name not in REAL and name.partition(":")[0] != EMULATED:
        message = "is no unit"
        fix = f"Write {', '.join(REAL)}, {EMULATED}:NAME or {EMULATED}:OPTION=VALUE,...; names are {', '.join(PRESETS)}."
        raise RefusalError(message, value=name, where="unit", fix=fix)


def opened(unit: Unit | FaultyUnit, words: str) -> Opened:
    """Make a black box of an emulated unit; block scales, where it needs them, are all 1."""
    own = unit.unit if isinstance(unit, FaultyUnit) else unit

    def gemm(left: Any, right: Any) -> Any:
        if own.scale is None:
            return unit.gemm(left, right)
        blocks = -(-left.shape[1] // own.scale_block)
        ones = [np.ones(shape, dtype=np.float32) for shape in ((len(left), blocks), (blocks, right.shape[1]))]
        return unit.gemm(left, right, a_scales=ones[0], b_scales=ones[1])

    def bind(left: Any, right: Any) -> Any:
        return lambda: gemm(left, right)

    # Results are asked for in a format of a library's; what a unit keeps beyond or below that (e8m13) is its own.
    result = FORMATS.get(own.out, FORMATS["fp32"])
    return Opened(gemm, FORMATS[own.a], FORMATS[own.b], f"emulated {words}", FORMATS["fp32"], own, bind, result)


def architecture(facts: Mapping[str, Any]) -> str:
    """Give the chip's architecture where its formats follow from it (``gfx942``), else nothing: only AMD's says which FP8 it has."""
    return str(facts.get("formats_by", "")).partition("architecture ")[2]


def emulated(words: str, *, a: str, b: str, architecture: str) -> Unit | FaultyUnit:
    """Make an emulated unit of a preset's name, of options, or of a preset with options, and plant the fault that they name."""
    parts = [part for part in words.split(",") if part]
    base = parts.pop(0) if parts and "=" not in parts[0] else None
    options: dict[str, str] = {}
    for part in parts:
        option, found, value = part.partition("=")
        if not found:
            message = "is no OPTION=VALUE"
            raise RefusalError(message, value=part, where="unit", fix=f"Write {EMULATED}:h100_fp8,bits=12, for example.")
        options[option] = value
    fault, broken = options.pop("fault", None), fault_options(options)
    formats = {key: format_of_role(value, architecture, where=key).name for key, value in (("a", a), ("b", b)) if value}
    unit = make(**{**options, **formats}) if base is None else preset(base, **formats)
    if base is not None and options:
        unit = changed(unit, **options)
    if fault is None and broken:
        message = "is an option of a fault, but no fault is named"
        raise RefusalError(message, value=f"fault.{next(iter(broken))}", where="unit", fix="Write fault=output_bit_flipped,fault.bit=22.")
    return unit if fault is None else planted(unit, fault, **broken)


def fault_options(options: dict[str, str]) -> dict[str, Any]:
    """Take the options of a fault (``fault.row``) out of those of a unit; whole numbers, lists of them with ``+`` between, or words."""
    found: dict[str, Any] = {}
    for name in [name for name in options if name.startswith("fault.")]:
        text, key = options.pop(name), name.removeprefix("fault.")
        numbers = text.split("+")
        if key in {"kind", "where"}:
            found[key] = text
        elif all(number.isdigit() for number in numbers):
            found[key] = tuple(map(int, numbers)) if key in {"bits", "tile"} else int(numbers[0])
        else:
            message = "is no whole number"
            fix = f"Options: {', '.join(f'fault.{one}' for one in Fault.__dataclass_fields__)}; lists as 3+11."
            raise RefusalError(message, value=text, where=f"unit.{name}", fix=fix)
    return found
