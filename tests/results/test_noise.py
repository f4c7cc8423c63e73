"""Noise of A against A, and slowdowns planted into it."""

from __future__ import annotations

import numpy as np
import pytest

from assay.results.gate_report import GateReport
from assay.results.gate_rows import Row
from assay.results.noise import document, noise_lines, noises
from assay.results.planted import rates
from assay.results.thresholds import Thresholds


def report(noise: float, *, cases: int = 12, pairs: int = 10, seed: int = 1) -> GateReport:
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(cases):
        values = 1e-3 * np.exp(noise * (i + 1) / cases * rng.standard_normal((pairs, 2)))
        rows.append(Row(f"k{i}", "device0", "same", "", base=1e-3, head=1e-3, values=tuple((float(a), float(b)) for a, b in values)))
    rows.append(Row("broken", "", "missing", "no figure on either side"))
    side = {"label": "A", "commit": ""}
    return GateReport("g1", "2026-11-26T00:00:00+00:00", side, side, ["assay", "run"], pairs, Thresholds(), rows, aa=(1, 24))


def test_noise_is_that_of_the_runs() -> None:
    found = noises(report(0.01))
    assert len(found) == 12
    assert [noise.pair for noise in found] == sorted((noise.pair for noise in found), reverse=True)
    last = next(noise for noise in found if noise.key == "k11")
    assert last.cv == pytest.approx(0.01, rel=0.5)
    assert last.pair == pytest.approx(0.01 * np.sqrt(2), rel=0.6)
    assert last.runs == 20
    assert last.sees[5] > last.sees[10] > last.sees[20] > 0
    text = "\n".join(noise_lines(report(0.01)))
    assert "missing: broken" in text
    assert "false alarms of the gate: 0 of 12" in text
    assert "1 of 24" in text
    assert document(report(0.01))["rows"][0]["sees"].keys() == {"5", "10", "20"}


def test_planted_slowdowns_are_found_as_their_size_allows() -> None:
    found = {rate.step: rate for rate in rates(report(0.005), Thresholds(), trials=20)}
    assert found[0.0].found <= 0.02 * found[0.0].trials
    assert found[0.10].found == found[0.10].trials == 240
    assert found[0.02].found > 0.9 * found[0.02].trials
    shares = [found[step].found / found[step].trials for step in (0.0, 0.01, 0.02, 0.05, 0.10)]
    assert shares == sorted(shares)
    assert found[0.10].interval[1] == 1.0
    assert found[0.10].interval[0] == pytest.approx(0.025 ** (1 / 240))


def test_loud_noise_hides_small_slowdowns() -> None:
    found = {rate.step: rate for rate in rates(report(0.2), Thresholds(), trials=10)}
    assert found[0.01].found < 0.2 * found[0.01].trials
    assert found[0.0].found <= 0.05 * found[0.0].trials


def test_nothing_measured_has_no_rates() -> None:
    empty = GateReport("g", "", {"label": "A"}, {"label": "A"}, [], 5, Thresholds(), ())
    assert rates(empty, Thresholds()) == []
    assert noise_lines(empty)[-1].strip() == "no case has figures in every run"
