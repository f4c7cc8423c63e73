"""More pairs for what nobody could decide: more cases get a verdict, and two looks err no oftener than one may."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from assay.results.gate import look
from assay.results.gate_extend import extended, undecided
from assay.results.gate_pairs import Pairs
from assay.results.gate_rows import Row, looked
from assay.results.side import Side
from assay.results.thresholds import Thresholds
from tests.results.builders import time_record

TWO = Thresholds(looks=2)


def drawn(rng: np.random.Generator, cases: int, pairs: int, *, change: float = 0.0, noise: float = 0.01) -> tuple[np.ndarray, np.ndarray]:
    base, head = 1e-3 * np.exp(noise * rng.standard_normal((2, cases, pairs)))
    return base, head * (1 + change)


def passed(base: np.ndarray, head: np.ndarray) -> Pairs:
    """Make the runs of a pass: case i is ``k<i>``."""

    def side(name: str, values: np.ndarray, pair: int) -> Side:
        times = {
            (f"k{i}", "device0"): time_record(float(value), run=f"{name}{pair}", key=f"k{i}") for i, value in enumerate(values[:, pair])
        }
        return Side(f"{name}{pair}", "hw", "sw", inject=False, times=times)

    return Pairs([(side("b", base, pair), side("h", head, pair)) for pair in range(base.shape[1])])


def rows_of(base: np.ndarray, head: np.ndarray, thresholds: Thresholds) -> list[Row]:
    whole = {(f"k{i}", "device0"): list(zip(base[i], head[i], strict=True)) for i in range(len(base))}
    return list(looked(whole, passed(base, head), thresholds).values())


def test_more_pairs_settle_cases_and_leave_the_others_alone() -> None:
    rng = np.random.default_rng(1)
    rows = rows_of(*drawn(rng, 60, 10), TWO)
    chosen = undecided(rows, 20)
    assert 5 < len(chosen) < 55
    names = [int(row.key[1:]) for row in chosen]
    base, head = drawn(rng, 60, 20)
    fresh = passed(base, head)
    for run in (side for pair in fresh.sides for side in pair):
        for i in set(range(60)) - set(names):
            del run.times[f"k{i}", "device0"]  # type: ignore[attr-defined]
    after = extended(rows, chosen, fresh, TWO)
    assert [row.key for row in after] == [row.key for row in rows]
    still = [row for row in after if row.status == "inconclusive"]
    assert len(still) < len(chosen) / 2
    again = [after[i] for i in names]
    assert {row.look.pairs for row in again if row.look} == {30}
    assert all(len(row.values) == 30 for row in again)
    assert [row for row in after if row not in again] == [row for row in rows if row not in chosen]


def test_a_case_that_was_not_measured_again_says_so() -> None:
    rng = np.random.default_rng(2)
    rows = rows_of(*drawn(rng, 3, 10, noise=0.03), TWO)
    chosen = undecided(rows, 10)
    assert chosen
    after = extended(rows, chosen, Pairs(), TWO)
    assert {row.status for row in after if row.key in {one.key for one in chosen}} == {"inconclusive"}
    assert any("no more pairs were measured" in row.reason for row in after)


def test_hopeless_cases_get_no_more_pairs() -> None:
    (row,) = rows_of(*drawn(np.random.default_rng(3), 1, 10), TWO)
    assert row.look is not None
    for needed, worth in ((39, True), (40, True), (41, False), (None, False)):
        one = replace(row, status="inconclusive", look=replace(row.look, needed=needed))
        assert bool(undecided([one], 10)) == worth
    assert undecided([replace(row, status="same")], 10) == []


@pytest.mark.parametrize("looks", [1, 2])
def test_same_errs_as_seldom_as_it_says_however_often_one_looks(looks: int) -> None:
    # Truth at the edge of the margin, 5 % apart: 5 % of such cases may be called the same, over all looks together.
    thresholds = Thresholds(min_effect=0.05, looks=looks)
    rng = np.random.default_rng(4)
    base, head = drawn(rng, 1500, 10, change=0.05, noise=0.015)
    first = look(base, head, thresholds)
    called = {i for i, one in enumerate(first) if one.status == "same"}
    if looks == 2:
        left = [i for i, one in enumerate(first) if one.status == "inconclusive"]
        more = drawn(rng, len(left), 10, change=0.05, noise=0.015)
        again = look(np.hstack([base[left], more[0]]), np.hstack([head[left], more[1]]), thresholds)
        called |= {i for i, one in zip(left, again, strict=True) if one.status == "same"}
    assert 0.02 < len(called) / 1500 < 0.065  # the standard error of the share is 0.6 %
