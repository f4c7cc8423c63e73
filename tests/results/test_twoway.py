"""The variance of a level over nodes and sessions, against the textbook's sums of squares, and what it does where cells are missing."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from assay.results.twoway import interval, parts


def cells(values: np.ndarray) -> dict[tuple[str, str], float]:
    return {(f"n{i}", f"s{j}"): float(values[i, j]) for i in range(values.shape[0]) for j in range(values.shape[1])}


@pytest.mark.parametrize(("nodes", "sessions", "seed"), [(3, 2, 1), (4, 3, 3), (8, 5, 5)])
def test_the_parts_are_those_of_the_analysis_of_variance(nodes: int, sessions: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    y = rng.standard_normal((nodes, sessions)) + 2 * rng.standard_normal(sessions)
    middle = y.mean()
    of_nodes = sessions * ((y.mean(1) - middle) ** 2).sum() / (nodes - 1)
    of_sessions = nodes * ((y.mean(0) - middle) ** 2).sum() / (sessions - 1)
    left = y - y.mean(1, keepdims=True) - y.mean(0, keepdims=True) + middle
    residual = (left**2).sum() / ((nodes - 1) * (sessions - 1))
    wanted = [(of_nodes / y.size, nodes - 1), (max(0.0, of_sessions - residual) / y.size, sessions - 1)]
    found = parts(cells(y))
    assert [freedom for _, freedom in found] == [freedom for _, freedom in wanted]
    assert [part for part, _ in found] == pytest.approx([part for part, _ in wanted])
    assert wanted[1][0] > 0, "the planted sessions are seen"


def test_sessions_that_make_no_difference_add_nothing() -> None:
    y = np.array([[1.0, 1.2], [2.0, 1.8], [3.0, 3.1]])
    assert parts(cells(y))[1][0] == 0.0


def test_a_session_of_one_node_lies_inside_it() -> None:
    own = {("a", "1"): 1.0, ("a", "2"): 2.0, ("b", "3"): 4.0, ("b", "4"): 5.0, ("c", "5"): 6.0}
    assert parts(own) == [(pytest.approx(np.var([1.5, 4.5, 6.0], ddof=1) / 3), 2.0)]


def test_too_little_has_no_interval() -> None:
    assert parts({("a", "1"): 1.0, ("a", "2"): 2.0}) == []
    assert interval(0.1, [], [(1.0, 1.0)]) is None
    assert interval(0.1, [(0.0, 2.0)], [(0.0, 2.0)]) is None


def test_missing_cells_do_not_let_nodes_pass_for_sessions() -> None:
    """Nodes far apart, no session effect, and the fast node absent from one session: the sessions' means differ, the sessions do not."""
    levels = {"a": 0.0, "b": 1.0, "c": 20.0, "d": 21.0}
    rng = np.random.default_rng(2)
    whole = {(node, f"s{j}"): level + 0.01 * rng.standard_normal() for node, level in levels.items() for j in range(3)}
    whole.pop(("c", "s1"))
    of_nodes, of_sessions = parts({place: float(value) for place, value in whole.items()})
    assert of_sessions[0] < 0.01 * of_nodes[0]


def test_the_interval_is_welchs_where_only_nodes_vary() -> None:
    a, b = [1.0, 1.2, 1.1, 0.9], [2.0, 2.5, 2.2]
    found = interval(float(np.mean(b) - np.mean(a)), *(parts({(f"n{i}", "s"): value for i, value in enumerate(side)}) for side in (a, b)))
    wanted = stats.ttest_ind(b, a, equal_var=False).confidence_interval(0.95)
    assert found is not None
    assert [math.log(end) for end in found] == pytest.approx([wanted.low, wanted.high])
