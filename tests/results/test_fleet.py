"""The rule for a fleet: each fault planted and found, none planted and silence."""

from __future__ import annotations

import math
from statistics import median

import numpy as np
import pytest

from assay.results.fleet import Figures, Spec, Standing, judge
from assay.results.robust import critical_spread, critical_z, mad_sigma, own_spread, run_noise


def drawn(n: int, r: int = 5, *, seed: int = 3, device: float = 0.003, run: float = 0.003, level: float = 100.0) -> list[Figures]:
    """Draw a healthy fleet."""
    rng = np.random.default_rng(seed)
    values = level * (1 + device * rng.standard_normal((n, 1))) * (1 + run * rng.standard_normal((n, r)))
    return [Figures(f"d{i}", tuple(map(float, row))) for i, row in enumerate(values)]


def times(one: Figures, factor: float) -> Figures:
    return Figures(one.subject, tuple(value * factor for value in one.values))


def rule(fleet: list[Figures], *, better: str = "higher", min_deficit: float = 0.02, spec: Spec | None = None) -> dict[str, Standing]:
    return {one.subject: one for one in judge(fleet, better=better, min_deficit=min_deficit, spec=spec)}


@pytest.mark.parametrize("seed", range(5))
def test_a_healthy_fleet_is_silent(seed: int) -> None:
    found = rule(drawn(128, seed=seed))
    assert {one.status for one in found.values()} == {"sound"}
    assert all(one.n_peers == 128 and one.n == 5 and one.interval is not None for one in found.values())


@pytest.mark.parametrize("better", ["higher", "lower"])
def test_a_slow_device_is_named_and_no_other(better: str) -> None:
    fleet = drawn(64)
    fleet[17] = times(fleet[17], 0.95 if better == "higher" else 1 / 0.95)
    found = rule(fleet, better=better)
    assert [name for name, one in found.items() if one.status != "sound"] == ["d17"]
    one = found["d17"]
    assert one.status == "slow"
    assert one.deficit == pytest.approx(0.05, abs=0.012)
    assert one.value == pytest.approx(median(fleet[17].values))
    assert one.interval is not None
    assert one.interval[0] < (one.deficit or 0) < one.interval[1]


def test_a_faster_device_is_sound() -> None:
    fleet = drawn(64)
    fleet[3] = times(fleet[3], 1.10)
    assert rule(fleet)["d3"].status == "sound"


def test_an_eighth_of_the_fleet_that_is_bad_does_not_hide_itself() -> None:
    fleet = drawn(128, device=0.01, run=0.01)
    bad = {f"d{i}" for i in range(0, 128, 8)}
    found = rule([times(one, 0.93) if one.subject in bad else one for one in fleet])
    slow = {name for name, one in found.items() if one.status == "slow"}
    assert slow <= bad
    assert len(slow) >= 15


def test_both_the_practical_floor_and_the_spread_must_be_passed() -> None:
    tight = [Figures(f"d{i}", (100.0 + 0.001 * i,) * 5) for i in range(32)]
    tight[4] = Figures("d4", (98.5,) * 5)  # 1.5 %: far outside the spread, under the floor of 2 %
    assert rule(tight)["d4"].status == "sound"
    assert rule(tight, min_deficit=0.01)["d4"].status == "slow"
    wide = drawn(32, device=0.05)
    lowest = min(wide, key=lambda one: median(one.values))
    found = rule(wide)[lowest.subject]
    assert (found.deficit or 0) > 0.02  # under the floor, inside the spread
    assert found.status == "sound"


def test_a_whole_slow_fleet_is_below_its_specification_only() -> None:
    fleet = [times(one, 0.8) for one in drawn(64)]
    assert {one.status for one in rule(fleet).values()} == {"sound"}
    found = rule(fleet, spec=Spec(95.0))
    assert {one.status for one in found.values()} == {"below spec"}
    assert "at least 95 wanted" in found["d0"].reasons["below spec"]
    assert {one.status for one in rule(drawn(64), spec=Spec(95.0)).values()} == {"sound"}
    assert {one.status for one in rule(fleet, spec=Spec(95.0), better="lower").values()} == {"sound"}
    assert {one.status for one in rule(drawn(64), spec=Spec(95.0), better="lower").values()} == {"below spec"}


def test_a_share_of_the_limit() -> None:
    def fleet(share: float) -> list[Figures]:
        return [Figures(one.subject, one.values, (share,) * 5) for one in drawn(16)]

    assert {one.status for one in rule(fleet(0.69), spec=Spec(0.7, share=True)).values()} == {"below spec"}
    assert {one.status for one in rule(fleet(0.71), spec=Spec(0.7, share=True)).values()} == {"sound"}
    unknown = rule(drawn(16), spec=Spec(0.7, share=True))
    assert {one.status for one in unknown.values()} == {"untested"}  # a limit that nobody knows is no pass


