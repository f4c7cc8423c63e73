"""Published inputs and results of real matrix units, and how many of them an emulated unit gets wrong.

The file is an .npz of uint32 words that hold float32 numbers, keys GPU_format.a and .b [rows, K], .c [rows], .d_fp32 and .d_fp16 [rows]:
D = A.B + C, one dot product a row. An FP16 result is held as float32; for it C was rounded to FP16 first.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.harness.errors import RefusalError
from assay.suites.numerics.formats.format import FORMATS
from assay.suites.numerics.units.held import Float32
from assay.suites.numerics.units.options import changed
from assay.suites.numerics.units.presets import PRESETS, preset
from assay.suites.numerics.units.unit import NVIDIA_NAN_FP16, Unit

FIX = "See docs/fp8.md for the layout."
# Hopper's FP8 results in FP32 were taken through wgmma with C = 0; what stands under .c there was not used.
WITHOUT_C = ("H100_e4m3.fp32", "H100_e5m2.fp32", "H200_e4m3.fp32", "H200_e5m2.fp32")
FP8 = ("e4m3", "e5m2")


@dataclass(frozen=True)
class Vectors:
    """One set: ``name`` is GPU_format.output, ``form`` the operands' format, ``d`` the words of the results."""

    name: str
    form: str
    out: str
    a: Float32
    b: Float32
    c: Float32
    d: NDArray[np.uint32]


def read(path: Path) -> list[Vectors]:
    """Read every set of a file; never unpickles. RefusalError names the key that is missing or is not as it must be."""
    try:
        with zipfile.ZipFile(path):  # np.load takes single arrays too
            pass
        with np.load(path, allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        message = f"not a file of vectors: {str(error).splitlines()[0]}"
        raise RefusalError(message, where=str(path), fix=FIX) from error
    sets = [
        one_set(arrays, name, out, where=str(path))
        for name in sorted({key.split(".")[0] for key in arrays})
        for out in ("fp32", "fp16")
        if f"{name}.d_{out}" in arrays
    ]
    if not sets:
        message = "no set of vectors in it: keys are GPU_format.a, .b, .c, .d_fp32 or .d_fp16"
        raise RefusalError(message, value=sorted(arrays)[:5], where=str(path), fix=FIX)
    return sets


def one_set(arrays: dict[str, Any], name: str, out: str, *, where: str) -> Vectors:
    """Check the arrays of one set and take their words as numbers."""
    form = name.rpartition("_")[2]
    if form not in FORMATS:
        message = f"{name}: unknown format"
        raise RefusalError(message, value=form, where=where, fix=f"Formats: {', '.join(FORMATS)}.")
    a, b, c, d = (part(arrays, f"{name}.{key}", rank, where=where) for key, rank in (("a", 2), ("b", 2), ("c", 1), (f"d_{out}", 1)))
    if not a.shape == b.shape == (len(c), a.shape[1]) == (len(d), a.shape[1]):
        message = f"{name}: .a and .b must be [rows, K], .c and .d_{out} [rows]"
        raise RefusalError(message, value=[x.shape for x in (a, b, c, d)], where=where, fix=FIX)
    start = c.view(np.float32)
    if out == "fp16":
        with np.errstate(over="ignore"):
            start = start.astype(np.float16).astype(np.float32)
    if f"{name}.{out}" in WITHOUT_C:
        start = np.zeros_like(start)
    return Vectors(f"{name}.{out}", form, out, a.view(np.float32), b.view(np.float32), start, d)


def part(arrays: dict[str, Any], key: str, rank: int, *, where: str) -> NDArray[np.uint32]:
    """Take one array of words."""
    if key not in arrays:
        message = f"{key} is missing"
        raise RefusalError(message, where=where, fix=FIX)
    found = arrays[key]
    if found.dtype != np.uint32 or found.ndim != rank:
        message = f"{key} must be uint32 with {rank} axes"
        raise RefusalError(message, value=f"{found.dtype} {found.shape}", where=where, fix=FIX)
    return np.ascontiguousarray(found)


def mismatches(unit: Unit, vectors: Vectors) -> int:
    """Count the rows whose word the unit gets wrong; ``unit`` as it is for FP32 results, with FP16 output rounded to nearest for FP16."""
    own = changed(unit, a=vectors.form, b=vectors.form)
    if vectors.out == "fp16":
        own = changed(own, out="fp16", round="rne", nan=NVIDIA_NAN_FP16)
    return int(np.count_nonzero(own.dot(vectors.a, vectors.b, vectors.c).view(np.uint32) != vectors.d))


def against_presets(vectors: Vectors) -> dict[str, int]:
    """Count the mismatches of every published unit that takes the set's format without block scales."""
    found = {}
    for name in PRESETS:
        unit = preset(name)
        if unit.scale is None and (unit.a == vectors.form or {unit.a, vectors.form} <= set(FP8)):
            found[name] = mismatches(unit, vectors)
    return found


def published_as(name: str) -> list[str]:
    """Name the presets that have to reproduce a set."""
    return [key for key, known in PRESETS.items() if name in known.vectors]
