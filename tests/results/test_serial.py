"""The memory of a series: recovered where it was planted, not seen where there is none."""

from __future__ import annotations

import numpy as np
import pytest

from assay.results.serial import autocorrelation, remembers, residuals
from tests.calibration.models import MODELS, stepped


@pytest.mark.parametrize(
    ("name", "rho"), [("normal", 0.0), ("lognormal", 0.0), ("spikes", 0.0), ("bimodal", 0.0), ("ar0.5", 0.5), ("ar0.7", 0.7)]
)
def test_correlation_is_recovered(name: str, rho: float) -> None:
    found = [autocorrelation((1 + MODELS[name](np.random.default_rng(seed), 200, 0.01)).tolist(), []) or 0.0 for seed in range(40)]
    assert np.mean(found) == pytest.approx(rho, abs=0.06)


def test_a_step_is_no_memory_once_it_is_taken_off() -> None:
    values = stepped(1 + MODELS["normal"](np.random.default_rng(4), 200, 0.01), at=100, step=0.05).tolist()
    assert remembers(autocorrelation(values, []))
    assert not remembers(autocorrelation(values, [100]))


def test_residuals_have_no_level() -> None:
    assert residuals([1.0, 2, 3, 10, 11, 12], [3]) == [-1, 0, 1, -1, 0, 1]


def test_short_and_constant_series_tell_nothing() -> None:
    assert autocorrelation([1.0, 2, 3, 4, 5, 6, 7], []) is None
    assert autocorrelation([1.0] * 30, []) is None
    assert not remembers(None)
