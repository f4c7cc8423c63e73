"""Which devices or nodes of a fleet are slow, unstable, below spec, failed or untested. Pure: values of many units in, verdicts out.

A unit is held against its peers: the same case on the same hardware and software. It stands out by a robust score and a practical floor
together (a score alone flags healthy units of a tight fleet, a floor alone those of a loose one); an absolute floor stands beside them,
since a fleet that is slow as a whole has no outlier.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from statistics import NormalDist, median
from typing import Any

from assay.harness.errors import RefusalError
from assay.results.record import finite_float
from assay.results.units import percent, quantity

RULE = "fleet/1"
# Worst first.
STATUSES = ("failed", "untested", "below-spec", "slow", "unstable", "no-verdict", "ok")
CODES = {"failed": 2, "untested": 2, "below-spec": 1, "slow": 1, "unstable": 1, "no-verdict": 4, "ok": 0}
FEWEST_PEERS = 8  # the largest possible score of n points is (n - 1) / sqrt(n): under 8 nothing can stand out
FEWEST_RUNS = 5
LEAST_SCORE = 3.5
FALSE_FLAGS = 0.05  # expected false flags of the score alone in one sweep of all units and cases, were the noise normal
LEAST_SCALE = 0.001
UNSTABLE = 3.0
MAD = 1.4826  # of a normal distribution: standard deviation over median absolute deviation
MEDIAN_ERROR = 1.2533  # of a normal distribution: error of the median over error of the mean


@dataclass(frozen=True)
class Limits:
    """What counts.

    Attributes:
        min_deficit: deficit under which a unit is never called slow, as a share of the peers' median.
        spec: absolute floors (or ceilings, where lower is better) by metric, in the metric's unit.
        share: smallest share of its limit that a figure must reach, or None.

    """

    min_deficit: float = 0.01
    spec: Mapping[str, float] | None = None
    share: float | None = None

    def checked(self) -> Limits:
        """Refuse a limit that lets everything pass (RefusalError)."""
        given = {"min_deficit": self.min_deficit, "share": 1.0 if self.share is None else self.share}
        for name, value in (given | {f"spec.{name}": value for name, value in (self.spec or {}).items()}).items():
            if (finite_float(value) or 0.0) <= 0:
                message = "must be a positive number"
                raise RefusalError(message, value=value, where=name, fix="Leave it out rather than setting it to nothing.")
        return self


@dataclass(frozen=True)
class Unit:
    """One unit in one case: a value a run, or why it has none.

    Attributes:
        name: of the unit, unique in the fleet.
        values: one a run, in ``unit``.
        limit: what the value could be at most, or None.
        failed: why a run of it has no figure, in words; empty where all have one.

    """

    name: str
    values: Sequence[float] = ()
    limit: float | None = None
    failed: str = ""


@dataclass(frozen=True)
class Finding:
    """What is thought of one unit in one case; ``deficit`` is positive where it is worse than its peers' median, as a share."""

    unit: str
    case: str
    metric: str
    status: str
    reason: str
    value: float | None = None
    unit_of_value: str = ""
    runs: int = 0
    peers: int = 0
    median: float | None = None
    deficit: float | None = None
    score: float | None = None
    spread: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """Give plain JSON types."""
        return asdict(self)


def least_score(units: int, cases: int = 1) -> float:
    """Give the score from which on a unit stands out: ``FALSE_FLAGS`` of so many normal values would reach it by chance; 3.5 at least."""
    return max(LEAST_SCORE, NormalDist().inv_cdf(1 - FALSE_FLAGS / max(units * cases, 1)))


def judge_case(units: Sequence[Unit], *, case: str, metric: str, unit: str, better: str, limits: Limits, cases: int = 1) -> list[Finding]:
    """Judge every unit of one group of peers in one case.

    Args:
        units: the peers; those without any value are failed or untested.
        case: name of the case.
        metric: what the values are.
        unit: of the values.
        better: ``higher`` or ``lower``.
        limits: what counts.
        cases: how many cases are judged in this sweep, for the size of the score that stands out.

    """
    sound = {one.name: [value for value in one.values if math.isfinite(value) and value > 0] for one in units}
    scores = {name: median(values) for name, values in sound.items() if values}
    sign = 1.0 if better == "higher" else -1.0
    logs = {name: sign * math.log(value) for name, value in scores.items()}
    middle = median(logs.values()) if logs else 0.0
    spreads = {name: run_spread(values) for name, values in sound.items()}
    known = [spread for spread in spreads.values() if spread is not None]
    noise = median(known) if known else 0.0
    runs = median(len(values) for values in sound.values() if values) if scores else 1
    between_units = MAD * median(abs(value - middle) for value in logs.values()) if logs else 0.0
    scale = max(between_units, MEDIAN_ERROR * noise / math.sqrt(runs), LEAST_SCALE)
    bar = least_score(len(scores), cases)
    found = []
    for one in sorted(units, key=lambda one: one.name):
        peers = len(scores) - (one.name in scores)
        bare = Finding(one.name, case, metric, "untested", "no run of it has a figure here", unit_of_value=unit, peers=peers)
        if one.name not in scores:
            found.append(replace(bare, status="failed", reason=one.failed) if one.failed else bare)
            continue
        seen = replace(
            bare,
            value=scores[one.name],
            runs=len(sound[one.name]),
            median=math.exp(sign * middle),
            deficit=-math.expm1(logs[one.name] - middle),
            score=(logs[one.name] - middle) / scale,
            spread=spreads[one.name],
        )
        status, reason = verdict(one, seen, noise=noise, bar=bar, limits=limits, better=better)
        found.append(replace(seen, status=status, reason=reason))
    return found


