"""Rules as declarations: read, validated, never evaluated as code.

A rule file can therefore do no more than set thresholds; every threshold that could pass everything (zero, negative, missing, not
finite, in another unit) is refused with its configuration path.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from assay.harness.errors import RefusalError
from assay.results.record import METRICS, finite_float

# kind -> (keys that it needs, keys that it may have besides); kind itself is always there, why always allowed.
KEYS: Mapping[str, tuple[set[str], set[str]]] = MappingProxyType(
    {
        "correct": (set(), set()),
        "coverage": ({"share"}, set()),
        "ceiling": ({"suite", "metric", "value", "unit"}, {"where"}),
        "floor": ({"suite", "metric"}, {"share_of_limit", "value", "unit", "where"}),
        "plausible": ({"stated", "measured"}, set()),
        "relative": ({"min_effect", "min_seconds"}, set()),
    },
)
BOUNDS = ("_min", "_max")
BOUNDING = ("floor", "ceiling")
ONCE = ("correct", "coverage", "plausible", "relative")


@dataclass(frozen=True)
class Floor:
    """The least that a figure may be, or (a ceiling) the most: a time that is too long, a rate that is too good to be true.

    Attributes:
        name: of the rule.
        version: hash of its contents.
        suite: whose cases it judges.
        metric: which figure, one where higher is better.
        share_of_limit: least share of the figure's limit; or
        value: least figure, in the metric's unit.
        where: what a case must have: equal values of its parameters (or of device, align, layout, nranks), or bounds named
            ``PARAM_min`` and ``PARAM_max`` (inclusive).
        why: reason for the threshold.
        most: largest figure, in the metric's unit, of a ceiling; None for a floor.

    """

    name: str
    version: str
    suite: str
    metric: str
    share_of_limit: float | None
    value: float | None
    where: Mapping[str, Any]
    why: str
    most: float | None = None

    def covers(self, case: Mapping[str, Any]) -> bool:
        """Tell whether a case of the plan (as JSON) fulfils every condition."""
        return all(matches(name, wanted, traits(case)) for name, wanted in self.where.items())

    def unknown(self, cases: Iterable[Mapping[str, Any]]) -> list[str]:
        """List conditions on what none of these cases has at all: such a rule can never judge."""
        known = {name for case in cases for name in traits(case)}
        return [name for name in self.where if name not in known and not (name.endswith(BOUNDS) and name[:-4] in known)]


@dataclass(frozen=True)
class Rules:
    """Every rule of a run, read and validated; ``versions`` and ``names`` go by kind for those that exist once."""

    share: float
    stated: float
    measured: float
    min_effect: float
    min_seconds: float
    floors: tuple[Floor, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)


def read_rules(rules: Any) -> Rules:
    """Read the composed ``rules`` group: name -> rule.

    RefusalError names the path (``rules.NAME.KEY``) of an unknown kind or key, and of a threshold that cannot judge. Kinds other than
    floor exist exactly once: truth and coverage cannot be turned off.
    """
    if not isinstance(rules, Mapping):
        message = "is a mapping from a rule's name to the rule"
        raise RefusalError(message, value=rules, where="rules", fix="Choose rules=default.")
    for name, rule in rules.items():
        check_keys(rule, where=f"rules.{name}")
    single = {kind: only(rules, kind) for kind in ONCE}
    part = {kind: (f"rules.{name}", rules[name]) for kind, name in single.items()}
    return Rules(
        share=threshold(part["coverage"][1], "share", where=part["coverage"][0], most=1.0),
        stated=threshold(part["plausible"][1], "stated", where=part["plausible"][0], least=1.0),
        measured=threshold(part["plausible"][1], "measured", where=part["plausible"][0], least=1.0),
        min_effect=threshold(part["relative"][1], "min_effect", where=part["relative"][0], most=1.0),
        min_seconds=threshold(part["relative"][1], "min_seconds", where=part["relative"][0]),
        floors=tuple(read_floor(str(name), rule) for name, rule in rules.items() if rule["kind"] in BOUNDING),
        names=single,
        versions={kind: version(rules[name]) for kind, name in single.items()},
    )


def check_keys(rule: Any, *, where: str) -> None:
    """Refuse what is no rule of a known kind with exactly the keys that its kind takes."""
    if not isinstance(rule, Mapping) or rule.get("kind") not in list(KEYS):
        message = "is no rule of a known kind"
        raise RefusalError(message, value=rule, where=f"{where}.kind", fix=f"Kinds are {', '.join(KEYS)}.")
    needed, allowed = KEYS[rule["kind"]]
    for name in rule:
        if name not in needed | allowed | {"kind", "why"}:
            message = f"is no part of a {rule['kind']} rule"
            fix = f"It takes {', '.join(sorted(needed | allowed | {'why'}))}."
            raise RefusalError(message, value=name, where=f"{where}.{name}", fix=fix)
    for name in sorted(needed - set(rule)):
        message = "is missing"
        raise RefusalError(message, where=f"{where}.{name}", fix=f"A {rule['kind']} rule needs {', '.join(sorted(needed))}.")
    if not isinstance(rule.get("why", ""), str):
        message = "must be text"
        raise RefusalError(message, value=rule["why"], where=f"{where}.why", fix="Say why the threshold is what it is.")


def only(rules: Mapping[str, Any], kind: str) -> str:
    """Give the name of the one rule of this kind; RefusalError if there is none or more than one."""
    names = [str(name) for name, rule in rules.items() if rule["kind"] == kind]
    if len(names) != 1:
        message = f"there must be exactly one rule of kind {kind}"
        raise RefusalError(message, value=names, where="rules", fix=f"Keep one rule of kind {kind}; see rules=default.")
    return names[0]


def threshold(rule: Mapping[str, Any], name: str, *, where: str, least: float = 0.0, most: float = float("inf")) -> float:
    """Give a threshold in (least, most]; RefusalError for anything that would judge nothing or everything."""
    value = finite_float(rule[name])
    if value is None or not least < value <= most:
        bounds = f"over {least:g}" + (f" and at most {most:g}" if most < float("inf") else "")
        message = f"must be a finite number {bounds}"
        raise RefusalError(message, value=rule[name], where=f"{where}.{name}", fix="Shares are fractions: 0.05 is 5 %.")
    return value


def read_floor(name: str, rule: Mapping[str, Any]) -> Floor:
    """Read one floor; RefusalError names the part that is wrong."""
    where = f"rules.{name}"
    suite, metric, wanted = rule["suite"], rule["metric"], rule.get("where") or {}
    if not isinstance(suite, str) or not suite:
        message = "must name a suite"
        raise RefusalError(message, value=suite, where=f"{where}.suite", fix="Run assay suites for their names.")
    ceiling = rule["kind"] == "ceiling"
    floored = [known for known, (_, better) in METRICS.items() if better == "higher" or (ceiling and better == "lower")]
    if metric not in floored:
        message = "must be a metric that is better or worse" if ceiling else "must be a metric where higher is better"
        raise RefusalError(message, value=metric, where=f"{where}.metric", fix=f"Choose one of {', '.join(floored)}.")
    share, value = read_least(rule, str(metric), where=where)
    if not isinstance(wanted, Mapping):
        message = "is a mapping from parameter to value"
        raise RefusalError(message, value=wanted, where=f"{where}.where", fix="Write where: {PARAM: VALUE, PARAM_min: NUMBER}.")
    for key, bound in wanted.items():
        check_where(str(key), bound, where=f"{where}.where.{key}")
    held = Floor(name, version(rule), suite, str(metric), share, value, dict(wanted), str(rule.get("why", "")))
    return replace(held, value=None, most=value) if ceiling else held


def read_least(rule: Mapping[str, Any], metric: str, *, where: str) -> tuple[float | None, float | None]:
    """Give (share of the limit, absolute value) of a floor, one of them None; RefusalError for neither, both or another unit."""
    if ("share_of_limit" in rule) == ("value" in rule):
        message = "needs either share_of_limit or value"
        raise RefusalError(message, where=f"{where}.share_of_limit", fix="Set one of the two.")
    if "share_of_limit" in rule:
        if "unit" in rule:
            message = "a share has no unit"
            raise RefusalError(message, value=rule["unit"], where=f"{where}.unit", fix="Leave unit out.")
        return threshold(rule, "share_of_limit", where=where, most=1.0), None
    unit = METRICS[metric][0]
    if rule.get("unit") != unit:
        message = f"must be {unit}, the unit of {metric}"
        raise RefusalError(message, value=rule.get("unit"), where=f"{where}.unit", fix=f"Convert value to {unit} and say so.")
    return None, threshold(rule, "value", where=where)


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
