"""Single outputs held against a model's, bit for bit, or against the exact sum within the componentwise bound."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.harness.work import Answer
from assay.suites.numerics.gates.difference import bits_in_words, words

Floats = NDArray[np.float32]
Places = NDArray[np.int64]


def against_model(got: Floats, wanted: Floats, places: Places, *, device: str) -> Answer:
    """Compare outputs [R] with a model's, bit for bit; ``places`` [2, R] are their rows and columns. NaN equals NaN of any word."""
    differ = (words(got) != words(wanted)) & ~(np.isnan(got) & np.isnan(wanted))
    scores = {"wrong_words": float(np.count_nonzero(differ))}
    if not differ.any():
        return Answer(ok=True, tested=got.size, scores=scores)
    first = int(np.flatnonzero(differ)[0])
    xor = int(words(got)[first] ^ words(wanted)[first])
    ours, theirs = int(words(got)[first]), int(words(wanted)[first])
    said = f"0x{ours:08x}, the model of its own card gives 0x{theirs:08x}, differs in {bits_in_words(xor)}"
    return told(got, differ, places, first, f"{said}; {np.count_nonzero(differ)} of {got.size} outputs", device, scores, {})


def against_bound(got: Floats, rows: Floats, columns: Floats, places: Places, *, share: float, device: str) -> Answer:
    """Hold outputs [R] against the float64 sums of rows [R, K] times columns [R, K] within ``share`` of the sums of |a b|."""
    terms = rows.astype(np.float64) * columns
    exact, size = terms.sum(axis=1), np.abs(terms).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        error = np.abs(got - exact)
        ratio = np.where(error == 0, 0.0, error / (share * size))
    ratio = np.where(np.isnan(ratio), np.inf, ratio)
    scores = {"element": float(min(ratio.max(), np.finfo(np.float64).max))}
    if not (ratio > 1).any():
        return Answer(ok=True, tested=got.size, scores=scores, limits={"element": 1.0})
    first = int(ratio.argmax())
    said = f"{got[first]:.6g}, exactly {exact[first]:.6g}: {ratio[first]:.3g} times what rounding explains"
    wrong = ratio > 1
    text = f"{said}; {np.count_nonzero(wrong)} of {got.size} outputs"
    return told(got, wrong, places, first, text, device, scores, {"element": 1.0})


def told(got: Floats, wrong: Any, places: Places, first: int, said: str, device: str, scores: Any, limits: Any) -> Answer:
    """Make the answer of what is wrong: where, what."""
    where = f"row {int(places[0][first])}, column {int(places[1][first])}"
    return Answer(ok=not wrong.any(), tested=got.size, reason=f"{device}: {where}: {said}", where=where, scores=scores, limits=limits)
