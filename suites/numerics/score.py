"""Scores a matrix product element by element and row by row, and names the worst position.

Why both: one similarity over the whole matrix, such as DeepGEMM's calc_diff with its limit of 1e-3, cannot see a negated row in 4096; the
bound on an element sees local faults; the root mean square of a row sees small errors that all elements of it share.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from assay.harness.work import Answer

if TYPE_CHECKING:
    import torch

    from assay.suites.numerics.bounds import Tolerance
    from assay.suites.numerics.exact import Exact


@dataclass
class Worst:
    """The element or row that comes closest to its limit, or passes it farthest."""

    ratio: float = -1.0
    row: int = 0
    column: int = 0
    got: float = 0.0
    expected: float = 0.0


@dataclass
class Tally:
    """What is summed up over tiles; sums are float64."""

    tested: int = 0
    wrong: int = 0
    element: Worst = field(default_factory=Worst)
    row: Worst = field(default_factory=Worst)
    rows_wrong: int = 0
    row_error: float = 0.0
    row_limit: float = 0.0
    cross: float = 0.0
    squares: float = 0.0


def score(output: torch.Tensor, exact: Exact, tolerance: Tolerance) -> Answer:
    """Compare ``output`` (m x n, the live buffer itself) with the exact product.

    An element is wrong unless |E_ij| <= element * (|A||B|)_ij + output * (|C_ij| + element * (|A||B|)_ij), the second part being the
    conversion to the output format. A row is wrong unless the root of its summed squared errors is within the same expression, with
    ``row`` for ``element``. Whatever is not finite is wrong.

    Scores: ``element`` (largest share of its limit), ``row`` (relative Frobenius error of the worst row), ``calc_diff`` (DeepGEMM's
    1 - 2<x,y>/(|x|^2+|y|^2) over everything compared, for information).
    """
    import torch

    tally = Tally()
    strip: torch.Tensor | None = None  # per row of the present strip: squared error, squared limit, squared product
    start = -1
    for rows, columns, product, size in exact.tiles():
        if rows.start != start:
            finish_rows(tally, strip, start)
            strip, start = torch.zeros(3, len(product), dtype=torch.float64, device=product.device), rows.start
        got = output[rows, columns].to(torch.float64)
        error = (got - product).abs_()
        limit = limits(product, size, share=tolerance.element, output=tolerance.output)
        score_elements(tally, got, product, error / limit, corner=(rows.start, columns.start))
        limit = limits(product, size, share=tolerance.row, output=tolerance.output)
        strip += torch.stack([part.square().sum(dim=1) for part in (error, limit, product)])  # type: ignore[operator]
        tally.cross += float((got * product).sum())
        tally.squares += float(got.square().sum() + product.square().sum())
    finish_rows(tally, strip, start)
    return answer(tally, rows=len(output))


def limits(product: torch.Tensor, size: torch.Tensor, *, share: float, output: float) -> torch.Tensor:
    """Give the largest error that rounding explains, for each element."""
    accumulated = size.double() * share
    return accumulated + output * (product.abs() + accumulated)


def score_elements(tally: Tally, got: torch.Tensor, product: torch.Tensor, ratio: torch.Tensor, *, corner: tuple[int, int]) -> None:
    """Add one tile's elements; ``ratio`` is each error's share of its limit, ``corner`` the first row and column.

    0 / 0 is right where both numbers are equal; NaN for any other reason is wrong, and so is whatever is not finite on either side.
    """
    import torch

    ratio = torch.where(got == product, torch.zeros_like(ratio), ratio)
    ratio = torch.where(torch.isfinite(got) & torch.isfinite(product), ratio, torch.inf).nan_to_num_(nan=math.inf, posinf=math.inf)
    tally.tested += ratio.numel()
    tally.wrong += int((ratio > 1).sum())
    place = int(ratio.argmax())
    row, column = divmod(place, ratio.shape[1])
    if float(ratio[row, column]) > tally.element.ratio:
        found = (float(ratio[row, column]), corner[0] + row, corner[1] + column, float(got[row, column]), float(product[row, column]))
        tally.element = Worst(*found)


def finish_rows(tally: Tally, strip: torch.Tensor | None, first_row: int) -> None:
    """Judge the rows of a strip whose tiles have all been added."""
    import torch

    if strip is None:
        return
    error, limit, product = strip.sqrt()
    ratio = torch.where(error == 0, torch.zeros_like(error), error / limit).nan_to_num_(nan=math.inf, posinf=math.inf)
    tally.rows_wrong += int((ratio > 1).sum())
    row = int(ratio.argmax())
    if float(ratio[row]) > tally.row.ratio:
        tally.row = Worst(float(ratio[row]), first_row + row)
        size = float(product[row]) or math.nan
        tally.row_error, tally.row_limit = float(error[row]) / size, float(limit[row]) / size


def answer(tally: Tally, *, rows: int) -> Answer:
    """Turn the sums into an answer with its reason."""
    worst, row = tally.element, tally.row
    diff = 1 - 2 * tally.cross / tally.squares if tally.squares else 0.0
    scores = {"element": worst.ratio, "row": tally.row_error, "calc_diff": diff}
    held = {"element": 1.0, "row": tally.row_limit}
    ok = tally.tested > 0 and tally.wrong == 0 and tally.rows_wrong == 0
    if ok or not tally.tested:
        return Answer(ok=ok, tested=tally.tested, scores=scores, limits=held)
    where = f"row {worst.row}, column {worst.column}" if tally.wrong else f"row {row.row}"
    said = []
    if tally.wrong:
        said.append(f"{where}: got {worst.got:.6g}, expected {worst.expected:.6g}, {times(worst.ratio)} what rounding explains")
        said.append(f"{tally.wrong} of {tally.tested} elements wrong")
    if tally.rows_wrong:
        said.append(f"row {row.row} is off by {tally.row_error:.3g} of its size (limit {tally.row_limit:.3g})")
        said.append(f"{tally.rows_wrong} of {rows} rows wrong")
    return Answer(ok=False, tested=tally.tested, reason="; ".join(said), where=where, scores=scores, limits=held)


def times(ratio: float) -> str:
    """Say how many times, in words where it is no number."""
    return f"{ratio:.3g} times" if math.isfinite(ratio) else "beyond"
