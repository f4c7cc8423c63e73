"""The stop rule ends every case: on any simulated clock, within its repetitions, for a reason that it tells."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.harness.case import Budget
from assay.harness.timing import PATIENCE, converged, next_block, next_warmup, precise

DURATIONS = st.floats(0, 1e4, allow_nan=False)
BUDGETS = st.builds(
    Budget,
    seconds=st.floats(1e-4, 100),
    min_reps=st.integers(1, 300),
    max_reps=st.integers(1, 3000),
    precision=st.floats(1e-6, 0.5),
    warmup_seconds=st.floats(1e-4, 100),
)


def simulate(
    durations: Iterator[float], budget: Budget, *, overhead: float = 0.0, most: int = 5000, guess: float = 0.0
) -> tuple[list[float], list[int], str]:
    """Time on a clock that advances by each repetition and ``overhead`` beside it; AssertionError if no end is in sight."""
    seconds: list[float] = []
    blocks: list[int] = []
    elapsed = 0.0
    while True:
        count, why = next_block(seconds, elapsed=elapsed, budget=budget, guess=guess)
        if count == 0:
            return seconds, blocks, why
        assert count > 0
        blocks.append(count)
        assert len(blocks) <= most, "no end in sight"
        made = list(itertools.islice(durations, count))
        seconds += made
        elapsed += sum(made) + overhead * count


def noisy(middle: float, spread: float, seed: int = 1) -> Iterator[float]:
    """Draw durations around ``middle``."""
    source = random.Random(seed)  # noqa: S311 - drawn for a test
    while True:
        yield middle * math.exp(spread * source.gauss(0, 1))


@given(BUDGETS, st.lists(DURATIONS, min_size=1, max_size=8), st.floats(0, 10))
@settings(deadline=None, max_examples=200)
def test_every_case_ends_within_its_repetitions(budget: Budget, durations: list[float], overhead: float) -> None:
    seconds, _, why = simulate(itertools.cycle(durations), budget, overhead=overhead)
    assert 1 <= len(seconds) <= budget.max_reps
    assert why
    elapsed = sum(seconds) + overhead * len(seconds)
    enough = min(budget.min_reps, budget.max_reps)
    assert len(seconds) >= enough or elapsed >= 0.99 * PATIENCE * budget.seconds


@pytest.mark.parametrize("stuck", [0.0, -1e-3])
def test_a_clock_that_stands_or_goes_backwards_ends_too(stuck: float) -> None:
    seconds, _, _ = simulate(itertools.repeat(stuck), Budget(seconds=1, min_reps=5, max_reps=2000))
    assert 5 <= len(seconds) <= 2000


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_durations_that_are_no_numbers_end_too(bad: float) -> None:
    """The clock on the wall goes on, whatever the device's clock says."""
    budget = Budget(seconds=1, min_reps=5, warmup_seconds=1)
    seconds = [bad] * 20
    assert next_block(seconds, elapsed=2, budget=budget)[0] == 0
    assert next_warmup(seconds, elapsed=2, budget=budget) == 0
    assert next_block(seconds, elapsed=0.5, budget=budget)[0] >= 1
    assert next_warmup(seconds, elapsed=0.5, budget=budget) >= 1


def test_minimum_is_made_even_if_the_slice_is_over() -> None:
    seconds, _, why = simulate(itertools.repeat(0.3), Budget(seconds=1, min_reps=10, precision=1e-8))
    assert len(seconds) == 10
    assert why.startswith("median known")  # ten equal values leave no doubt beyond the clock's tick, 2e-9 of 0.3 s


def test_a_minimum_over_the_maximum_gives_the_maximum() -> None:
    seconds, _, why = simulate(itertools.repeat(0.001), Budget(min_reps=10, max_reps=4))
    assert len(seconds) == 4
    assert why == "repetition limit 4 reached"


def test_maximum_is_never_passed() -> None:
    seconds, _, why = simulate(noisy(1e-6, 0.3), Budget(seconds=10, min_reps=3, max_reps=77, precision=1e-9))
    assert len(seconds) == 77
    assert why == "repetition limit 77 reached"


