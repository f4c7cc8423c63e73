"""The gate's rule: every verdict planted, and silence where nothing was."""

from __future__ import annotations

import numpy as np
import pytest

from assay.harness.errors import RefusalError
from assay.results.gate import Look, enough, false_flags, hold, look, neighbours
from assay.results.thresholds import Thresholds

T = Thresholds()


def pairs(change: float, *, cases: int = 20, n: int = 10, noise: float = 0.003, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    base = 1e-3 * np.exp(noise * rng.standard_normal((cases, n)))
    head = 1e-3 * np.exp(noise * rng.standard_normal((cases, n)))
    head[0] *= 1 + change
    return base, head


@pytest.mark.parametrize(("change", "status"), [(0.05, "slower"), (-0.05, "faster")])
def test_a_planted_change_is_suspected_and_its_neighbours_are_not(change: float, status: str) -> None:
    looks = look(*pairs(change), T)
    assert looks[0].status == status
    assert looks[0].change == pytest.approx(change, abs=0.01)
    assert {one.status for one in looks[1:]} <= {"same", "inconclusive"}
    assert sum(one.status == "same" for one in looks[1:]) >= 15


def test_same_is_a_positive_finding() -> None:
    quiet, loud = look(*pairs(0, noise=0.003), T), look(*pairs(0, noise=0.2), T)
    assert {one.status for one in quiet} == {"same"}
    assert all(one.interval90 is not None and one.margin is not None and max(map(abs, one.interval90)) <= one.margin for one in quiet)
    assert {one.status for one in loud} == {"inconclusive"}
    assert all("pairs would decide" in one.reason for one in loud)
    needed = [one.needed for one in loud if one.needed is not None]  # None: so near the margin that no number of pairs would decide
    assert len(needed) >= 18
    assert min(needed) > 10


def test_pairs_that_would_decide_are_more_than_were_taken() -> None:
    assert enough(12, 0.1, 0.09, 10) == 12
    assert enough(None, 0.1, 0.09, 10) is None
    assert enough(5, 0.1, 0.09, 10) == 33  # 2 x 9 % x sqrt(10 / 33) is 9.9 %, and with 32 pairs 10.06 %
    assert enough(5, 0.1, 0.01, 10) == 11


def test_too_few_pairs_decide_nothing() -> None:
    assert {one.status for one in look(*pairs(0.5, n=2), T)} == {"inconclusive"}
    assert look(np.empty((0, 5)), np.empty((0, 5)), T) == []


def test_noise_raises_what_matters() -> None:
    # 3 % with a standard error of about 2 %: within twice the noise floor, so it is not even suspected, whatever its p value.
    looks = look(*pairs(0.03, noise=0.045, seed=3), T)
    assert looks[0].floor is not None
    assert looks[0].floor > 0.01
    assert looks[0].status != "slower"


def test_under_the_smallest_time_nothing_is_slower() -> None:
    base, head = pairs(0.05)
    looks = look(base * 1e-3, head * 1e-3, T)  # 1 us, so 5 % are 50 ns
    assert looks[0].status == "same"
    assert "1.00 us" in looks[0].reason


def test_equal_readings_are_a_clock_s_tick() -> None:
    base = np.full((2, 5), 1e-6)
    head = np.array([[1e-6] * 5, [2e-6] * 5])
    first, second = look(base, head, T)
    assert first.status == "same"
    assert second.status == "inconclusive"
    assert "coarse clock" in second.reason


def test_order_of_cases_changes_nothing() -> None:
    base, head = pairs(0.05)
    back = look(base[::-1], head[::-1], T)[::-1]
    assert [one.status for one in back] == [one.status for one in look(base, head, T)]


def test_a_suspicion_is_held_against_fresh_pairs() -> None:
    first = look(*pairs(0.05), T)[0]
    again = pairs(0.05, seed=2)
    verdict, second = hold(first, again[0][:1], again[1][:1], T)
    assert verdict.status == "slower"
    assert second.pairs == 10
    nothing = pairs(0.0, seed=4)
    verdict, _ = hold(first, nothing[0][:1], nothing[1][:1], T)
    assert verdict.status == "inconclusive"
    assert "not confirmed" in verdict.reason
    other_way = pairs(-0.05, seed=5)
    assert hold(first, other_way[0][:1], other_way[1][:1], T)[0].status == "inconclusive"


def test_half_the_effect_is_not_confirmed() -> None:
    first = Look("slower", "", change=0.20, interval=(0.1, 0.3), interval90=(0.12, 0.28), pairs=10, margin=0.01)
    small = pairs(0.05, seed=6)
    assert hold(first, small[0][:1], small[1][:1], T)[0].status == "inconclusive"


def test_neighbours_are_of_one_side_and_next_to_each_other_in_time() -> None:
    # Order A0 B0 B1 A1 A2 B2: neighbours of one side are B0-B1 and A1-A2.
    base, head = np.exp([[0.0, 10.0, 12.0]]), np.exp([[1.0, 4.0, 20.0]])
    np.testing.assert_allclose(neighbours(base, head), [[3.0, 2.0]])


def test_runs_of_one_side_flag_nothing_but_what_moves() -> None:
    base, head = pairs(0.5, n=12)
    flagged, looked = false_flags(base, head, T)
    assert looked == 40  # both sides
    assert flagged <= 3
    assert false_flags(base[:, :4], head[:, :4], T) == (0, 0)  # two pairs of one side decide nothing


@pytest.mark.parametrize(
    ("name", "value"), [("min_effect", 0), ("min_seconds", -1), ("alpha", 0.5), ("widest", float("nan")), ("confirm_alpha", 0)]
)
def test_thresholds_that_let_everything_pass_are_refused(name: str, value: float) -> None:
    with pytest.raises(RefusalError, match=name):
        Thresholds(**{name: value}).checked()
