"""The fleet rule: every kind of sick unit planted and found, a healthy fleet silent, and what cannot be told said so."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from scipy import stats

from assay.harness.errors import RefusalError
from assay.results.fleet import Finding, Limits, Unit, confirm_list, confirmed, judge_case, least_score, run_spread

RATE = {"case": "gemm", "metric": "flop_rate", "unit": "FLOP/s", "better": "higher"}
TIME = {"case": "gemm", "metric": "time", "unit": "s", "better": "lower"}


def fleet(size: int = 64, runs: int = 5, *, seed: int = 1) -> dict[str, list[float]]:
    rng = np.random.default_rng(seed)
    return {
        f"gpu{i:03d}": [float(v) for v in 6e14 * (1 + 0.003 * rng.standard_normal()) * (1 + 0.003 * rng.standard_normal(runs))]
        for i in range(size)
    }


def judged(values: dict[str, list[float]], limits: Limits | None = None, **kind: str) -> dict[str, Finding]:
    units = [Unit(name, tuple(own)) for name, own in values.items()]
    return {one.unit: one for one in judge_case(units, limits=limits or Limits(), **(RATE | kind))}  # type: ignore[arg-type]


def flagged(found: dict[str, Finding]) -> dict[str, str]:
    return {name: one.status for name, one in found.items() if one.status != "ok"}


@pytest.mark.parametrize("size", [8, 64, 512])
def test_a_healthy_fleet_is_silent(size: int) -> None:
    assert flagged(judged(fleet(size))) == {}


def test_a_slow_unit_is_named_with_its_deficit() -> None:
    values = fleet()
    values["gpu007"] = [0.95 * v for v in values["gpu007"]]
    found = judged(values)
    assert flagged(found) == {"gpu007": "slow"}
    assert found["gpu007"].deficit == pytest.approx(0.05, abs=0.01)
    assert "64 peers" in found["gpu007"].reason
    assert found["gpu007"].runs == 5


def test_times_are_worse_when_longer() -> None:
    values = {name: [1 / v for v in own] for name, own in fleet().items()}
    values["gpu007"] = [1.05 * v for v in values["gpu007"]]
    values["gpu008"] = [0.95 * v for v in values["gpu008"]]  # faster is no fault
    assert flagged(judged(values, **TIME)) == {"gpu007": "slow"}


def test_an_eighth_of_the_fleet_slow_hides_nobody() -> None:
    values = fleet(128)
    for i in range(16):
        values[f"gpu{i:03d}"] = [0.95 * v for v in values[f"gpu{i:03d}"]]
    assert len(flagged(judged(values))) == 16


def test_a_small_deficit_in_a_tight_fleet_is_no_fault() -> None:
    values = {f"gpu{i:03d}": [6e14 * (1 + 1e-5 * i)] * 5 for i in range(64)}
    values["gpu007"] = [0.995 * 6e14] * 5
    assert flagged(judged(values)) == {}
    values["gpu007"] = [0.98 * 6e14] * 5
    assert flagged(judged(values)) == {"gpu007": "slow"}


def test_equal_values_have_no_spread_and_flag_nobody() -> None:
    values = {f"gpu{i:03d}": [6e14] * 5 for i in range(16)}
    assert flagged(judged(values)) == {}
    values["gpu003"] = [5e14] * 5
    assert flagged(judged(values)) == {"gpu003": "slow"}


def test_one_hiccup_is_no_slow_unit() -> None:
    values = fleet()
    values["gpu007"][2] *= 0.9
    assert flagged(judged(values)) == {}


def test_an_unstable_unit_is_named() -> None:
    values = fleet()
    values["gpu007"] = [v * f for v, f in zip(values["gpu007"], (1.0, 0.9, 1.0, 0.9, 1.0), strict=True)]
    found = judged(values)
    assert flagged(found) == {"gpu007": "unstable"}
    assert "its own runs differ" in found["gpu007"].reason


def test_a_fleet_that_is_slow_as_a_whole_is_below_spec() -> None:
    found = judged(fleet(), Limits(spec={"flop_rate": 7e14}))
    assert set(flagged(found).values()) == {"below-spec"}
    assert len(flagged(found)) == 64
    assert "700 TFLOP/s" in found["gpu000"].reason
    assert flagged(judged(fleet(), Limits(spec={"flop_rate": 5e14}))) == {}
    assert set(flagged(judged(fleet(4), Limits(spec={"time": 1e-15}), **TIME)).values()) == {"below-spec"}


def test_share_of_a_limit() -> None:
    units = [Unit(f"g{i}", (6e14,) * 5, limit=9.9e14) for i in range(8)]
    found = judge_case(units, limits=Limits(share=0.7), **RATE)
    assert {one.status for one in found} == {"below-spec"}
    assert "60.6 % of its limit" in found[0].reason
    assert {one.status for one in judge_case(units, limits=Limits(share=0.6), **RATE)} == {"ok"}


def test_too_few_peers_are_said() -> None:
    values = fleet(7)
    values["gpu000"] = [0.5 * v for v in values["gpu000"]]
    found = judged(values)
    assert {one.status for one in found.values()} == {"no-verdict"}
    assert "too few" in found["gpu000"].reason
    assert judged(values, Limits(spec={"flop_rate": 5e14}))["gpu000"].status == "below-spec"
    assert judged(values, Limits(spec={"flop_rate": 5e14}))["gpu001"].status == "ok"


def test_units_without_a_figure_never_pass() -> None:
    units = [Unit(name, tuple(own)) for name, own in fleet().items()]
    units += [
        Unit("dead", (), failed="crashed: rank 3"),
        Unit("absent"),
        Unit("flaky", (6e14,) * 4, failed="timeout: rank 3"),
        Unit("nan", (math.nan, -1.0)),
    ]
    found = {one.unit: one for one in judge_case(units, limits=Limits(), **RATE)}
    assert flagged(found) == {"dead": "failed", "absent": "untested", "flaky": "failed", "nan": "untested"}


def test_order_changes_nothing() -> None:
    values = fleet()
    values["gpu007"] = [0.95 * v for v in values["gpu007"]]
    shuffled = list(values.items())
    random.Random(3).shuffle(shuffled)  # noqa: S311 - an order, no secret
    assert judged(dict(shuffled)) == judged(values)


def test_score_grows_with_the_fleet() -> None:
    assert least_score(8) == 3.5
    for units in (1000, 2048, 10_000):
        # 0.05 expected false flags in all, one-sided
        assert units * stats.norm.sf(least_score(units)) == pytest.approx(0.05)
    assert least_score(100, 20) == least_score(2000)


def test_spread_of_runs() -> None:
    values = [1.0, 1.01, 1.02, 1.03, 1.04]
    wanted = stats.iqr(np.log(values)) / 1.349
    assert run_spread(values) == pytest.approx(float(wanted))
    assert run_spread(values[:4]) is None


def test_whom_to_run_again_with_whom() -> None:
    values = fleet()
    values["gpu007"] = [0.95 * v for v in values["gpu007"]]
    (row,) = confirm_list(list(judged(values).values()))
    assert row["unit"] == "gpu007"
    assert len(row["with"]) == 2
    assert "gpu007" not in row["with"]
    assert confirm_list(list(judged(fleet()).values())) == []
    one = judged(values)["gpu007"]
    good = [6e14] * 10
    assert confirmed(one, [5.7e14] * 5, good, better="higher", limits=Limits())
    assert not confirmed(one, [6e14] * 5, good, better="higher", limits=Limits())
    assert not confirmed(one, [5.9e14] * 5, good, better="higher", limits=Limits())
    assert not confirmed(one, [], good, better="higher", limits=Limits())


@pytest.mark.parametrize("limits", [Limits(min_deficit=0), Limits(spec={"time": 0}), Limits(share=-1), Limits(min_deficit=math.nan)])
def test_limits_of_nothing_are_refused(limits: Limits) -> None:
    with pytest.raises(RefusalError):
        limits.checked()
