"""Which plan a run of a dossier had: the same work for whoever measured it, whatever was then left out or went wrong."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assay.harness.errors import RefusalError

FEW = 3


def canonical(data: object) -> bytes:
    """Write plain JSON in one way only."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def work_of(plan: object) -> dict[str, dict[str, Any]]:
    """Give every case of a plan by key, those that were left out (by a shard, a budget, a name) too; KeyError or TypeError for no plan."""
    if not isinstance(plan, Mapping):
        message = "is no plan"
        raise TypeError(message)
    cases = [*plan["cases"], *(row["case"] for row in plan.get("left_out") or [])]
    return {str(case["key"]): dict(case) for case in cases}


def plan_hash(plan: object) -> str:
    """Hash what was planned: the keys of its cases in any order. A run that left some out had planned them; empty for no plan."""
    try:
        return hashlib.sha256(canonical(sorted(work_of(plan)))).hexdigest()
    except (KeyError, TypeError, ValueError):
        return ""


def read_sent(path: Path) -> dict[str, Any]:
    """Read a plan that is sent from house to house; RefusalError where it is none or a case's key is not what its contents give."""
    from assay.harness.case import Case

    try:
        data = json.loads(path.read_bytes())
        work = work_of(data)
        odd = next((key for key, case in work.items() if Case.from_dict(case).key != key), None)
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        message = f"cannot be read as a plan: {error}"
        raise RefusalError(message, value=str(path), where="--plan", fix="Make one with assay plan --out FILE.") from error
    if odd is not None or not work:
        message = f"holds a case whose key does not fit its contents: {odd}" if odd else "has no cases"
        raise RefusalError(message, value=str(path), where="--plan", fix="Make it again with assay plan --out FILE.")
    return dict(data)


def differences(sent: object, had: object) -> list[str]:
    """Say in what the cases of a plan differ from those of the one that was sent; empty if it is the same work on the same terms."""
    try:
        wanted, found = work_of(sent), work_of(had)
    except (KeyError, TypeError, ValueError):
        return ["it has no plan that can be read"]
    told = [f"lacks {key}" for key in wanted if key not in found]
    told += [f"has {key}, which the plan has not" for key in found if key not in wanted]
    for key in wanted.keys() & found.keys():
        names = sorted({*wanted[key], *found[key]})
        told += [f"{key}: {name} is another" for name in names if wanted[key].get(name) != found[key].get(name)]
    return [*sorted(told)[:FEW], *([f"and {len(told) - FEW} more"] if len(told) > FEW else [])]
