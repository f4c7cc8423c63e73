"""One figure held against a bound: in its own unit, or as a share of its limit."""

from __future__ import annotations

from typing import NamedTuple

from assay.results.aims import Bound
from assay.results.record import Record
from assay.results.units import percent, quantity
from assay.results.verdict import VerdictStatus


class Finding(NamedTuple):
    """What a rule found of one figure; ``expected`` is what it wanted in the figure's unit, ``baseline`` what that was taken from."""

    status: VerdictStatus
    reason: str
    expected: float | None = None
    baseline: tuple[str, ...] = ()


def judge_bound(bound: Bound, record: Record) -> Finding:
    """Hold one figure against one bound; a share of a limit that nobody knows is ``no-verdict``."""
    reached = f"{record.subject} reached {quantity(record.value, record.unit)}"
    if not bound.of_limit:
        return held(bound, record, reached, 1.0, "")
    if record.limit is None or record.share is None:
        said = f"{reached}, but its limit is not known: measure it (suite calibrate) or choose hardware=NAME"
        return Finding("no-verdict", said)
    share = f"{percent(record.share)} of {record.limit_name} ({quantity(record.limit, record.unit)})"
    return held(bound, record, f"{reached}, {share}", record.limit, record.limit_name)


def held(bound: Bound, record: Record, said: str, scale: float, source: str) -> Finding:
    """Compare with the bounds times ``scale`` and say what is wanted."""

    def wanted(value: float) -> str:
        return f"{percent(value)} of it" if bound.of_limit else quantity(value, record.unit)

    baseline = (source,) if source else ()
    if bound.most is not None and record.value > bound.most * scale:
        return Finding("fail", f"{said}, at most {wanted(bound.most)} is wanted", bound.most * scale, baseline)
    if bound.least is None:
        return Finding("pass", f"{said}, at most {wanted(bound.most or 0.0)} is wanted", (bound.most or 0.0) * scale, baseline)
    status: VerdictStatus = "pass" if record.value >= bound.least * scale else "fail"
    return Finding(status, f"{said}, at least {wanted(bound.least)} is wanted", bound.least * scale, baseline)
