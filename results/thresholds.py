"""What counts in a gate: effects that matter, error rates, and among how many looks they are shared."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

from assay.harness.errors import RefusalError
from assay.results.record import finite_float


@dataclass(frozen=True)
class Thresholds:
    """What counts.

    Attributes:
        min_effect: smallest change that matters, as a share; raised to twice the case's own A/A noise floor where that is more.
        min_seconds: smallest change that matters, absolute.
        alpha: one-sided error of the first pass.
        confirm_alpha: one-sided error of the confirming pass.
        widest: largest margin within which a case may be called the same, however noisy it is.
        looks: how often a case may be judged before its suspicion is confirmed: 2 where undecided ones get more pairs. Every look may err
            with the share 1 / looks of the errors stated here, and of the 5 % of ``same`` (Bonferroni), so together they err no oftener.

    """

    min_effect: float = 0.01
    min_seconds: float = 1e-6
    alpha: float = 0.025
    confirm_alpha: float = 0.05
    widest: float = 0.05
    looks: int = 1

    def checked(self) -> Thresholds:
        """Refuse a threshold that is not positive, or an error rate that is none (RefusalError)."""
        for name, value in asdict(self).items():
            top = 0.5 if name.endswith("alpha") else math.inf
            if not 0 < (finite_float(value) or 0.0) < top:
                message = "must be a positive number" + (" under 0.5" if top < 1 else "")
                raise RefusalError(message, value=value, where=name, fix=f"The default is {getattr(Thresholds(), name)}.")
        return self

    @property
    def same_level(self) -> float:
        """Give the level of the interval that must lie inside the margin: 90 % for two one-sided tests at 5 %, 95 % for two looks."""
        return 1 - 0.1 / self.looks
