"""Effects and what may be said of them, against scipy's own Welch interval and against simulation."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from assay.results.effect import Effect, decide, measure_effect

TIMES = st.lists(st.floats(1e-6, 1e3), min_size=2, max_size=6)
LIMITS = {"better": "lower", "min_effect": 0.03, "min_seconds": 1e-6, "counts": (5, 5)}


@settings(deadline=None)  # time decides no test
@given(TIMES, TIMES)
def test_the_interval_is_welchs_on_logarithms(base: list[float], head: list[float]) -> None:
    from scipy.stats import ttest_ind

    assume(all(max(side) > 1.001 * min(side) for side in (base, head)))  # scipy warns of nearly equal values
    effect = measure_effect(base, head)
    test = ttest_ind([math.log(x) for x in head], [math.log(x) for x in base], equal_var=False)
    for level, found in ((0.95, effect.ci95), (0.90, effect.ci90)):
        expected = test.confidence_interval(level)
        assert found is not None
        if max(abs(expected.low), abs(expected.high)) < 600:
            assert found == pytest.approx((math.expm1(expected.low), math.expm1(expected.high)), rel=1e-6, abs=1e-9)


def test_the_change_is_head_over_base_of_geometric_means() -> None:
    effect = measure_effect([1.0, 4.0], [4.0, 9.0])
    assert (effect.base, effect.head, effect.change) == (pytest.approx(2.0), pytest.approx(6.0), pytest.approx(2.0))


@pytest.mark.parametrize(("base", "head"), [([1.0], [1.0]), ([1.0, 1.1], [1.0]), ([1.0], [5.0, 5.0])])
def test_one_run_on_a_side_has_no_interval_whatever_the_effect(base: list[float], head: list[float]) -> None:
    effect = measure_effect(base, head)
    assert (effect.ci95, effect.ci90) == (None, None)
    status, reason = decide(effect, **{**LIMITS, "counts": (len(base), len(head))})
    assert status == "inconclusive"
    assert "no interval is possible" in reason


def test_one_run_a_side_says_so_with_the_effect() -> None:
    _, reason = decide(measure_effect([1.0], [1.5]), **{**LIMITS, "counts": (1, 1)})
    assert reason == "one run a side: no interval is possible, effect +50 %"


def verdict(change: float, low: float, high: float, *, narrow: float = 0.8, base: float = 1.0, **more: object) -> str:
    """Decide an effect made by hand; its 90 % interval is ``narrow`` times as wide as the 95 % one."""
    ci90 = change + narrow * (low - change), change + narrow * (high - change)
    return decide(Effect(base, base * (1 + change), change, (low, high), ci90), **{**LIMITS, **more})[0]


@pytest.mark.parametrize(
    ("change", "low", "high", "expected"),
    [
        (0.0, -0.01, 0.01, "same"),
        (0.01, 0.005, 0.02, "same"),  # a real difference, but too small to matter
        (0.0, -0.05, 0.05, "inconclusive"),  # not finding a difference is no sameness
        (0.10, -0.02, 0.2, "inconclusive"),
        (0.10, 0.05, 0.15, "slower"),
        (-0.10, -0.15, -0.05, "faster"),
        (0.025, 0.001, 0.05, "inconclusive"),
        (-0.025, -0.05, -0.001, "inconclusive"),
    ],
)
def test_five_ways_to_say_it(change: float, low: float, high: float, expected: str) -> None:
    assert verdict(change, low, high) == expected


def test_higher_may_be_better() -> None:
    assert verdict(0.10, 0.05, 0.15, better="higher") == "faster"
    assert verdict(-0.10, -0.15, -0.05, better="higher") == "slower"


def test_a_change_below_the_smallest_that_matters_in_seconds_is_never_slower() -> None:
    assert verdict(0.5, 0.4, 0.6, base=1e-6) == "inconclusive"
    assert verdict(0.5, 0.4, 0.6, base=1e-5) == "slower"


@settings(deadline=None)  # time decides no test
@given(TIMES, TIMES)
def test_swapping_the_sides_swaps_the_verdict(base: list[float], head: list[float]) -> None:
    swapped = {"slower": "faster", "faster": "slower"}
    counts = len(base), len(head)
    there = decide(measure_effect(base, head), **{**LIMITS, "counts": counts})[0]
    back = decide(measure_effect(head, base), **{**LIMITS, "counts": counts})[0]
    if abs(abs(math.log(measure_effect(base, head).change + 1)) - math.log(1.03)) > 0.002:  # the bounds are mirrored up to a sign
        assert back in {swapped.get(there, there), "inconclusive"} or there == "inconclusive"


def test_false_alarms_and_misses_in_simulated_fleets() -> None:
    # Runs spread by 1 %, five a side: without a change under 5 % are called slower or faster, a change of 10 % nearly always is.
    rng = random.Random(7)  # noqa: S311 - a simulation

    def share(shift: float, wanted: set[str], trials: int = 400) -> float:
        def runs(by: float) -> list[float]:
            return [math.exp(rng.gauss(by, 0.01)) for _ in range(5)]

        return sum(decide(measure_effect(runs(0.0), runs(shift)), **LIMITS)[0] in wanted for _ in range(trials)) / trials

    assert share(0.0, {"slower", "faster"}) <= 0.01
    assert share(0.0, {"same"}) >= 0.9
    assert share(0.1, {"slower"}) >= 0.99
    assert share(0.1, {"same", "faster"}) == 0.0


@pytest.mark.parametrize(("base", "head"), [([], [1.0]), ([1.0], []), ([0.0], [1.0]), ([-1.0], [1.0])])
def test_what_has_no_logarithm_is_a_value_error(base: list[float], head: list[float]) -> None:
    with pytest.raises(ValueError, match=r"run|domain|positive"):
        measure_effect(base, head)


@pytest.mark.parametrize("head", [1.0, 2.0])
def test_runs_equal_to_the_last_digit_have_an_effect_but_no_certainty(head: float) -> None:
    effect = measure_effect([1.0, 1.0], [head, head])
    assert effect.change == pytest.approx(head - 1)
    status, reason = decide(effect, **LIMITS | {"counts": (2, 2)})
    assert (status, "coarse clock" in reason) == ("inconclusive", True)


def test_noise_is_what_runs_of_one_side_differ_by_whatever_lies_between_the_sides() -> None:
    base, head = [1.0, 1.02, 0.98], [2.0, 2.04]
    inside = [[math.log(value) for value in side] for side in (base, head)]
    squares = [(value - sum(side) / len(side)) ** 2 for side in inside for value in side]
    assert measure_effect(base, head).noise == pytest.approx(math.sqrt(sum(squares) / 3))
    assert measure_effect([1.0], [1.1]).noise is None
