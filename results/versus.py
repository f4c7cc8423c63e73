"""Vendors on the same work: truth first, then speed, watts and money; ranked only where nodes and sessions allow it.

A contender's level is the mean log rate over all matched cases, node by node, sessions averaged inside a node; its interval takes nodes
and sessions as chance both (Hoefler and Belli, SC'15, rules 3 and 4: ratios are summarised geometrically, and only because no common unit
exists).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from statistics import fmean
from typing import Any

from assay.harness.case import Case
from assay.harness.errors import RefusalError
from assay.results.contender import Contender
from assay.results.twoway import Place, interval, parts

FEWEST_NODES, FEWEST_SESSIONS = 3, 2
# What two cases may differ in without being different work at a glance: named where it keeps them from being compared.
TELLING = ("version", "timer", "align", "layout", "nranks")


@dataclass(frozen=True)
class Ratio:
    """One contender beside the first: geometric mean of its rates over theirs in the matched cases, 95 % interval or None."""

    label: str
    ratio: float
    interval: tuple[float, float] | None
    per_watt: float | None
    per_money: float | None
    share: float | None
    cases: int
    watts: float | None = None


@dataclass(frozen=True)
class Versus:
    """A whole comparison.

    Attributes:
        contenders: in the order given.
        matched: cases that all of them have a figure for.
        unmatched: by case, why it is compared with nobody.
        ratios: one a contender, against the first.
        ranking: labels, fastest first; those that cannot be told apart stand together. Empty where nothing may be ranked.
        unranked: why there is no ranking, in words; empty where there is one.

    """

    contenders: Sequence[Contender]
    matched: Sequence[str]
    unmatched: Mapping[str, str]
    ratios: Sequence[Ratio]
    ranking: Sequence[Sequence[str]]
    unranked: Sequence[str]

    @property
    def wrong(self) -> dict[str, dict[str, str]]:
        """Give wrong answers and other failures by contender and case: they come before any speed."""
        return {one.label: dict(one.wrong) for one in self.contenders if one.wrong}


def versus(contenders: Sequence[Contender], *, prices: Mapping[str, float] | None = None) -> Versus:
    """Compare contenders.

    Args:
        contenders: two at least, with different labels and runs.
        prices: by label, of a device hour, all in one currency.

    RefusalError for one contender, a label twice, a run on two sides, or a price that is none.

    """
    check(contenders, prices or {})
    matched = sorted(set.intersection(*(set(one.figures) for one in contenders)))
    unmatched = {name: why(name, contenders) for one in contenders for name in one.cases if name not in matched}
    ratios = [ratio(one, contenders[0], matched, prices or {}) for one in contenders] if matched else []
    unranked = reasons(contenders, matched)
    ranking = [] if unranked else ranked(contenders, matched)
    return Versus(contenders, matched, unmatched, ratios, ranking, unranked)


def check(contenders: Sequence[Contender], prices: Mapping[str, float]) -> None:
    """Refuse what cannot be compared."""
    labels = [one.label for one in contenders]
    if len(contenders) < 2 or len(set(labels)) < len(labels):  # noqa: PLR2004 - a comparison takes two
        message = "takes two contenders at least, each with a name of its own"
        raise RefusalError(message, value=", ".join(labels), where="RUNS", fix="Write A=RUN,RUN B=RUN,RUN.")
    for one, other in combinations(contenders, 2):
        both = set(one.runs) & set(other.runs)
        if both:
            message = f"{', '.join(sorted(both))} is on two sides"
            raise RefusalError(message, value=f"{one.label}, {other.label}", where="RUNS", fix="Name each run once.")
    for label, price in prices.items():
        if label not in labels or not 0 < price < math.inf:
            message = "is no price of a contender" if label in labels else "is no contender"
            raise RefusalError(message, value=f"{label}={price}", where="--price", fix=f"Contenders are {', '.join(labels)}.")


def why(name: str, contenders: Sequence[Contender]) -> str:
    """Say why a case is compared with nobody: wrong somewhere, absent somewhere, or near to another one but for named facts."""
    for one in contenders:
        if name in one.wrong:
            return f"{one.label}: {one.wrong[name]}"
    case = next(one.cases[name] for one in contenders if name in one.cases)
    for one in contenders:
        if name not in one.cases:
            near = [differing(case, other) for other in one.cases.values() if other.suite == case.suite]
            close = min((facts for facts in near if facts), key=len, default=[])
            return f"{one.label} has {close[0] if len(close) == 1 else 'no such case'}" + ("" if len(close) == 1 else far(close))
    lacking = [one.label for one in contenders if name not in one.figures]
    return f"{', '.join(lacking)}: measured, but without a figure"


def far(close: Sequence[str]) -> str:
    """Name what the nearest case differs in."""
    return f" (the nearest differs in {'; '.join(close[:3])})" if close else ""


def differing(case: Case, other: Case) -> list[str]:
    """Name the facts in which two cases of one suite differ, with both values."""
    found = [
        f"{name} {getattr(other, name)!r} against {getattr(case, name)!r}"
        for name in TELLING
        if getattr(case, name) != getattr(other, name)
    ]
    params = sorted({*case.params, *other.params})
    return found + [
        f"{name} {other.params.get(name)!r} against {case.params.get(name)!r}"
        for name in params
        if case.params.get(name) != other.params.get(name)
    ]


def cells(one: Contender, matched: Sequence[str]) -> dict[Place, float]:
    """Give what each node did in each session: its mean log rate over the matched cases that it has there, around the contender's own.

    A place that lacks a case is not punished for it, and adds nothing to it.
    """
    found: dict[Place, list[float]] = {}
    for name in matched:
        centre = one.figures[name].log
        for place, rates in one.figures[name].rates.items():
            found.setdefault(place, []).append(fmean(map(math.log, rates)) - centre)
    return {place: fmean(values) for place, values in found.items()}


def ratio(one: Contender, first: Contender, matched: Sequence[str], prices: Mapping[str, float]) -> Ratio:
    """Hold one contender against the first."""
    difference = fmean(one.figures[name].log - first.figures[name].log for name in matched)
    ends = None if one is first else interval(difference, parts(cells(one, matched)), parts(cells(first, matched)))
    watts, base = power(one, matched), power(first, matched)
    relative = math.exp(difference)
    money = relative * prices[first.label] / prices[one.label] if {one.label, first.label} <= set(prices) else None
    shares = [fmean(one.figures[name].shares) for name in matched if one.figures[name].shares]
    share = math.exp(fmean(map(math.log, shares))) if shares and min(shares) > 0 else None
    efficiency = relative * base / watts if watts and base else None
    return Ratio(one.label, relative, ends, efficiency, money, share, len(matched), watts)


def power(one: Contender, matched: Sequence[str]) -> float | None:
    """Give the mean power over the matched cases, W a device; None unless every one of them has it."""
    known = [fmean(one.figures[name].watts) for name in matched if one.figures[name].watts]
    return fmean(known) if known and len(known) == len(matched) else None


def reasons(contenders: Sequence[Contender], matched: Sequence[str]) -> list[str]:
    """Say why nothing may be ranked: too few nodes or sessions, nothing matched, or an answer that is wrong."""
    found = [] if matched else ["no case is matched, so there is nothing to rank"]
    for one in contenders:
        if len(one.nodes) < FEWEST_NODES:
            found.append(
                f"{one.label} was measured on {len(one.nodes)} nodes, {FEWEST_NODES} at least are needed: machines of one kind differ"
            )
        if len(one.sessions) < FEWEST_SESSIONS:
            found.append(f"{one.label} was measured in {len(one.sessions)} sessions, {FEWEST_SESSIONS} at least are needed: days differ")
    return found


def ranked(contenders: Sequence[Contender], matched: Sequence[str]) -> list[list[str]]:
    """Order contenders by speed; a contender joins the one before it where the interval of their ratio holds 1."""
    level = {one.label: fmean(one.figures[name].log for name in matched) for one in contenders}
    ordered = sorted(contenders, key=lambda one: (-level[one.label], one.label))
    groups = [[ordered[0]]]
    for one in ordered[1:]:
        last = groups[-1][0]
        ends = interval(level[last.label] - level[one.label], parts(cells(last, matched)), parts(cells(one, matched)))
        if ends is not None and ends[0] > 1:
            groups.append([one])
        else:
            groups[-1].append(one)
    return [[one.label for one in group] for group in groups]


def as_dict(found: Versus) -> dict[str, Any]:
    """Give it as plain JSON types."""
    rows = {
        name: {
            one.label: {"rate": math.exp(one.figures[name].log), "unit": one.figures[name].unit, "runs": one.figures[name].runs}
            for one in found.contenders
        }
        for name in found.matched
    }
    who = [
        {
            "label": one.label,
            "runs": list(one.runs),
            "nodes": list(one.nodes),
            "sessions": list(one.sessions),
            "origin": one.origin,
            "hardware": one.hardware,
        }
        for one in found.contenders
    ]
    return {
        "schema": "assay.versus/1",
        "contenders": who,
        "wrong": found.wrong,
        "matched": rows,
        "unmatched": dict(found.unmatched),
        "ratios": [asdict(one) for one in found.ratios],
        "ranking": [list(group) for group in found.ranking],
        "unranked": list(found.unranked),
    }
