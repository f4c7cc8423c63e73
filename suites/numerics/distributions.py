"""Distributions that number formats are compared on: what activations, weights and gradients look like, and what is hard for a format."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.harness.errors import RefusalError
from assay.suites.numerics.draws import OUTLIER_FACTOR, OUTLIER_SHARE, generator

if TYPE_CHECKING:
    import torch

DISTRIBUTIONS = {
    "normal": "N(0,1)",
    "uniform": "U[0,1)",
    "heavy_tails": "Student's t with 4 degrees of freedom",
    "outlier_channels": f"N(0,1), {OUTLIER_SHARE:.1%} of the columns (at least one) times {OUTLIER_FACTOR:.0f}",
    "lognormal": "exp(N(0,1))",
}
DEGREES = 4  # of freedom


def known(name: str) -> None:
    """Refuse a name that is no distribution."""
    if name not in DISTRIBUTIONS:
        message = "is no distribution"
        raise RefusalError(message, value=name, where="distribution", fix=f"Choose one of {', '.join(DISTRIBUTIONS)}.")


def drawn(name: str, rows: int, columns: int, seed: int) -> torch.Tensor:
    """Draw float32 rows x columns on the host, the same on every rank: a format's error is no matter of the device."""
    import torch

    source = generator(seed, rank=0, operand=f"formats/{name}")
    if name == "uniform":
        return torch.rand(rows, columns, generator=source)
    values = torch.randn(rows, columns, generator=source)
    if name == "heavy_tails":
        # t = z / sqrt(chi^2 / degrees), and chi^2 is a sum of squared normal numbers.
        spread = torch.zeros(rows, columns)
        for _ in range(DEGREES):
            spread += torch.randn(rows, columns, generator=source).square_()
        values /= spread.div_(DEGREES).sqrt_()
    elif name == "outlier_channels":
        chosen = torch.randperm(columns, generator=source)[: max(1, round(columns * OUTLIER_SHARE))]
        values[:, chosen] *= OUTLIER_FACTOR
    elif name == "lognormal":
        values.exp_()
    return values