def verdict(one: Unit, seen: Finding, *, noise: float, bar: float, limits: Limits, better: str) -> tuple[str, str]:
    """Give status and reason of one unit that has a figure; the worst finding is told, a failure in some of its runs before all else."""
    value, deficit, score = seen.value or 0.0, seen.deficit or 0.0, seen.score or 0.0
    shown = f"{quantity(value, seen.unit_of_value)}, median of {seen.runs} {'run' if seen.runs == 1 else 'runs'}"
    if one.failed:
        return "failed", f"some of its runs have no figure: {one.failed}"
    below = under_spec(one, seen, limits, better)
    if below:
        return "below-spec", f"{shown}: {below}"
    everyone = seen.peers + 1
    if everyone < FEWEST_PEERS:
        judged = "the absolute floor holds" if limits.spec or limits.share else "no absolute floor was given"
        few = f"{everyone} peers are too few to tell an outlier (at least {FEWEST_PEERS}); {judged}"
        return ("ok" if limits.spec or limits.share else "no-verdict"), few
    if score < -bar and deficit > limits.min_deficit:
        typical = quantity(seen.median or 0.0, seen.unit_of_value)
        beside = f"{percent(deficit)} worse than the median of {everyone} peers ({typical})"
        return "slow", f"{shown}: {beside}, score {score:.1f}, {-bar:.1f} would do"
    if seen.spread is not None and seen.spread > UNSTABLE * noise and seen.spread > limits.min_deficit:
        return "unstable", f"{shown}: its own runs differ by {percent(seen.spread)}, the fleet's by {percent(noise)}"
    return "ok", ""


def under_spec(one: Unit, seen: Finding, limits: Limits, better: str) -> str:
    """Say which absolute floor a unit misses; empty if it misses none."""
    floor, value = (limits.spec or {}).get(seen.metric), seen.value or 0.0
    if floor is not None and (value < floor if better == "higher" else value > floor):
        return f"{'under' if better == 'higher' else 'over'} the {quantity(floor, seen.unit_of_value)} that it must reach"
    if limits.share is not None and one.limit is not None and value < limits.share * one.limit:
        share = percent(value / one.limit)
        return f"{share} of its limit of {quantity(one.limit, seen.unit_of_value)}, at least {percent(limits.share)} are wanted"
    return ""


def run_spread(values: Sequence[float]) -> float | None:
    """Give the spread between one unit's runs as a share: interquartile range over 1.349, deaf to one hiccup in five; None under 5 runs."""
    if len(values) < FEWEST_RUNS:
        return None
    logs = sorted(math.log(value) for value in values)
    low, high = (len(logs) - 1) * 0.25, (len(logs) - 1) * 0.75
    return (between(logs, high) - between(logs, low)) / 1.349


def between(ordered: Sequence[float], at: float) -> float:
    """Interpolate an ordered sequence at a fractional index."""
    floor = math.floor(at)
    return ordered[floor] if at == floor else ordered[floor] + (at - floor) * (ordered[floor + 1] - ordered[floor])


def confirm_list(findings: Sequence[Finding], *, controls: int = 2) -> list[dict[str, Any]]:
    """Say whom to run again with whom: every flagged unit beside healthy ones nearest to the median, then with places swapped."""
    flagged = sorted({one.unit for one in findings if one.status in {"slow", "unstable", "below-spec"}})
    sound: dict[str, float] = {}
    bad = {one.unit for one in findings if one.status != "ok"}
    for one in findings:
        if one.status == "ok" and one.unit not in bad and one.score is not None:
            sound[one.unit] = max(sound.get(one.unit, 0.0), abs(one.score))
    healthy = sorted(sound, key=lambda name: (sound[name], name))[:controls]
    why = "again beside healthy ones; then swap positions (slot, rack, partner): what stays with the unit is the unit's"
    return [{"unit": name, "with": healthy, "how": why} for name in flagged]


def confirmed(first: Finding, fresh: Sequence[float], controls: Sequence[float], *, better: str, limits: Limits) -> bool:
    """Tell whether fresh runs of a flagged unit beside healthy controls hold the suspicion up.

    It holds if the unit's fresh median is worse than the controls' by the practical floor and by half the first deficit at least.
    """
    if not fresh or not controls:
        return False
    sign = 1.0 if better == "higher" else -1.0
    deficit = -math.expm1(sign * (math.log(median(fresh)) - math.log(median(controls))))
    return deficit > max(limits.min_deficit, (first.deficit or 0.0) / 2)
