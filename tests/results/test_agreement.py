"""Peers and equality: each fault planted is found by name, none planted is silence, and too few to tell is no verdict."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from assay.harness.errors import RefusalError
from assay.results.agreement import judge_equal, judge_peers
from assay.results.aims import Equal, Peers, read_aim
from assay.results.record import Record

PEERS: dict[str, Any] = {"kind": "peers", "suite": "gemm", "metric": "flop_rate", "min_deficit": 0.05, "max_excess": 0.2}
EQUAL: dict[str, Any] = {"kind": "equal", "suite": "gemm", "metric": "mismatches"}


def figures(values: Sequence[float], metric: str = "flop_rate", unit: str = "FLOP/s", better: str = "higher") -> list[Record]:
    """Give one figure a device of one case."""
    return [Record("r", "k", "gemm", f"device{i}", metric, value, unit, better) for i, value in enumerate(values)]


def spread(n: int, seed: int, noise: float = 0.01) -> list[float]:
    """Draw healthy devices around 1 TFLOP/s."""
    draw = np.random.default_rng(seed)
    return [1e12 * (1 + noise * float(z)) for z in draw.standard_normal(n)]


def peers(values: Sequence[float], **more: Any) -> dict[str, str]:
    """Judge devices against each other: subject -> status."""
    rule = read_aim("mine", PEERS | more)
    assert isinstance(rule, Peers)
    return {record.subject: found.status for record, found in judge_peers(rule, figures(values), tests=len(values))}


@pytest.mark.parametrize("seed", range(5))
def test_the_slow_one_is_named_and_nobody_else(seed: int) -> None:
    values = spread(16, seed)
    assert set(peers(values).values()) == {"pass"}
    values[5] *= 0.88
    assert [subject for subject, status in peers(values).items() if status == "fail"] == ["device5"]


def test_several_slow_ones_do_not_hide_each_other() -> None:
    values = spread(16, 7)
    for index in (0, 1, 2):
        values[index] *= 0.9
    assert [subject for subject, status in peers(values).items() if status == "fail"] == ["device0", "device1", "device2"]


def test_a_deficit_that_does_not_matter_passes_however_sure_it_is() -> None:
    values = spread(16, 3, noise=1e-4)
    values[4] *= 0.96
    assert set(peers(values).values()) == {"pass"}
    assert peers(values, min_deficit=0.02)["device4"] == "fail"


def test_one_that_is_too_fast_is_suspicious_where_the_rule_says_so() -> None:
    values = spread(16, 3)
    values[4] *= 1.5
    assert [subject for subject, status in peers(values).items() if status == "fail"] == ["device4"]
    without = {name: value for name, value in PEERS.items() if name != "max_excess"}
    rule = read_aim("mine", without)
    assert isinstance(rule, Peers)
    assert {found.status for _, found in judge_peers(rule, figures(values), tests=16)} == {"pass"}


def test_times_count_the_other_way_round() -> None:
    rule = read_aim("mine", PEERS | {"metric": "time"})
    assert isinstance(rule, Peers)
    values = [1.0, 1.01, 0.99, 1.0, 1.02, 0.98, 1.0, 1.3]
    found = judge_peers(rule, figures(values, "time", "s", "lower"), tests=8)
    assert [record.subject for record, finding in found if finding.status == "fail"] == ["device7"]
    (slow,) = [finding for _, finding in found if finding.status == "fail"]
    assert slow.expected == pytest.approx(1.0)
    assert "assay fleet" in slow.reason
    assert slow.baseline == tuple(f"device{i}" for i in range(7))


def test_under_eight_devices_nobody_can_tell() -> None:
    assert set(peers([1.0] * 6 + [0.5]).values()) == {"no-verdict"}
    assert peers([*spread(9, 1), 0.0])["device9"] == "no-verdict"


def equal(values: Sequence[float], **more: Any) -> list[str]:
    """Judge whether figures are equal: one status a device."""
    rule = read_aim("mine", EQUAL | more)
    assert isinstance(rule, Equal)
    return [found.status for _, found in judge_equal(rule, figures(values, "mismatches", "1", "lower"))]


def test_the_minority_is_named() -> None:
    assert equal([3.0, 3.0, 3.0]) == ["pass"] * 3
    assert equal([3.0, 3.0, 3.0000000000000004]) == ["pass", "pass", "fail"]


def test_without_a_majority_nobody_is_right() -> None:
    assert equal([1.0, 2.0]) == ["fail", "fail"]
    assert equal([1.0, 1.0, 2.0, 3.0]) == ["fail"] * 4


def test_one_figure_needs_a_value_to_be_equal_to() -> None:
    assert equal([0.0]) == ["no-verdict"]
    assert equal([0.0], value=0, unit="1") == ["pass"]
    assert equal([1.0, 0.0], value=0, unit="1") == ["fail", "pass"]


@pytest.mark.parametrize(
    ("rule", "part"),
    [
        (PEERS | {"min_deficit": 1.0}, "min_deficit"),
        (PEERS | {"min_deficit": 0}, "min_deficit"),
        (PEERS | {"max_excess": -0.1}, "max_excess"),
        (PEERS | {"metric": "power"}, "metric"),
        (PEERS | {"metric": "row"}, "metric"),
        (EQUAL | {"value": 1}, "unit"),
        (EQUAL | {"value": float("nan"), "unit": "1"}, "value"),
        (EQUAL | {"metric": "Not A Name"}, "metric"),
    ],
)
def test_thresholds_that_cannot_judge_are_refused(rule: dict[str, Any], part: str) -> None:
    with pytest.raises(RefusalError) as refused:
        read_aim("mine", rule)
    assert refused.value.where == f"rules.mine.{part}"
