"""Absolute floors as a user writes them: ``flop_rate=4e14`` or ``flop_rate=70%``."""

from __future__ import annotations

from collections.abc import Sequence

from assay.harness.errors import RefusalError
from assay.results.fleet import Spec
from assay.results.record import METRICS, finite_float

JUDGED = sorted(name for name, (_, better) in METRICS.items() if better != "none")


def read_specs(words: Sequence[str]) -> dict[str, Spec]:
    """Read floors by metric; RefusalError for an unknown metric, a figure that is no positive number, or one metric twice."""
    found: dict[str, Spec] = {}
    for word in words:
        metric, equals, text = word.partition("=")
        if not equals or metric not in JUDGED or metric in found:
            message = "is given twice" if metric in found else "is no METRIC=VALUE with a metric that has a better direction"
            raise RefusalError(message, value=word, where="--spec", fix=f"Metrics are {', '.join(JUDGED)}.")
        found[metric] = read_spec(word, text)
    return found


def read_spec(word: str, text: str) -> Spec:
    """Read one floor."""
    share = text.endswith("%")
    try:
        value = finite_float(float(text.removesuffix("%"))) or 0.0
    except ValueError:
        value = 0.0
    if value <= 0:
        message = "must be a positive number, or a share such as 70%: a floor of nothing passes everything"
        raise RefusalError(message, value=word, where="--spec", fix="Write it in the metric's unit (B/s, FLOP/s, s).")
    return Spec(value / 100 if share else value, share)
