"""Rules that aim at figures of some cases: bounds on a figure or its share of a limit, agreement of peers, equality."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from assay.harness.errors import RefusalError
from assay.results.record import METRICS, SCALES, finite_float

# kind -> (keys that it needs, keys that it may have besides); kind itself is always there, why always allowed.
AIMED: Mapping[str, tuple[set[str], set[str]]] = MappingProxyType(
    {
        "floor": ({"suite", "metric"}, {"share_of_limit", "value", "unit", "where"}),
        "ceiling": ({"suite", "metric", "value", "unit"}, {"where"}),
        "share_of_limit": ({"suite", "metric"}, {"least", "most", "where"}),
        "peers": ({"suite", "metric", "min_deficit"}, {"max_excess", "where"}),
        "equal": ({"suite", "metric"}, {"value", "unit", "where"}),
    },
)
BOUNDS = ("_min", "_max")
SCORE = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class Aim:
    """Which figures a rule is about.

    Attributes:
        name: of the rule.
        version: hash of its contents.
        kind: one of ``AIMED``.
        suite: whose cases it judges.
        metric: which figure: a metric, or an error score of the suite's check.
        where: what a case must have: equal values of its parameters (or of device, align, layout, nranks), or bounds named
            ``PARAM_min`` and ``PARAM_max`` (inclusive).
        why: reason for the threshold.

    """

    name: str
    version: str
    kind: str
    suite: str
    metric: str
    where: Mapping[str, Any]
    why: str

    @property
    def unit(self) -> str:
        """Unit of the figure; scores have none."""
        return SCALES.get(self.metric, ("1", ""))[0]

    @property
    def wanted(self) -> float | None:
        """What the rule wants in the figure's unit, where it says so by itself."""
        return None

    def covers(self, case: Mapping[str, Any]) -> bool:
        """Tell whether a case of the plan (as JSON) fulfils every condition."""
        return all(matches(name, wanted, traits(case)) for name, wanted in self.where.items())

    def unknown(self, cases: Iterable[Mapping[str, Any]]) -> list[str]:
        """List conditions on what none of these cases has at all: such a rule can never judge."""
        known = {name for case in cases for name in traits(case)}
        return [name for name in self.where if name not in known and not (name.endswith(BOUNDS) and name[:-4] in known)]


@dataclass(frozen=True)
class Bound(Aim):
    """The least a figure may be, the most, or both, in its unit; with ``of_limit`` as shares of its limit. Too good is suspicious too."""

    least: float | None = None
    most: float | None = None
    of_limit: bool = False

    @property
    def wanted(self) -> float | None:
        """The bound in the figure's unit, if it is one."""
        return None if self.of_limit else self.least if self.most is None else self.most


@dataclass(frozen=True)
class Peers(Aim):
    """How far the figures of one case's devices may lie apart.

    ``min_deficit`` is the share of the peers' speed that a slow one lacks at least; ``max_excess`` the share by which one may be faster.
    """

    min_deficit: float = 0.0
    max_excess: float | None = None


@dataclass(frozen=True)
class Equal(Aim):
    """Figures that are equal to the last bit: to ``value``, or without one to each other on all devices of a case."""

    value: float | None = None

    @property
    def wanted(self) -> float | None:
        """The value, if one was given."""
        return self.value


def read_aim(name: str, rule: Mapping[str, Any]) -> Aim:
    """Read one rule that aims at figures; RefusalError names the part that is wrong."""
    where, kind = f"rules.{name}", str(rule["kind"])
    suite, metric, wanted = rule["suite"], rule["metric"], rule.get("where") or {}
    if not isinstance(suite, str) or not suite:
        message = "must name a suite"
        raise RefusalError(message, value=suite, where=f"{where}.suite", fix="Run assay suites for their names.")
    check_metric(metric, kind, rule, where=f"{where}.metric")
    if not isinstance(wanted, Mapping):
        message = "is a mapping from parameter to value"
        raise RefusalError(message, value=wanted, where=f"{where}.where", fix="Write where: {PARAM: VALUE, PARAM_min: NUMBER}.")
    for key, bound in wanted.items():
        check_where(str(key), bound, where=f"{where}.where.{key}")
    plain = (name, version(rule), kind, suite, str(metric), dict(wanted), str(rule.get("why", "")))
    if kind == "peers":
        excess = threshold(rule, "max_excess", where=where) if "max_excess" in rule else None
        return Peers(*plain, min_deficit=threshold(rule, "min_deficit", where=where, below=1.0), max_excess=excess)
    if kind == "equal":
        return Equal(*plain, value=read_value(rule, str(metric), where=where) if "value" in rule else None)
    least, most, of_limit = read_bounds(rule, str(metric), where=where)
    return Bound(*plain, least=least, most=most, of_limit=of_limit)


