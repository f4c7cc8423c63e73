"""How far two segments lie apart, as an interval that a few hiccups cannot blow up."""

from __future__ import annotations

import math
from collections.abc import Sequence

NORMAL_975 = 1.959963984540054


def shift_interval(before: Sequence[float], after: Sequence[float], *, spreads: float = NORMAL_975) -> tuple[float, float] | None:
    """Give the interval of the relative change between two segments of positive values: 95 % unless ``spreads`` asks for more.

    The interval of the shift of logarithms that Wilcoxon's rank-sum test inverts to (Moses 1965; Hollander and Wolfe, Nonparametric
    Statistical Methods, section 4.3): with C = n m / 2 - spreads sqrt(n m (n + m + 1) / 12) rounded down, from the C-th smallest to the
    C-th largest of all n m ratios. None for a value that is not positive, and where so few values allow none.
    """
    import numpy as np

    pairs = len(before) * len(after)
    place = math.floor(pairs / 2 - spreads * math.sqrt(pairs * (len(before) + len(after) + 1) / 12))
    if place < 1 or min(*before, *after) <= 0:
        return None
    ratios = np.sort((np.asarray(after)[:, None] / np.asarray(before)).ravel())
    return float(ratios[place - 1]) - 1, float(ratios[pairs - place]) - 1
