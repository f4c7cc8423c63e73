"""What quantisation costs a product, apart from what the unit adds: measured on a corner, beside what the operands' errors predict."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch

from assay.harness.work import Answer
from assay.suites.numerics.drift import calc_diff, predicted_diff
from assay.suites.numerics.quantise import Quantised

ROWS, COLUMNS = 64, 256  # of the corner
CLIPPED, NOTHING = 1e-3, 1e-12
TIMES = 1.5  # calc_diff may be so many times its prediction: measured 0.77 to 1.29 (docs/measured/growth.md)


@dataclass(frozen=True)
class Cost:
    """Of one product.

    Attributes:
        diff: calc_diff of the product of the dequantised operands against that of the originals.
        predicted: what the operands' own errors predict (``drift.predicted_diff``).
        sqnr: in dB; inf where nothing was lost.
        clipped: share of numbers beyond the largest value of the format.
        shape: rows x columns compared.

    """

    diff: float
    predicted: float
    sqnr: float
    clipped: float
    shape: tuple[int, int]

    @property
    def gated(self) -> bool:
        """Whether the prediction holds: clipping is no error of random sign, and where nothing is lost there is nothing to hold."""
        return self.clipped < CLIPPED and self.predicted > NOTHING

    def __str__(self) -> str:
        """Say it in one line."""
        size = f"{self.shape[0]} x {self.shape[1]}"
        said = f"calc_diff {self.diff:.3g}, predicted {self.predicted:.3g}, SQNR {self.sqnr:.1f} dB on {size} outputs"
        return said + ("" if self.clipped < CLIPPED else f"; {self.clipped:.2g} of the numbers are clipped: the prediction is not a gate")


def cost_of(left: torch.Tensor, right: torch.Tensor, a: Quantised, w: Quantised) -> Cost:
    """Compare a corner of both products in float64.

    Args:
        left: first rows of the original activations, rows x K.
        right: first rows of the original weights.
        a: the quantised activations.
        w: the quantised weights.

    """
    original = [part.double().cpu() for part in (left, right)]
    held = [operand.dequantised(slice(0, len(part)), torch.float64).cpu() for operand, part in ((a, left), (w, right))]
    exact, product = original[0] @ original[1].T, held[0] @ held[1].T
    error, size = float((product - exact).norm()), float(exact.norm())
    sqnr = -20 * math.log10(error / size) if error and size else math.inf
    numbers = [original[0].numpy(), original[1].numpy().T, held[0].numpy(), held[1].numpy().T]
    clipped = max(beyond(operand, part) for operand, part in ((a, original[0]), (w, original[1])))
    return Cost(calc_diff(product.numpy(), exact.numpy()), predicted_diff(*numbers), sqnr, clipped, (len(exact), exact.shape[1]))


def beyond(operand: Quantised, original: torch.Tensor) -> float:
    """Give the share of numbers that lie more than half a step beyond the largest of their format."""
    form, rows = operand.recipe.format, slice(0, len(original))
    held = operand.dequantised(rows, torch.float64).cpu().abs()
    room = 1 + 2.0 ** (form.emax - form.fraction - 1) / form.largest
    at_end = operand.values[rows].float().cpu().abs() == form.largest
    return float((at_end & (original.abs() > held * room)).float().mean())


def with_cost(answer: Answer, cost: Cost) -> Answer:
    """Add the gate of the recipe to an answer: calc_diff at most TIMES its prediction, where that holds."""
    if not cost.gated:
        return answer
    ratio = cost.diff / cost.predicted
    scores, limits = {**answer.scores, "quantisation": ratio}, {**answer.limits, "quantisation": TIMES}
    if ratio <= TIMES:
        return replace(answer, scores=scores, limits=limits)
    reason = f"quantisation costs {ratio:.3g} times what the operands' own errors predict (at most {TIMES}): {cost}"
    said = "; ".join(part for part in (answer.reason, reason) if part)
    return replace(answer, ok=False, reason=said, scores=scores, limits=limits)
