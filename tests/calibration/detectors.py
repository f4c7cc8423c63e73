"""Detectors of a change in a series of runs, ours and others', all with one face: values in, places where something is said out."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping

import numpy as np

from assay.results.changepoint import find_changes
from tests.calibration.models import Series

Detector = Callable[[Series, np.random.Generator], list[int]]
ITERATIONS = 30
ALPHA = 0.001  # of the t-test: the same error that an alert has for a whole series
THRESHOLD = 0.05
WHOLE = "alert, no look at the newest"
WINDOW, LEAST = 30, 10


def alerts(values: Series, _: np.random.Generator) -> list[int]:
    """Give our alerts."""
    return [change.index for change in find_changes(values.tolist()).changes if change.level == "alert"]


def alerts_of_the_whole(values: Series, _: np.random.Generator) -> list[int]:
    """Give our alerts without the look at the newest ten runs: what that look costs and brings."""
    return [change.index for change in find_changes(values.tolist(), newest=False).changes if change.level == "alert"]


def notices(values: Series, _: np.random.Generator) -> list[int]:
    """Give our alerts and notices."""
    return [change.index for change in find_changes(values.tolist()).changes if change.level in {"alert", "notice"}]


def asv_steps(values: Series, _: np.random.Generator) -> list[int]:
    """Give every step of asv's piecewise-constant fit, whatever its size."""
    from asv.step_detect import detect_steps

    return [left for left, *_ in detect_steps(values.tolist())[1:]]


def asv_regressions(values: Series, _: np.random.Generator) -> list[int]:
    """Give asv's regressions with its default threshold of 5 %; it looks for rises only."""
    from asv.step_detect import detect_regressions, detect_steps

    *_, found = detect_regressions(detect_steps(values.tolist()), threshold=THRESHOLD)
    return [after for _, after, *_ in found or []]


def t_test(values: Series, rng: np.random.Generator) -> list[int]:
    """Compare each run's 30 iterations (spread 1 %) with those of the run before by Welch's t-test."""
    from scipy.stats import ttest_ind

    runs = values[:, None] * (1 + 0.01 * rng.standard_normal((len(values), ITERATIONS)))
    p = ttest_ind(runs[1:], runs[:-1], axis=1, equal_var=False).pvalue
    return [int(i) + 1 for i in np.flatnonzero(p < ALPHA)]


def threshold(values: Series, _: np.random.Generator) -> list[int]:
    """Compare each run with the run before: over 5 % is said."""
    return [int(i) + 1 for i in np.flatnonzero(np.abs(values[1:] / values[:-1] - 1) > THRESHOLD)]


def three_sigma(values: Series, _: np.random.Generator) -> list[int]:
    """Hold each run against mean +- 3 standard deviations of the 30 runs before it (10 at least)."""
    found = []
    for i in range(LEAST, len(values)):
        past = values[max(0, i - WINDOW) : i]
        if abs(values[i] - past.mean()) > 3 * past.std(ddof=1):
            found.append(i)
    return found


def detectors() -> Mapping[str, Detector]:
    """Name the detectors that are to be had here; asv's only where it is installed."""
    ours: dict[str, Detector] = {"alert": alerts, "notice": notices, WHOLE: alerts_of_the_whole}
    theirs: dict[str, Detector] = {"asv steps": asv_steps, "asv 5 %": asv_regressions} if importlib.util.find_spec("asv") else {}
    return ours | theirs | {"t-test": t_test, "5 % rule": threshold, "mean +- 3 sd": three_sigma}
