"""Damaged stores: whatever a file says, a fleet is judged or refused in words, never with a traceback."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assay.harness.errors import AssayError
from assay.results.device_history import device_history
from assay.results.device_text import render_device
from assay.results.fleet_runs import read_fleet
from assay.results.fleet_text import fleet_document, render_fleet
from assay.results.sweep import sweep
from tests.results.fleets import uuid, write_fleet

GARBAGE = (None, 3, [], {}, "x", [1], {"a": 1}, -1, float("inf"), True, "\x1b[2J")


def damaged(rng: np.random.Generator, data: Any) -> Any:
    """Replace something somewhere in a JSON value by something else."""
    if rng.random() < 0.7 and data:
        if isinstance(data, dict):
            name = list(data)[int(rng.integers(len(data)))]
            return data | {name: damaged(rng, data[name])}
        if isinstance(data, list):
            at = int(rng.integers(len(data)))
            return [*data[:at], damaged(rng, data[at]), *data[at + 1 :]]
    return GARBAGE[int(rng.integers(len(GARBAGE)))]


@pytest.mark.parametrize("name", ["run.json", "verdicts.json", "plan.json", "records.jsonl", "measurements/000-ranks.jsonl"])
def test_no_damage_ends_in_a_traceback(tmp_path: Path, name: str) -> None:
    runs = write_fleet(tmp_path, nodes=2, runs=2)
    path = runs[0].path / name
    whole = path.read_text()
    rng = np.random.default_rng(len(name))
    for _ in range(60):
        lines = whole.splitlines() if name.endswith("l") else [whole]
        at = int(rng.integers(len(lines)))
        cut = lines[at][: int(rng.integers(len(lines[at])))]
        lines[at] = cut if rng.random() < 0.1 else json.dumps(damaged(rng, json.loads(lines[at])))
        path.write_text("\n".join(lines) + "\n")
        with contextlib.suppress(AssayError):
            found = sweep(read_fleet(runs))
            assert "\x1b" not in render_fleet(found, color=False, width=80)
            json.dumps(fleet_document(found), allow_nan=False)
            assert found.decides() != 0 or set(found.worst) == {uuid(node, slot) for node in range(2) for slot in range(8)}
        with contextlib.suppress(AssayError):
            assert "\x1b" not in render_device(device_history(runs, uuid(0, 0)), color=False)
