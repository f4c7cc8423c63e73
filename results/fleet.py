"""Which devices (or nodes) of a fleet are slow, unstable, below specification, failed or untested in one case. Pure.

A device is judged against its peers: the others of the same hardware and software class in the same case, by the run's value, never by
repetitions. Speeds are compared on the log scale, so that a rate and a time give the same verdict.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import median

from assay.results.peers import ENOUGH, Crowd, lacking, settle
from assay.results.robust import HABIT, LEAST_SPREAD, MEDIAN_SIGMA, critical_spread, own_spread, run_noise

WIDE = 3.0  # times the usual noise between runs, and more where few runs make a spread swing wider
# Worst first; the first that applies is the verdict, the others stand beside it.
STATUSES = ("failed", "below spec", "slow", "unstable", "untested", "too few", "not confirmed", "sound")
FLAGGED = ("below spec", "slow", "unstable")


@dataclass(frozen=True)
class Figures:
    """What one device or node showed in one case.

    Attributes:
        subject: its identity.
        values: one a run, in the metric's unit.
        shares: each value's share of its limit, where one is known.
        failed: why it gave a wrong answer or none in some run; empty if it never did.
        untested: why it has no figure, where that is known.

    """

    subject: str
    values: tuple[float, ...] = ()
    shares: tuple[float, ...] = ()
    failed: str = ""
    untested: str = ""


@dataclass(frozen=True)
class Spec:
    """The least that a metric may be (the most, where lower is better): a value in its unit, or a share of its limit."""

    value: float
    share: bool = False


@dataclass(frozen=True)
class Standing:
    """One verdict on one device (or node) in one case.

    Attributes:
        subject: the device or node.
        status: one of ``STATUSES``.
        also: what else is wrong with it.
        value: median over its runs, None where there is no figure.
        peers: median of its peers' values.
        n_peers: how many they are, itself included.
        n: its runs.
        deficit: share of the peers' speed that it lacks; negative if it is faster.
        interval: 95 % interval of the deficit from the noise between runs; None where nobody knows that noise.
        z: robust z against the peers; None where no peer statistic is possible.
        spread: standard deviation between its own runs, relative.
        reasons: what was found, by status.

    """

    subject: str
    status: str
    also: tuple[str, ...] = ()
    value: float | None = None
    peers: float | None = None
    n_peers: int = 0
    n: int = 0
    deficit: float | None = None
    interval: tuple[float, float] | None = None
    z: float | None = None
    spread: float | None = None
    reasons: Mapping[str, str] = field(default_factory=dict)


def judge(
    figures: Sequence[Figures], *, better: str, min_deficit: float, spec: Spec | None = None, tests: int | None = None
) -> list[Standing]:
    """Judge every device of one class in one case; the order of ``figures`` does not matter for any verdict.

    Args:
        figures: one a device, also of those without any value.
        better: ``higher`` or ``lower``; ValueError for anything else, which no speed has.
        min_deficit: share of the peers' speed that must be missing before it matters.
        spec: absolute floor, judged independently of the peers.
        tests: devices times cases of the whole sweep, for the critical values; the devices of this case if not said.

    """
    if better not in {"higher", "lower"}:
        message = f"a figure that is neither better higher nor lower cannot be judged: {better!r}"
        raise ValueError(message)
    sign = 1.0 if better == "higher" else -1.0
    logs = {one.subject: [sign * math.log(value) for value in one.values] for one in figures if usable(one.values)}
    crowd, found = settle(logs, min_deficit=min_deficit, tests=tests)
    usual = max(run_noise([*logs.values()]) or 0.0, LEAST_SPREAD)
    return [
        stand(one, logs.get(one.subject, []), crowd, sign=sign, slow=one.subject in found, spec=spec, usual=usual, tests=tests)
        for one in figures
    ]


def usable(values: Sequence[float]) -> bool:
    """Tell whether values can be compared: there are some, and all are positive and finite."""
    return bool(values) and all(math.isfinite(value) and value > 0 for value in values)


def stand(
    one: Figures, logs: Sequence[float], crowd: Crowd | None, *, sign: float, slow: bool, spec: Spec | None, usual: float, tests: int | None
) -> Standing:
    """Give the verdict on one device."""
    plain = Standing(one.subject, "sound", n=len(one.values))
    reasons: dict[str, str] = {}
    if one.failed or (one.values and not logs):
        reasons["failed"] = one.failed or f"a figure that is no positive number: {next(v for v in one.values if not usable((v,)))}"
    if not logs:
        return settled(plain, reasons or {"untested": one.untested or "no figure"})
    plain = replace(plain, value=math.exp(sign * median(logs)), spread=own_spread(logs))
    if spec is not None and spec.share and len(one.shares) < len(one.values):
        reasons["untested"] = "its limit is not known, so its share of it cannot be held against the specification"
    elif below := under(one, plain.value or 0.0, spec, sign=sign):
        reasons["below spec"] = below
    if crowd is None and spec is None:
        reasons["too few"] = f"fewer than {ENOUGH} peers have a figure: no peer statistic is possible, and no --spec was given"
    if crowd is not None:
        plain = against(plain, logs, crowd, sign=sign)
        if slow:
            reasons["slow"] = f"{100 * (plain.deficit or 0):.3g} % slower than the median of its peers, robust z {plain.z:.1f}"
        if unsteady(plain.spread or 0.0, usual, runs=len(logs), tests=tests or crowd.n):
            reasons["unstable"] = f"its runs differ by {100 * (plain.spread or 0.0):.2g} %, its peers' usually by {100 * usual:.2g} %"
    return settled(plain, reasons)


def unsteady(spread: float, usual: float, *, runs: int, tests: int) -> bool:
    """Tell whether a device's own runs differ far more than the fleet's usually do; under four runs nobody can tell."""
    return runs >= HABIT and spread > WIDE * usual and spread > usual * critical_spread(runs, tests)


def against(plain: Standing, logs: Sequence[float], crowd: Crowd, *, sign: float) -> Standing:
    """Hold one device's median against its peers: deficit, its interval, z."""
    score = median(logs)
    interval = None
    if crowd.noise is not None:
        own = max(crowd.noise, plain.spread or 0.0)
        half = 1.96 * MEDIAN_SIGMA * math.hypot(own / math.sqrt(len(logs)), max(crowd.spread, LEAST_SPREAD) / math.sqrt(crowd.n))
        interval = (lacking(score + half, crowd.centre), lacking(score - half, crowd.centre))
    return replace(
        plain,
        peers=math.exp(sign * crowd.centre),
        n_peers=crowd.n,
        deficit=lacking(score, crowd.centre),
        interval=interval,
        z=(score - crowd.centre) / crowd.scale(len(logs)),
    )


def under(one: Figures, value: float, spec: Spec | None, *, sign: float) -> str:
    """Say how far a device is outside its specification; empty where it is inside or none was given."""
    if spec is None:
        return ""
    if spec.share:
        told = median(one.shares)
        return f"{100 * told:.3g} % of its limit, at least {100 * spec.value:.3g} % wanted" if told < spec.value else ""
    if sign * (value - spec.value) >= 0:
        return ""
    return f"{value:.4g}, {'at least' if sign > 0 else 'at most'} {spec.value:.4g} wanted"


def settled(plain: Standing, reasons: Mapping[str, str]) -> Standing:
    """Choose the worst of what was found."""
    named = [status for status in STATUSES if status in reasons]
    if not named:
        return plain
    return replace(plain, status=named[0], also=tuple(named[1:]), reasons={status: reasons[status] for status in named})
