"""One small case of the fleet's table: what is planted is found, and hardly anything is invented."""

from __future__ import annotations

import numpy as np

from tests.calibration.fleet import BAD, NOISES, Noise, confirmed_sweep, false_flags, measured, recalls


def test_the_rule_beside_three_sigma() -> None:
    rng = np.random.default_rng(11)
    healthy = false_flags(rng, 128, 5, NOISES[1], 40)
    assert sum(healthy["assay (floor 2 %)"]) / 40 <= 0.25
    found = recalls(rng, 128, 5, NOISES[0], 5, BAD[3])
    assert found["assay (floor 2 %)"] == (80, 80)
    assert found["mean - 3 sigma"][0] < 40  # an eighth that is bad hides itself


def test_hiccups_of_the_model_are_as_many_and_as_long_as_said() -> None:
    values = measured(np.random.default_rng(2), np.ones(20_000), 5, Noise(0.0, 0.0, hiccups=True))
    slower = -np.log(values[values < 1])
    assert abs(len(slower) / values.size - 0.05) < 0.003
    assert abs(slower.mean() - 0.06) < 0.003


def test_the_confirming_pass_keeps_what_is_slow() -> None:
    rng = np.random.default_rng(3)
    done = [confirmed_sweep(rng, 512, 1, NOISES[2], (1 / 64, 0.10), 0.02) for _ in range(5)]
    assert sum(one.first_false for one in done) > 10  # single runs with hiccups
    assert sum(one.false for one in done) <= 2
    assert sum(one.found for one in done) >= 36  # of 40
