"""The noise models have the spread, the tails and the memory that they claim."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from tests.calibration.models import MODELS, proportion, stepped, walk


@pytest.mark.parametrize("name", [name for name in MODELS if name not in {"spikes", "ramp", "student"}])
def test_spread_is_what_was_asked_for(name: str) -> None:
    drawn = MODELS[name](np.random.default_rng(7), 200_000, 0.01)
    tolerance = 0.1 if name == "lognormal" else 0.03
    assert np.std(drawn) == pytest.approx(0.01, rel=tolerance)
    assert abs(np.mean(drawn)) < 5e-4


def test_shapes() -> None:
    draw = {name: MODELS[name](np.random.default_rng(8), 100_000, 1.0) for name in MODELS}
    assert stats.skew(draw["lognormal"]) > 3
    assert stats.kurtosis(draw["student"]) > 5
    assert stats.kurtosis(draw["bimodal"]) < -1.5
    assert np.mean(draw["spikes"] > 6) == pytest.approx(0.03, abs=0.003)
    for rho in (0.3, 0.5, 0.7):
        series = draw[f"ar{rho}"]
        assert np.corrcoef(series[1:], series[:-1])[0, 1] == pytest.approx(rho, abs=0.02)
    assert np.corrcoef(draw["normal"][1:], draw["normal"][:-1])[0, 1] == pytest.approx(0, abs=0.02)
    assert np.mean(draw["ramp"][-1000:]) - np.mean(draw["ramp"][:1000]) == pytest.approx(2, abs=0.2)


def test_steps_and_walks() -> None:
    assert stepped(np.ones(4), at=2, step=0.5).tolist() == [1, 1, 1.5, 1.5]
    walks = np.array([walk(np.random.default_rng(seed), 100, 0.01)[-1] for seed in range(500)])
    assert np.std(walks) == pytest.approx(0.1, rel=0.15)


def test_interval_of_a_rate() -> None:
    # Clopper and Pearson's interval for 0 of n ends at 1 - 0.025 ** (1 / n); for 1 of 10 it is 0.0025 to 0.4450 (their chart).
    assert proportion(0, 1000) == (0.0, pytest.approx(1 - 0.025 ** (1 / 1000)))
    assert proportion(10, 10)[1] == 1.0
    assert proportion(1, 10) == (pytest.approx(0.0025, abs=5e-5), pytest.approx(0.4450, abs=5e-5))