def test_an_unstable_device_is_told_apart_from_a_slow_one() -> None:
    fleet = drawn(64)
    fleet[9] = Figures("d9", (100.0, 94.0, 100.1, 93.0, 99.9))
    found = rule(fleet)
    assert [(name, one.status, one.also) for name, one in found.items() if one.status != "sound"] == [("d9", "unstable", ())]


def test_one_hiccup_is_no_habit() -> None:
    fleet = drawn(64)
    fleet[9] = Figures("d9", (100.0, 80.0, 100.1, 99.8, 99.9))
    assert rule(fleet)["d9"].status == "sound"


def test_failed_and_untested_are_verdicts_and_spoil_nobody_elses() -> None:
    fleet = drawn(16)
    fleet += [
        Figures("f", (100.0,), failed="wrong: row 17 is off"),
        Figures("u", untested="missing"),
        Figures("n", (math.nan, 100.0)),
        Figures("z", (0.0,)),
        Figures("m", (-1.0,)),
    ]
    found = rule(fleet)
    assert [found[name].status for name in "funzm"] == ["failed", "untested", "failed", "failed", "failed"]
    assert {one.status for name, one in found.items() if name.startswith("d")} == {"sound"}
    assert "nan" in found["n"].reasons["failed"]


def test_seven_peers_are_too_few_and_eight_are_not() -> None:
    fleet = drawn(7)
    fleet[0] = times(fleet[0], 0.5)
    assert {one.status for one in rule(fleet).values()} == {"too few"}
    held = rule(fleet, spec=Spec(90.0))
    assert [held[f"d{i}"].status for i in range(7)] == ["below spec", *["sound"] * 6]
    more = drawn(8)
    more[0] = times(more[0], 0.5)
    assert rule(more)["d0"].status == "slow"


def test_constants_and_single_runs_are_defined() -> None:
    equal = [Figures(f"d{i}", (5.0,)) for i in range(10)]
    assert {one.status for one in rule(equal).values()} == {"sound"}
    assert {one.z for one in rule(equal).values()} == {0.0}
    equal[2] = Figures("d2", (4.0,))
    found = rule(equal)
    assert [name for name, one in found.items() if one.status != "sound"] == ["d2"]
    assert (found["d2"].interval, found["d2"].spread) == (None, None)  # one run: nobody knows its noise


def test_the_order_of_devices_changes_nothing() -> None:
    fleet = drawn(64, device=0.01)
    fleet[5] = times(fleet[5], 0.9)
    mixed = [*fleet[40:], *fleet[7:40], *reversed(fleet[:7])]
    assert rule(fleet) == rule(mixed)


def test_a_direction_is_needed() -> None:
    with pytest.raises(ValueError, match="neither better higher nor lower"):
        judge(drawn(8), better="none", min_deficit=0.02)


def test_critical_values_grow_with_the_fleet_as_the_reference_asks() -> None:
    # statistics.md 3.2: about 3.5 to 100 nodes, 4 and more from 1,000 on.
    assert 3.3 < critical_z(100) < 3.8
    assert 3.8 < critical_z(1000) < 4.2
    assert critical_z(8) > critical_z(16) > critical_z(32)  # a scale that is hardly known asks for more
    assert critical_z(128, 1280) > critical_z(128)


@pytest.mark.parametrize("n", [8, 16, 64, 256])
def test_the_expected_false_flags_are_under_a_tenth(n: int) -> None:
    # Brute force over healthy fleets; the practical floor is off, so that only k is tried.
    rng, fleets = np.random.default_rng(n), 3000
    values = rng.standard_normal((fleets, n))
    centre = np.median(values, axis=1, keepdims=True)
    scale = 1.4826 * np.median(np.abs(values - centre), axis=1, keepdims=True)
    assert np.sum((values - centre) / scale < -critical_z(n)) / fleets < 0.1


def test_spread_and_noise_are_those_that_were_planted() -> None:
    rng = np.random.default_rng(6)
    assert mad_sigma(list(rng.standard_normal(20_000))) == pytest.approx(1.0, rel=0.03)
    for runs in (2, 3, 5):
        assert run_noise([list(row) for row in rng.standard_normal((20_000, runs))]) == pytest.approx(1.0, rel=0.03)
    assert run_noise([[1.0]]) is None
    assert own_spread([1.0]) is None
    assert own_spread([1.0, 1.0, 9.0, 1.0]) == 0.0


@pytest.mark.parametrize("runs", [4, 5, 8])
def test_healthy_devices_are_hardly_ever_unstable(runs: int) -> None:
    rng, n, fleets = np.random.default_rng(runs), 64, 300
    flagged = 0
    for _ in range(fleets):
        rows = [list(row) for row in rng.standard_normal((n, runs))]
        noise, spreads = run_noise(rows) or 0.0, [own_spread(row) or 0.0 for row in rows]
        flagged += sum(spread > critical_spread(runs, n) * noise for spread in spreads)
    assert flagged / fleets < 0.1
