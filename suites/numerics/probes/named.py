"""Units by name: torch's own on the case's device, a published one emulated, or any that options describe."""

from __future__ import annotations

from dataclasses import dataclass

from assay.harness.errors import NotApplicableError, RefusalError
from assay.suites.numerics.formats.format import FORMATS, Format, format_of_role
from assay.suites.numerics.probes.box import Gemm
from assay.suites.numerics.probes.libraries import LIBRARIES, library_unit
from assay.suites.numerics.probes.real import real_unit
from assay.suites.numerics.units.options import changed, make
from assay.suites.numerics.units.presets import PRESETS, preset
from assay.suites.numerics.units.unit import Unit

REAL = ("torch", "torch_cpu", "torch_cuda", *LIBRARIES)
EMULATED = "emulated"
PLAIN = {"deep_gemm": "fp8", "transformer_engine": "fp8"}  # what a library multiplies where nothing is said; torch: bf16


@dataclass(frozen=True)
class Opened:
    """A unit ready to be probed: its black box, the formats, what exactly it is, the format of results, and whether it is emulated."""

    gemm: Gemm
    a: Format
    b: Format
    what: str
    out: Format
    emulated: bool


def open_unit(name: str, *, a: str, b: str, device: str, architecture: str, fast: bool) -> Opened:
    """Open a unit.

    Args:
        name: ``torch`` (or ``torch_cpu``, ``torch_cuda``), ``deep_gemm``, ``transformer_engine``, ``emulated:PRESET``,
            ``emulated:OPTION=VALUE,...`` or both, the preset first.
        a: format or role of A; empty for the unit's own (torch: bf16).
        b: of B; empty for the same as A.
        device: kind of the case's device, ``cpu`` or ``cuda``.
        architecture: of that device, which decides what a role means.
        fast: FP8 on CUDA without promotion.

    RefusalError names what a unit may be; NotApplicableError where this device has none such.

    """
    if name.partition(":")[0] == EMULATED:
        unit = emulated(name.partition(":")[2], a=a, b=b, architecture=architecture)
        return Opened(
            unit.gemm, FORMATS[unit.a], FORMATS[unit.b], f"emulated {name.partition(':')[2] or 'unit'}", FORMATS["fp32"], emulated=True
        )
    refuse_unknown(name)
    if name not in {"torch", f"torch_{device}", *LIBRARIES}:
        message = f"unit={name} is on another device than this case's, which is {device}: set device={name.removeprefix('torch_')}"
        raise NotApplicableError(message)
    usual = PLAIN.get(name, "bf16")
    left = format_of_role(a or usual, architecture, where="a").name
    right = format_of_role(b or a or usual, architecture, where="b").name
    real = library_unit(name, device, left, right, fast=fast) if name in LIBRARIES else real_unit(device, left, right, fast=fast)
    return Opened(real.gemm, real.a, real.b, real.api, FORMATS[real.out], emulated=False)


def refuse_unknown(name: str) -> None:
    """Refuse what is neither a real unit's name nor an emulated one's."""
    if name not in REAL and name.partition(":")[0] != EMULATED:
        message = "is no unit"
        fix = f"Write {', '.join(REAL)}, {EMULATED}:NAME or {EMULATED}:OPTION=VALUE,...; names are {', '.join(PRESETS)}."
        raise RefusalError(message, value=name, where="unit", fix=fix)


def emulated(words: str, *, a: str, b: str, architecture: str) -> Unit:
    """Make an emulated unit of a preset's name, of options, or of a preset with options."""
    parts = [part for part in words.split(",") if part]
    base = parts.pop(0) if parts and "=" not in parts[0] else None
    options: dict[str, str] = {}
    for part in parts:
        option, found, value = part.partition("=")
        if not found:
            message = "is no OPTION=VALUE"
            raise RefusalError(message, value=part, where="unit", fix=f"Write {EMULATED}:h100_fp8,bits=12, for example.")
        options[option] = value
    formats = {key: format_of_role(value, architecture, where=key).name for key, value in (("a", a), ("b", b)) if value}
    if base is None:
        return make(**{**options, **formats})
    unit = preset(base, **formats)
    return changed(unit, **options) if options else unit
