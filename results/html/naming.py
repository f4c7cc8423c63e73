"""Names of cases in drawings: the suite, and what sets a case apart from the others of its suite."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from assay.results.tables import constants, label, spelled

ONLY = "(only case)"


def case_names(cases: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Give each case's name by its key; two cases of one name (same parameters, another version or layout) get their whole keys."""
    shared = shared_params(cases)
    names = {str(case["key"]): case_name(case, shared[str(case["suite"])]) for case in cases}
    counted = Counter(names.values())
    return {key: key if counted[name] > 1 else name for key, name in names.items()}


def shared_params(cases: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Give the parameters that are the same in all cases of a suite, by suite."""
    suites: dict[str, list[Mapping[str, Any]]] = {}
    for case in cases:
        suites.setdefault(str(case["suite"]), []).append(case)
    return {suite: dict(constants(own)) for suite, own in suites.items()}


def case_name(case: Mapping[str, Any], shared: Mapping[str, Any]) -> str:
    """Name one case; the only case of a suite is named after the suite alone."""
    own = label(case, shared)
    return str(case["suite"]) if own == ONLY else f"{case['suite']} {own}"


def spelled_out(shared: Mapping[str, Any]) -> str:
    """Write shared parameters."""
    return " ".join(spelled(name, value) for name, value in shared.items())


def fitted(name: str, room: int) -> str:
    """Shorten a name to ``room`` characters in its middle: what sets it apart mostly stands at its ends."""
    if len(name) <= room:
        return name
    end = (room - 2) // 2
    return f"{name[: room - 2 - end]}..{name[len(name) - end :]}"
