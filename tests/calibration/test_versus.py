"""One small case of the versus table: intervals hold the truth where days differ, and a planted difference is ranked the right way round."""

from __future__ import annotations

import numpy as np

from tests.calibration.models import proportion
from tests.calibration.versus import Setting, cell, outcome, vendor


def test_intervals_hold_the_truth_where_sessions_differ() -> None:
    found = cell(np.random.default_rng(7), Setting(nodes=5, sessions=3, node=0.003, session=0.01), 60)
    low, high = proportion(found.covered, found.trials)
    assert low <= 0.95 <= high
    assert found.nodes_only < found.covered - found.trials // 4, "nodes as the only units miss what days do"
    assert found.rate(1.0, "wrong") < 0.15


def test_a_large_difference_is_ranked_and_never_the_wrong_way_round() -> None:
    found = cell(np.random.default_rng(8), Setting(nodes=8, sessions=3, session=0.0), 25)
    assert found.rate(1.10, "right") == 1.0
    assert found.rate(1.10, "wrong") == found.rate(1.05, "wrong") == 0.0


def test_vendors_are_drawn_as_said() -> None:
    one = vendor(np.random.default_rng(9), "a", 2.0, Setting(nodes=200, sessions=100, node=0.02, session=0.01, run=0.0))
    (figure,) = [one.figures["case0"]]
    logs = np.log([[figure.rates["a" + str(i), f"a-{j}"][0] for j in range(100)] for i in range(200)])
    assert abs(logs.mean() - np.log(2.0)) < 0.01
    assert abs(logs.mean(axis=1).std() - 0.02) < 0.003
    assert abs(logs.mean(axis=0).std() - 0.01) < 0.002


def test_outcomes_are_told_apart() -> None:
    assert [outcome(ranking, 1.05) for ranking in ([["a", "b"]], [["b"], ["a"]], [["a"], ["b"]])] == ["together", "right", "wrong"]
    assert outcome([["b"], ["a"]], 1.0) == "wrong"