def test_slow_steps_give_up_the_minimum() -> None:
    seconds, blocks, why = simulate(itertools.repeat(100.0), Budget(seconds=1, min_reps=10), guess=100.0)
    assert (len(seconds), blocks) == (3, [3])
    assert why == "10 time slices spent before 10 repetitions"
    seconds, _, _ = simulate(itertools.repeat(4.0), Budget(seconds=1, min_reps=1000, max_reps=10**6), guess=4.0)
    assert len(seconds) == 3
    seconds, blocks, _ = simulate(itertools.repeat(0.5), Budget(seconds=1, min_reps=10), guess=0.5)
    assert len(seconds) == 10  # slower than a block, but ten of them fit into ten slices
    assert blocks[0] == 3


def test_after_patience_even_the_minimum_is_given_up() -> None:
    budget = Budget(seconds=1, min_reps=10)
    count, why = next_block([4.0, 4.0, 4.0], elapsed=12, budget=budget)
    assert (count, why) == (0, "10 time slices spent before 10 repetitions")
    assert next_block([4.0, 4.0], elapsed=12, budget=budget)[0] > 0  # two are too few for anything


def test_precision_ends_a_quiet_case_early_and_a_noisy_one_not() -> None:
    budget = Budget(seconds=1, min_reps=10, precision=0.01)
    quiet, _, why = simulate(noisy(1e-3, 0.001), budget)
    assert why == "median known to 1.0%"
    assert sum(quiet) < 0.5
    loud, _, why = simulate(noisy(1e-3, 2.0), budget)
    assert why == "time slice of 1 s spent"
    assert sum(loud) > sum(quiet)


def test_precision_needs_an_interval() -> None:
    assert not precise([1.0] * 5, 0.5)
    assert precise([1.0] * 6, 0.5)
    assert not precise([math.nan] * 9, 0.5)
    assert not precise([1.0] * 3 + [2.0] * 3, 0.01)


def test_time_beside_the_step_counts_in_the_slice() -> None:
    """With a check of 50 ms beside a step of 1 ms, one second holds some twenty repetitions, not a thousand."""
    seconds, _, _ = simulate(noisy(1e-3, 0.5), Budget(seconds=1, min_reps=3, precision=1e-9), overhead=0.05)
    assert 15 <= len(seconds) <= 30


def warm(durations: Callable[[int], float], budget: Budget) -> list[float]:
    """Warm up on a clock that advances by each repetition."""
    seconds: list[float] = []
    while count := next_warmup(seconds, elapsed=sum(seconds), budget=budget):
        assert count > 0
        assert len(seconds) < 100_000, "no end in sight"
        seconds += [durations(len(seconds) + i) for i in range(count)]
    return seconds


@given(st.lists(st.floats(1e-4, 1e4), min_size=1, max_size=8), st.floats(1e-4, 1.0))
@settings(deadline=None)
def test_every_warm_up_ends(durations: list[float], limit: float) -> None:
    made = warm(lambda i: durations[i % len(durations)], Budget(warmup_seconds=limit))
    assert made


def test_warm_up_ends_by_convergence_and_not_before() -> None:
    falling = warm(lambda i: 1e-3 * (1 + 10 * 0.5**i), Budget(warmup_seconds=1))
    assert converged(falling)
    assert falling[-1] < 1.2e-3
    assert len(warm(lambda _: 1e-3, Budget(warmup_seconds=1))) < len(falling)


def test_warm_up_ends_by_time() -> None:
    never = warm(lambda i: 1e-3 * 2.0 ** (i // 3 % 2), Budget(warmup_seconds=0.1))
    assert not converged(never)
    assert 0.1 <= sum(never) < 0.12


def test_a_warm_up_of_a_slow_step_is_one_repetition() -> None:
    assert warm(lambda _: 100.0, Budget(warmup_seconds=0.5)) == [100.0]


def test_a_warm_up_at_the_clocks_resolution_ends() -> None:
    assert len(warm(lambda _: 0.0, Budget())) < 20


def test_equal_readings_are_known_no_better_than_the_clock_ticks() -> None:
    assert precise([1e-4] * 50, 1e-5)  # half a nanosecond of a hundred microseconds is 5e-6
    assert not precise([1e-4] * 50, 1e-6)
