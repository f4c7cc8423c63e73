"""Files of vectors in the published layout, written small."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from assay.suites.numerics.units.presets import preset


def made(path: Path, **change: Any) -> Path:
    """Write a small file of vectors: rows by H100's FP8 unit, some arrays replaced or (None) left out."""
    a, b = (np.full((2, 32), value, dtype=np.float32) for value in (1.5, 2.0))
    d = preset("ada_fp8").dot(a, b)
    arrays = {"a": a, "b": b, "c": np.zeros(2, np.float32), "d_fp32": d}
    words = {f"Ada_e4m3.{key}": x.view(np.uint32) for key, x in arrays.items()}
    words |= {f"Ada_e4m3.{key}": x for key, x in change.items()}
    np.savez(path, **{key: x for key, x in words.items() if x is not None})
    return path
