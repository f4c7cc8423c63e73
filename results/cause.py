"""Why a series changed, as far as the runs around the change can tell: method, hardware, environment, the code, or nothing but noise."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from assay.results.series import Series

AROUND = 8  # runs on either side in which a fact must change once and only once
NEAR = 2  # runs by which a change may be misplaced
# Most telling first: if several kinds of facts changed at once the first names the class, and all are told.
KINDS = ("method", "hardware", "environment", "real")
METHOD = ("assay", "packages.assay-harness", "code")
HARDWARE = ("hw_class", "host", "cpu_model", "cores", "memory_gib", "devices")
CODE = ("git.revision", "git.dirty")
OFTEN = 0.5  # share of runs with a mark from which on a segment counts as marked
LONGEST, REVISION = 60, 12
Facts = Mapping[str, str]


@dataclass(frozen=True)
class Cause:
    """The likely class of a change.

    ``kind`` is ``method``, ``hardware``, ``environment``, ``real`` or ``noise``; ``evidence`` are sentences, most telling first.
    """

    kind: str
    evidence: tuple[str, ...]


@dataclass(frozen=True)
class Moved:
    """What else happened at a change: cases of the same hardware that could have moved, and those that did.

    Attributes:
        cases: cases with runs on both sides of the change.
        moved: those that changed there in the same direction.
        suites: suites of those that moved.
        subjects: subjects of this machine with at least as many cases.
        alone: whether every other subject stayed where it was.

    """

    cases: int = 0
    moved: int = 0
    suites: int = 0
    subjects: int = 1
    alone: bool = False

    @property
    def together(self) -> bool:
        """Tell whether the machine as a whole moved: three cases at least, and four of five of them."""
        return self.cases >= 3 and self.moved >= 0.8 * self.cases  # noqa: PLR2004 - said in the docstring


def flatten(facts: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Write facts as text by dotted name, so that two machines can be held against each other."""
    found: dict[str, str] = {}
    for name, value in facts.items():
        if isinstance(value, Mapping):
            found |= flatten(value, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    return found


def kind_of(fact: str) -> str:
    """Say which class of cause a fact speaks for."""
    if fact in METHOD:
        return "method"
    if fact in CODE:
        return "real"
    return "hardware" if fact in HARDWARE else "environment"


def find_cause(
    series: Series, index: int, *, bounds: tuple[int, int], facts: Callable[[int], Facts], moved: Moved, doubt: str = ""
) -> Cause:
    """Name the likely cause of a change.

    Args:
        series: the series.
        index: first value of its new segment.
        bounds: where the segment before begins and the new one ends.
        facts: gives a run's facts by its place; empty where nobody wrote them down.
        moved: what the other series did.
        doubt: why the change may be none; then it is noise, whatever else changed.

    """
    changed = facts_changed(series, index, bounds=bounds, facts=facts)
    marks = marks_changed(series, index, bounds=bounds)
    together = machine_sentence(moved)
    evidence = [sentence for kind in KINDS for name, sentence in changed if kind_of(name) == kind]
    if doubt:
        return Cause("noise", (doubt, *together, *evidence, *marks))
    kinds = {kind_of(name) for name, _ in changed}
    if moved.alone and not kinds & {"method", "environment"}:
        kinds.add("hardware")
    elif marks or (moved.together and "real" not in kinds):
        kinds.add("environment")
    kind = next((kind for kind in KINDS if kind in kinds), "real")
    told = (*evidence, *marks, *together)
    return Cause(kind, told or ("nothing else that was written down changed with it",))


def facts_changed(series: Series, index: int, *, bounds: tuple[int, int], facts: Callable[[int], Facts]) -> list[tuple[str, str]]:
    """Give (fact, sentence) for every fact that changed once around the step, and within two runs of it.

    A fact that changes more often around it (a commit a run, hosts in turn) explains no step.
    """
    start, end = max(bounds[0], index - AROUND), min(bounds[1], index + AROUND)
    told = [(i, facts(series.places[i])) for i in range(start, end)]
    told = [(i, one) for i, one in told if one]
    found = []
    for name in sorted({name for _, one in told for name in one}):
        values = [(i, one.get(name, "")) for i, one in told]
        steps = [(i, before, after) for (_, before), (i, after) in itertools.pairwise(values) if before != after]
        if len(steps) == 1 and abs(steps[0][0] - index) <= NEAR:
            found.append((name, sentence_of(name, *steps[0], index)))
    return found


def sentence_of(name: str, at: int, before: str, after: str, index: int) -> str:
    """Say which fact changed, and where if not at the step itself."""
    where = "" if at == index else f" ({abs(at - index)} run{'s' * (abs(at - index) > 1)} {'after' if at > index else 'before'} the step)"
    return f"{name} {told(name, before)} -> {told(name, after)}{where}"


def told(name: str, value: str) -> str:
    """Write a fact's value, a git revision by its first twelve digits."""
    return value[:REVISION] if name == "git.revision" and value else short(value)


def short(value: str) -> str:
    """Cut a long value."""
    shown = value or "(none)"
    return shown if len(shown) <= LONGEST else f"{shown[: LONGEST - 3]}..."


def marks_changed(series: Series, index: int, *, bounds: tuple[int, int]) -> tuple[str, ...]:
    """Name the marks that most values carry on one side of the step and few on the other; numbers inside a mark do not count."""
    before, after = series.flags[bounds[0] : index], series.flags[index : bounds[1]]
    found = []
    for mark in sorted({mark_of(flag) for flags in (*before, *after) for flag in flags} - {""}):
        counts = [sum(mark in map(mark_of, flags) for flags in side) for side in (before, after)]
        shares = [count / len(side) for count, side in zip(counts, (before, after), strict=True)]
        if max(shares) >= OFTEN and min(shares) <= OFTEN / 2:
            found.append(f"marked {mark!r}: {counts[0]} of {len(before)} runs before, {counts[1]} of {len(after)} after")
    return tuple(found)


def mark_of(flag: str) -> str:
    """Give a mark without its figures; which rank is slowest is no mark on quality."""
    return "" if flag.startswith("slowest rank") else " ".join("".join(c for c in flag if not c.isdigit()).split())


def machine_sentence(moved: Moved) -> tuple[str, ...]:
    """Say how many cases moved at once, where that tells something."""
    if moved.alone:
        return (f"{moved.moved} of {moved.cases} cases of this subject moved, none of the other {moved.subjects - 1} subjects did",)
    if moved.moved > 1:
        return (f"{moved.moved} of {moved.cases} cases on this hardware moved at the same time",)
    return ()


def doubt_of(level: str, reason: str, *, notices: int, series: int) -> str:
    """Say why a change may be nothing: it is inconclusive, or a notice where chance alone makes as many.

    One clean series in 100 has a notice, so among many series a few are expected (binomial, one-sided 5 %).
    """
    if level == "inconclusive":
        return reason
    if level != "notice":
        return ""
    from scipy.stats import binom

    expected = int(binom.ppf(0.95, series, 0.01))
    if notices > expected:
        return ""
    return f"{notices} of {series} series have a notice, and up to {expected} would without any change"
