"""Stores of many runs whose truth is known: which step was planted where, and what else changed with it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from assay.results.series import moment_of
from assay.results.store import Store, new_id
from tests.results.builders import FACTS, time_record

START = datetime(2026, 10, 1, tzinfo=UTC)
KEY = "gemm/1/cpu/barrier/m=64/1x1"
Values = Callable[[int, np.random.Generator], float]
Changes = Callable[[int], Mapping[str, Any]]


def day(i: int) -> datetime:
    """Give when run ``i`` began: one a day."""
    return START + timedelta(days=i)


def run_id(i: int) -> str:
    """Give the id of run ``i``."""
    return new_id(day(i), f"{i:06x}")


def around(level: float, *, step: float = 0.0, at: int = 10**9, cv: float = 0.01) -> Values:
    """Make the values of one series: Gaussian around ``level``, and (1 + step) times that from run ``at`` on."""
    return lambda i, rng: level * (1 + cv * float(rng.standard_normal())) * (1 + step if i >= at else 1)


def nothing(_: int) -> Mapping[str, Any]:
    """Change nothing."""
    return {}


def tell(
    root: Path,
    series: Mapping[str, Values],
    *,
    runs: Sequence[int] = range(60),
    facts: Changes = nothing,
    described: Changes = nothing,
    record: Changes = nothing,
    seed: int = 1,
) -> Store:
    """Write a store of one run a day.

    Args:
        root: the store's folder.
        series: values by ``KEY`` or ``KEY SUBJECT``.
        runs: numbers of the runs.
        facts: what differs from ``FACTS`` in a run, by its number.
        described: the same of ``run.json``.
        record: the same of every record.
        seed: of the noise.

    """
    rng = np.random.default_rng(seed)
    for i in runs:
        path = root / run_id(i)
        path.mkdir(parents=True)
        plain = {"id": path.name, "status": "finished", "started": day(i).isoformat(), "plan": "ci", "hw_class": "hw1", "host": "toy"}
        (path / "run.json").write_text(json.dumps(plain | {"sw_class": "sw1", "assay": "0.1.0"} | dict(described(i))), encoding="utf-8")
        # Runs of days to come were written then, as far as the file system knows.
        written = (moment_of(str((plain | dict(described(i)))["started"])) or day(i)).timestamp() + 60
        os.utime(path / "run.json", (written, written))
        (path / "facts.json").write_text(json.dumps(FACTS | dict(facts(i))), encoding="utf-8")
        lines = [line(name, values(i, rng), path.name, described(i), record(i)) for name, values in series.items()]
        (path / "records.jsonl").write_text("".join(lines), encoding="utf-8")
    return Store(root)


def line(name: str, value: float, run: str, described: Mapping[str, Any], more: Mapping[str, Any]) -> str:
    """Write one record."""
    key, _, subject = name.partition(" ")
    made = time_record(value, run=run, key=key, subject=subject or "device0", hw_class=str(described.get("hw_class", "hw1")))
    return json.dumps(made.as_dict() | {"suite": key.split("/")[0]} | dict(more)) + "\n"


def cases(count: int, suites: Sequence[str] = ("gemm", "all_reduce")) -> list[str]:
    """Name some cases of several suites."""
    return [f"{suites[k % len(suites)]}/1/cpu/barrier/m={k}/1x1" for k in range(count)]
