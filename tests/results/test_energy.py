"""Energy: expected joules are power times time, worked out by hand."""

from __future__ import annotations

import math

import pytest

from assay.results.energy import Energy, Sample, energy


def samples(watts: float = 300.0, counted: float = 300.0, *, seconds: float = 2.5, step: float = 0.1) -> list[Sample]:
    """Sample a device of constant power whose counter counts ``counted`` watts."""
    return [(i * step, 1e6 + counted * i * step, watts) for i in range(round(seconds / step) + 1)]


def test_constant_power_is_power_times_time() -> None:
    found = energy(samples())
    assert isinstance(found, Energy)
    assert (found.joules, found.seconds, found.watts, found.n) == (pytest.approx(750), pytest.approx(2.5), pytest.approx(300), 26)
    assert found.apart < 1e-9


def test_power_that_rises_is_its_integral() -> None:
    # P(t) = 100 t W from 0 to 3 s: the integral is 450 J, and the trapezoid rule is exact for a straight line.
    rising: list[Sample] = [(i / 10, 50 * (i / 10) ** 2, 100 * i / 10) for i in range(31)]
    found = energy(rising)
    assert isinstance(found, Energy)
    assert (found.joules, found.integrated_joules) == (pytest.approx(450), pytest.approx(450))


@pytest.mark.parametrize(("watts", "given"), [(300 * 1.049, True), (300 * 1.051, False), (300 * 0.951, True), (300 * 0.949, False)])
def test_joules_are_given_only_if_both_agree_within_five_percent(watts: float, given: bool) -> None:  # noqa: FBT001
    found = energy(samples(watts))
    assert isinstance(found, Energy) is given
    assert given or "disagree by 5%" in str(found)


def test_no_joules_without_two_seconds() -> None:
    assert "energy takes 2 s" in str(energy(samples(seconds=1.9)))
    assert isinstance(energy(samples(seconds=2.0)), Energy)


def test_no_joules_from_a_counter_that_goes_back_or_stands_still() -> None:
    back = samples()
    back[10:] = [(at, joules - 1e6, watts) for at, joules, watts in back[10:]]
    assert energy(back) == "the energy counter went backwards"
    assert energy([(at, 5.0, watts) for at, _, watts in samples()]) == "the energy counter stood still"


def test_no_joules_without_samples() -> None:
    assert energy([]) == "no sample fell into the timed part"
    assert energy([(0.0, None, 300.0), (3.0, None, 300.0)]) == "no sample has both an energy counter and power"


def test_a_sample_that_is_missing_is_bridged() -> None:
    holed: list[Sample] = [(at, None if 0.5 < at < 0.7 else joules, watts) for at, joules, watts in samples()]
    found = energy(holed)
    assert isinstance(found, Energy)
    assert math.isclose(found.joules, 750)