def check_metric(metric: object, kind: str, rule: Mapping[str, Any], *, where: str) -> None:
    """Refuse a metric that a rule of this kind cannot judge; names that are no metric are error scores of a check, lower is better."""
    better = METRICS[metric][1] if isinstance(metric, str) and metric in METRICS else None
    if kind == "floor" or "least" in rule:
        sound, known = better == "higher", [name for name, (_, way) in METRICS.items() if way == "higher"]
        message = "must be a metric where higher is better"
    elif kind == "equal":
        sound, known = better is not None, list(METRICS)
        message = "must be a metric or an error score"
    else:
        sound, known = better in {"higher", "lower"}, [name for name, (_, way) in METRICS.items() if way != "none"]
        message = "must be a metric that is better or worse"
    scores = kind not in {"floor", "peers"} and "least" not in rule
    if not sound and not (scores and better is None and isinstance(metric, str) and SCORE.fullmatch(metric)):
        also = " or an error score of the suite's check" if scores else ""
        raise RefusalError(message, value=metric, where=where, fix=f"Choose one of {', '.join(known)}{also}.")


def read_bounds(rule: Mapping[str, Any], metric: str, *, where: str) -> tuple[float | None, float | None, bool]:
    """Give (least, most, whether these are shares of the limit); RefusalError for none, for both kinds at once, or another unit."""
    if rule["kind"] == "ceiling":
        return None, read_value(rule, metric, where=where), False
    if rule["kind"] == "share_of_limit":
        least = threshold(rule, "least", where=where, most=1.0) if "least" in rule else None
        most = threshold(rule, "most", where=where) if "most" in rule else None
        if (least is None and most is None) or (least is not None and most is not None and least >= most):
            message = "needs least, or most, or both with least under most"
            raise RefusalError(message, value=rule.get("least"), where=f"{where}.least", fix="Write least: 0.6, most: 1.05, for example.")
        return least, most, True
    if ("share_of_limit" in rule) == ("value" in rule):
        message = "needs either share_of_limit or value"
        raise RefusalError(message, where=f"{where}.share_of_limit", fix="Set one of the two.")
    if "value" in rule:
        return read_value(rule, metric, where=where), None, False
    if "unit" in rule:
        message = "a share has no unit"
        raise RefusalError(message, value=rule["unit"], where=f"{where}.unit", fix="Leave unit out.")
    return threshold(rule, "share_of_limit", where=where, most=1.0), None, True


def read_value(rule: Mapping[str, Any], metric: str, *, where: str) -> float:
    """Give ``value`` in the metric's unit; RefusalError for another unit. Only something to be equal to may be zero."""
    unit = SCALES.get(metric, ("1", ""))[0]
    if rule.get("unit") != unit:
        message = f"must be {unit}, the unit of {metric}"
        raise RefusalError(message, value=rule.get("unit"), where=f"{where}.unit", fix=f"Convert value to {unit} and say so.")
    if rule["kind"] == "equal" and finite_float(rule["value"]) == 0:
        return 0.0
    return threshold(rule, "value", where=where)


def threshold(
    rule: Mapping[str, Any], name: str, *, where: str, least: float = 0.0, most: float = float("inf"), below: float = float("inf")
) -> float:
    """Give a threshold in (least, most] and under ``below``; RefusalError for anything that would judge nothing or everything."""
    value = finite_float(rule[name])
    if value is None or not least < value <= most or not value < below:
        bounds = f"over {least:g}" + (f" and at most {most:g}" if most < float("inf") else f" and under {below:g}" if below < most else "")
        message = f"must be a finite number {bounds}"
        raise RefusalError(message, value=rule[name], where=f"{where}.{name}", fix="Shares are fractions: 0.05 is 5 %.")
    return value


def check_where(name: str, wanted: object, *, where: str) -> None:
    """Refuse a condition that is not a plain value, or a bound that is not a finite number."""
    if name.endswith(BOUNDS) and finite_float(wanted) is None:
        message = "a bound must be a finite number"
        raise RefusalError(message, value=wanted, where=where, fix="Write a number.")
    if not isinstance(wanted, (str, int, float, bool)):
        message = "must be one plain value"
        raise RefusalError(message, value=wanted, where=where, fix="Write one rule for each value.")


def matches(name: str, wanted: Any, params: Mapping[str, Any]) -> bool:
    """Tell whether a case's parameters fulfil one condition; a parameter that the case does not have fulfils none."""
    if name in params:
        return bool(params[name] == wanted)
    value = finite_float(params.get(name[:-4]))
    if value is None or not name.endswith(BOUNDS):
        return False
    return bool(value >= wanted if name.endswith("_min") else value <= wanted)


def traits(case: Mapping[str, Any]) -> dict[str, Any]:
    """Give what a rule may ask of a case: its parameters, and what else makes it comparable; a parameter goes first."""
    return {name: case.get(name) for name in ("device", "align", "layout", "nranks")} | dict(case.get("params") or {})


def version(rule: Mapping[str, Any]) -> str:
    """Hash a rule's contents (not its name, not its why): it changes whenever the judgement could."""
    judged = {str(k): v if not isinstance(v, Mapping) else dict(v) for k, v in rule.items() if k != "why"}
    text = json.dumps(judged, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:8]
