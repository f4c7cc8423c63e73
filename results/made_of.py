"""What a named set of runs is made of: the nodes it was measured on, and the cases that it holds no figure of. Standard library only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from assay.harness.errors import StoreError
from assay.harness.rundir import RunDir


def nodes_of(runs: Iterable[RunDir]) -> tuple[str, ...]:
    """Name every host that ranks of these runs sat on, sorted; of a run without a line of its ranks, the host of its door."""
    found: set[str] = set()
    for run in runs:
        hosts = {str(rank["host"]) for rank in run.ranks() if rank.get("host")}
        found |= hosts or {str(host) for host in [read(run, "run.json").get("host")] if host}
    return tuple(sorted(found))


def left_out_of(runs: Iterable[RunDir]) -> dict[str, str]:
    """Give, by its key, why a case has no figure in one of these runs at least: its status and reason in the first such run."""
    found: dict[str, str] = {}
    for run in runs:
        coverage = read(run, "verdicts.json").get("coverage")
        rows = [row for name in ("rows", "left_out_rows") for row in (coverage or {}).get(name) or []]
        for row in rows:
            if isinstance(row, Mapping) and row.get("key"):
                found.setdefault(str(row["key"]), f"{row.get('status')}: {row.get('reason')} (in {run.id})")
    return found


def read(run: RunDir, name: str) -> Mapping[str, Any]:
    """Read a file of a run; empty where it cannot be read."""
    try:
        data = run.read_json(name)
    except StoreError:
        return {}
    return data if isinstance(data, Mapping) else {}
