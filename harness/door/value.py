"""Which cases a time budget keeps: breadth first, the cheapest first within a tier."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from assay.harness.case import Case

# What makes a case another kind than its neighbours: it runs through other code and other hardware.
KIND = ("transport", "dtype")


def tiers(cases: Sequence[Case], cost: Callable[[Case], float]) -> list[list[Case]]:
    """Sort cases into tiers of falling value, each from cheap to dear (plan order among equals).

    First calibration, which others are held against; then the cheapest case of every suite; then the cheapest of every further kind,
    which is a suite with a transport and a dtype; then all others.
    """
    calibration = [case for case in cases if case.suite == "calibrate"]
    rest = sorted((case for case in cases if case.suite != "calibrate"), key=cost)
    suites: dict[str, Case] = {}
    for case in rest:
        suites.setdefault(case.suite, case)
    kinds = {kind(case): case for case in suites.values()}
    for case in rest:
        kinds.setdefault(kind(case), case)
    first = {case.key for case in suites.values()}
    second = {case.key for case in kinds.values()} - first
    return [
        calibration,
        [case for case in rest if case.key in first],
        [case for case in rest if case.key in second],
        [case for case in rest if case.key not in first | second],
    ]


def kind(case: Case) -> tuple[object, ...]:
    """Name the kind of a case."""
    return (case.suite, *(str(case.params.get(name)) for name in KIND))


def affordable(cases: Sequence[Case], cost: Callable[[Case], float], seconds: float) -> set[str]:
    """Give the keys of the cases that fit into ``seconds`` together, taken by value; each that still fits is taken."""
    kept: set[str] = set()
    spent = 0.0
    for tier in tiers(cases, cost):
        for case in tier:
            if spent + cost(case) <= seconds:
                spent += cost(case)
                kept.add(case.key)
    return kept
