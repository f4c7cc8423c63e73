"""The fidelity program runs and tells what it promises; its figures are for a quiet machine (``nox -s fidelity``), never asserted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from assay.harness.launch.mpi import find_mpiexec

PROGRAM = Path(__file__).parent / "fidelity.py"


@pytest.mark.mpi
def test_fidelity_tells_ratios_with_intervals_for_the_same_call() -> None:
    command = [find_mpiexec().path, "-n", "2", sys.executable, "-m", "mpi4py", str(PROGRAM), "6", "1024"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    found = json.loads(done.stdout)
    (row,) = found["all_reduce"]
    assert found["ranks"] == 2
    assert row["pairs"] == 6
    for pair in ("ours / bare", "ours, fresh and checked / bare, fresh and checked"):
        low, middle, high = row[pair]["ratio"]
        assert 0 < low <= middle <= high
    assert found["empty_step"]["timed_us"] > 0
