"""Rules as declarations: read, validated, never evaluated as code.

A rule file can therefore do no more than set thresholds; every threshold that could pass everything (zero, negative, missing, not
finite, in another unit) is refused with its configuration path.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from assay.harness.errors import RefusalError
from assay.results.aims import AIMED, Aim, read_aim, threshold, version

# Kinds that exist exactly once, in the form of AIMED.
SINGLE: Mapping[str, tuple[set[str], set[str]]] = MappingProxyType(
    {
        "correct": (set(), set()),
        "coverage": ({"share"}, set()),
        "plausible": ({"stated", "measured"}, set()),
        "relative": ({"min_effect", "min_seconds"}, set()),
    },
)
KEYS: Mapping[str, tuple[set[str], set[str]]] = MappingProxyType({**SINGLE, **AIMED})


@dataclass(frozen=True)
class Rules:
    """Every rule of a run, read and validated; ``versions`` and ``names`` go by kind for those that exist once."""

    share: float
    stated: float
    measured: float
    min_effect: float
    min_seconds: float
    aims: tuple[Aim, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)


def read_rules(rules: Any) -> Rules:
    """Read the composed ``rules`` group: name -> rule.

    RefusalError names the path (``rules.NAME.KEY``) of an unknown kind or key, and of a threshold that cannot judge. Kinds that do not aim
    at figures of some cases exist exactly once: truth and coverage cannot be turned off.
    """
    if not isinstance(rules, Mapping):
        message = "is a mapping from a rule's name to the rule"
        raise RefusalError(message, value=rules, where="rules", fix="Choose rules=default.")
    for name, rule in rules.items():
        check_keys(rule, where=f"rules.{name}")
    single = {kind: only(rules, kind) for kind in SINGLE}
    part = {kind: (f"rules.{name}", rules[name]) for kind, name in single.items()}
    return Rules(
        share=threshold(part["coverage"][1], "share", where=part["coverage"][0], most=1.0),
        stated=threshold(part["plausible"][1], "stated", where=part["plausible"][0], least=1.0),
        measured=threshold(part["plausible"][1], "measured", where=part["plausible"][0], least=1.0),
        min_effect=threshold(part["relative"][1], "min_effect", where=part["relative"][0], most=1.0),
        min_seconds=threshold(part["relative"][1], "min_seconds", where=part["relative"][0]),
        aims=tuple(read_aim(str(name), rule) for name, rule in rules.items() if rule["kind"] in AIMED),
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
