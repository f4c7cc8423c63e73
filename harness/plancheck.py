"""What a configuration may say of suites, budgets, ranks and planted faults; the rest is refused before a plan exists."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from assay.harness.case import Budget, Case
from assay.harness.errors import RefusalError
from assay.harness.inject import KINDS, check_fault
from assay.harness.params import Param

# A suite's YAML may hold these; every other key is a parameter of its function.
SUITE_KEYS = {"target", "summary", "version", "align", "limits", "units", "ranks", "budget", "axes"}
# Top-level keys that every suite taking a parameter of that name shares; a user's value replaces the suite's own.
SHARED = ("dtype", "impl", "layout", "seed")
MOST = 1e9  # of anything in a budget: thirty years in seconds, and what the system's timers still take


def check_options(options: Mapping[str, Any], parameters: Mapping[str, Param], *, where: str) -> None:
    """Refuse options and axes that are neither a suite key nor a parameter (an axis of mappings may have any name)."""
    for name in parameters:
        if name in SUITE_KEYS or name in ("inject", "timer"):  # the case key holds planted faults and timers under these names
            message = f"its function has a parameter named {name}, which means something else in a suite's configuration"
            raise RefusalError(message, where=where, fix="Rename the parameter.")
    for name in ("axes", "budget", "ranks", "units"):
        if not isinstance(options.get(name) or {}, Mapping):
            message = "must hold names and values"
            raise RefusalError(message, value=options[name], where=f"{where}.{name}", fix=f"Write {where}.{name}.NAME=VALUE.")
    limits = options.get("limits") or []
    if not isinstance(limits, (list, tuple)) or not all(isinstance(limit, str) for limit in limits):
        message = "is a list of names"
        raise RefusalError(message, value=limits, where=f"{where}.limits", fix=f"Write {where}.limits=[memory_copy].")
    for name in options:
        if name not in SUITE_KEYS and name not in parameters:
            message = "is neither an option nor a parameter of this suite"
            fix = f"Its parameters are {', '.join(parameters)}."
            raise RefusalError(message, value=name, where=f"{where}.{name}", fix=fix)


def check_ranks(ranks: Mapping[str, Any], nranks: int, *, where: str) -> None:
    """Refuse a rank count that the suite cannot use."""
    for name, value in ranks.items():
        if name not in ("min", "max"):
            message = "is neither min nor max"
            raise RefusalError(message, value=name, where=f"{where}.ranks.{name}", fix="A suite takes ranks.min and ranks.max.")
        positive_int(value, where=f"{where}.ranks.{name}")
    low, high = ranks.get("min", 1), ranks.get("max", nranks)
    if not low <= nranks <= high:
        message = f"cannot use {nranks} ranks: it takes {low} to {high if 'max' in ranks else 'any number'}"
        raise RefusalError(message, where=where, fix="Set site.nranks, or leave the suite out.")


def check_shared(config: Mapping[str, Any], taken: set[str]) -> None:
    """Refuse a shared key that no chosen suite takes: it would silently do nothing."""
    for name in SHARED:
        if config.get(name) is not None and name not in taken:
            message = f"no chosen suite takes {name}"
            raise RefusalError(
                message, value=config[name], where=name, fix=f"Leave it out, or choose a suite with a parameter {name} (assay suites)."
            )


def check_inject(config: Mapping[str, Any], cases: Sequence[Case]) -> None:
    """Refuse a planted fault that would hit no case: a detector's test must not pass because nothing was planted."""
    plant = config.get("inject") or {}
    if plant.get("kind") is None:
        if any(value is not None for value in plant.values()):
            message = "options of a planted fault, but no kind"
            raise RefusalError(message, where="inject.kind", fix=f"Set inject.kind to one of {', '.join(KINDS)}.")
        return
    check_fault(plant, nranks=cases[0].nranks, where="inject")
    if not any(case.inject for case in cases):
        message = "the planted fault hits no case"
        raise RefusalError(message, value=dict(plant), where="inject", fix="Set inject.suite and inject.match to what is planned.")


def budget(shared: Mapping[str, Any], own: Mapping[str, Any], *, where: str) -> Budget:
    """Merge the shared and the suite's own budget; RefusalError for unknown names and values that are not positive."""
    for path, part in (("budget", shared), (f"{where}.budget", own)):
        if not isinstance(part, Mapping):
            message = "must hold names and values"
            raise RefusalError(message, value=part, where=path, fix="Write budget.seconds=1, for example.")
    merged = {name: value for name, value in {**shared, **own}.items() if value is not None}
    known = {f.name: f.default for f in dataclasses.fields(Budget)}
    for name, value in merged.items():
        path = f"{where}.budget.{name}" if name in own else f"budget.{name}"
        if name not in known:
            message = "is no part of a budget"
            raise RefusalError(message, value=name, where=path, fix=f"Its parts are {', '.join(known)}.")
        none = name == "retries" and value == 0  # the only part that may be zero
        bad = isinstance(value, bool) or not isinstance(value, (int, float)) or not (none or 0 < value <= MOST)
        if bad or (isinstance(known[name], int) and not isinstance(value, int)):
            message = "must be a positive number" if not isinstance(known[name], int) else "must be a positive whole number"
            raise RefusalError(message, value=value, where=path, fix=f"Its default is {known[name]}.")
    return Budget(**merged)


def positive_int(value: object, *, where: str) -> int:
    """Return a positive int; RefusalError otherwise."""
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    message = "must be a positive whole number"
    raise RefusalError(message, value=value, where=where, fix="Write 1 or more.")


def one_of(value: object, choices: Sequence[str], *, where: str) -> str:
    """Return ``value`` if it is one of ``choices``; RefusalError otherwise."""
    if value in choices:
        return str(value)
    message = "is not one of the choices"
    raise RefusalError(message, value=value, where=where, fix=f"Choose one of {', '.join(choices)}.")
