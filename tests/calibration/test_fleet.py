"""Small cases of the fleet's and the localiser's calibration."""

from __future__ import annotations

import numpy as np

from tests.calibration import blame, fleet


def test_hiccups_do_not_drain_a_fleet() -> None:
    counts = fleet.cell(np.random.default_rng(1), fleet.KINDS[2], size=512, runs=5, bad=0, deficit=0.0, sweeps=2)
    assert counts["assay, confirmed"][1] == 0
    assert counts["mean - 3 sigma"][1] > 4  # the mean keeps the hiccups


def test_sick_units_are_found() -> None:
    counts = fleet.cell(np.random.default_rng(2), fleet.KINDS[0], size=128, runs=5, bad=16, deficit=0.05, sweeps=2)
    assert counts["assay, confirmed"] == (32, 0)
    assert counts["mean - 3 sigma"][0] < 8  # sick units widen sigma until they hide in it


def test_three_rounds_name_a_node() -> None:
    counted = blame.cell(np.random.default_rng(3), hosts=16, rounds=3, noise=0.01, kind="node", deficit=0.03, trials=10)
    assert counted["right"] >= 9
    assert counted["peer"] <= 2


def test_tables_are_whole() -> None:
    for text, rows in ((fleet.main(1, 1), 1 + 3 * 2 * 5 + 2 * 3 * 2), (blame.main(1, 1), 1 + 12)):
        lines = [line for line in text.splitlines() if line.startswith("| ")]
        assert len(lines) == rows
        assert all(line.count("|") == lines[0].count("|") for line in lines)
