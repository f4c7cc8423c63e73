"""One small case of the gate's calibration: the published goals hold in it, and the peers' rules are told apart from ours."""

from __future__ import annotations

import numpy as np

from tests.calibration.gate import cell, text
from tests.calibration.gate_looks import edge_row, extend_row


def test_goals_hold_in_a_small_case() -> None:
    counts = cell(np.random.default_rng(20261126), model="normal", drift=0.01, step=0.05, pairs=10, suites=8, spread=0.0)
    ours = counts["assay gate"]
    assert ours.recall >= 0.98
    assert ours.false_flags <= 1  # the goal is 0.3 a suite; eight suites can show no more than that it is not 40
    assert counts["Mann-Whitney, A then B"].false_flags > 10  # drift between two blocks of runs is taken for a difference
    assert counts["t-test, single runs"].false_flags > 50  # iterations are no runs


def test_two_percent_is_seen_better_than_by_one_run() -> None:
    counts = cell(np.random.default_rng(5), model="normal", drift=0.0, step=0.02, pairs=10, suites=8, spread=0.0)
    assert counts["assay gate"].recall >= 0.7
    assert counts["one run, 5 %"].recall < 0.3


def test_table_is_whole() -> None:
    rows = [line for line in text(1, 1).splitlines() if line.startswith("| ")]
    assert len(rows) == 1 + 5 * 4 + 4 + 3
    assert all(row.count("|") == rows[0].count("|") for row in rows)


def test_spikes_hide_no_slowdown() -> None:
    counts = cell(np.random.default_rng(20261127), model="spikes", drift=0.01, step=0.05, pairs=10, suites=8, spread=0.0)
    assert counts["assay gate"].recall >= 0.95  # 0.98 is the goal; eighty cases cannot show more
    assert counts["assay gate"].false_flags <= 1


def test_more_pairs_settle_cases_at_no_more_false_flags() -> None:
    rows = {more: extend_row(np.random.default_rng(6), model="normal", drift=0.01, more=more, suites=4) for more in (0, 20)}
    assert rows[0].extended == 0
    assert rows[20].undecided < 0.7 * rows[0].undecided
    assert rows[20].false_flags <= 1


def test_at_the_edge_of_the_margin_few_are_called_the_same() -> None:
    called, total = edge_row(np.random.default_rng(7), model="lognormal", more=10, suites=4)
    assert 0 < called / total < 0.1
