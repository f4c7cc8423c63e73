"""One small case of the localisation table, and the grading of answers."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from assay.results.fabric import Component
from tests.calibration.blame import grade, trial

A, B = Component("node", ("a",)), Component("node", ("b",))


@pytest.mark.parametrize(("rounds", "answer"), [(1, "cannot tell"), (3, "exact")])
def test_a_slow_node(rounds: int, answer: str) -> None:
    rng = np.random.default_rng(5)
    found = Counter(trial(rng, hosts=16, rounds=rounds, noise=0.01, level="node", lost=0.05) for _ in range(20))
    assert found[answer] >= 17


@pytest.mark.parametrize(
    ("bad", "found", "said"),
    [
        (None, [], "exact"),
        (None, [(A,)], "wrong"),
        (A, [], "missed"),
        (A, [(A,)], "exact"),
        (A, [(A, B)], "cannot tell"),
        (A, [(B,)], "wrong"),
        (A, [(A,), (B,)], "wrong"),
    ],
)
def test_grades(bad: Component | None, found: list[tuple[Component, ...]], said: str) -> None:
    assert grade(bad, found) == said
