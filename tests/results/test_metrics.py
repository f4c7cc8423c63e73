"""Measurements -> records: expected values are worked out by hand or by the statistics module, never by our own code."""

from __future__ import annotations

import math
import statistics
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.harness.measurement import Checked, Measurement, Samples
from assay.harness.work import Volume
from assay.results.metrics import derive, slowest_rank
from assay.results.record import METRICS, Record
from tests.results.builders import GEMM, MEASURED, RIGHT, calibration, case, measured, message, wrong

ONE, TWO = [1.0, 2.0, 3.0, 4.0, 10.0, 6.0, 7.0], [2.0, 1.0, 3.5, 4.0, 1.0, 1.0, 1.0]


def records(*measurements: Measurement, hardware: dict[str, Any] | None = None) -> list[Record]:
    """Derive with nothing known of the hardware."""
    return derive(measurements, run="r", hardware=hardware or MEASURED, hw_class="hw", sw_class="sw")


def only(found: list[Record], metric: str, subject: str | None = None) -> Record:
    """Give the one record of a metric."""
    (record,) = [r for r in found if r.metric == metric and subject in (None, r.subject)]
    return record


def test_every_device_has_its_own_time_and_rates() -> None:
    found = records(measured(case(nranks=2, m=64), ONE, TWO))
    first, second = only(found, "time", "device0"), only(found, "time", "device1")
    assert (first.value, second.value) == (statistics.median(ONE), statistics.median(TWO))
    assert (first.min, first.max, first.p99, first.n) == (1.0, 10.0, 10.0, 7)
    assert first.cv == pytest.approx(statistics.stdev(ONE) / statistics.mean(ONE))
    assert only(found, "flop_rate", "device1").value == pytest.approx(2e9 / statistics.median(TWO))
    assert only(found, "memory_rate", "device0").value == pytest.approx(4e6 / 4.0)
    assert {(r.run, r.hw_class, r.sw_class, r.inject) for r in found} == {("r", "hw", "sw", False)}


def test_a_rate_has_its_ends_turned_round() -> None:
    rate = only(records(measured(case(m=64), ONE)), "flop_rate")
    assert (rate.min, rate.max, rate.p99) == (2e9 / 10, 2e9 / 1, 2e9 / 10)
    assert rate.interval is not None
    assert rate.interval[0] <= rate.value <= rate.interval[1]


def test_a_short_series_has_no_interval() -> None:
    record = only(records(measured(case(m=64), [1.0, 2.0, 3.0])), "time")
    assert (record.value, record.interval) == (2.0, None)


def test_a_world_is_as_fast_as_its_slowest_rank_of_each_repetition() -> None:
    found = records(measured(case("all_reduce", nranks=2, bytes=800), ONE, TWO, volume=message(800, 1.0), scope="world"))
    time = only(found, "time")
    assert (time.subject, time.agg) == ("cluster", "median_rep(max_rank)")
    assert time.value == statistics.median([2.0, 2.0, 3.5, 4.0, 10.0, 6.0, 7.0])
    assert only(found, "skew").value == statistics.median([1.0, 1.0, 0.5, 0.0, 9.0, 5.0, 6.0])
    assert "slowest rank0 in 5 of 7 repetitions" in time.flags


def test_the_slowest_rank_is_named_by_counting() -> None:
    assert slowest_rank([[1, 1, 1], [2, 2, 0]]) == (1, 2)
    assert slowest_rank([[1, 1], [1, 1]]) == (0, 2)
    assert slowest_rank([[1, 2, 3]]) is None


@pytest.mark.parametrize(
    ("nranks", "factor", "expected"), [(4, 1.5, 1.5e6), (8, 1.75, 1.75e6), (1, None, None), (1, 1.5, None), (4, None, None)]
)
def test_busbw_is_algbw_times_the_factor_and_none_at_one_rank(nranks: int, factor: float | None, expected: float | None) -> None:
    rows = [[1.0] * 7] * nranks
    found = records(measured(case("all_reduce", nranks=nranks, bytes=1), *rows, volume=message(1_000_000, factor), scope="world"))
    assert only(found, "algbw").value == pytest.approx(1e6)
    busbw = [r.value for r in found if r.metric == "busbw"]
    assert busbw == ([] if expected is None else [pytest.approx(expected)])


def test_a_gemm_gets_no_bus_bandwidth_and_a_collective_no_flops() -> None:
    gemm = {r.metric for r in records(measured(case(m=1, nranks=2), ONE, TWO))}
    collective = {
        r.metric for r in records(measured(case("all_reduce", nranks=2, bytes=1), ONE, TWO, volume=message(8, 1.0), scope="world"))
    }
    assert gemm == {"time", "flop_rate", "memory_rate", "row"}
    assert collective == {"time", "algbw", "busbw", "skew", "wire_nbytes", "row"}


def test_a_wrong_answer_keeps_its_scores_and_has_no_performance() -> None:
    (record,) = records(wrong(case(m=1, nranks=2)))
    assert (record.metric, record.value, record.unit, record.better) == ("row", 0.5, "1", "lower")
    assert (record.limit, record.share) == (1e-3, pytest.approx(500))


@pytest.mark.parametrize("status", ["error", "crashed", "timeout", "missing", "skipped", "not_applicable"])
def test_what_was_not_measured_has_no_records(status: str) -> None:
    assert records(replace(measured(case(m=1), ONE), status=status)) == []


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, -1.0, 0.0, -0.0, 5e-324, 1e308])
def test_a_time_that_is_no_time_gives_no_figure(bad: float) -> None:
    assert {r.metric for r in records(measured(case(m=1, nranks=2), ONE, [*TWO[:-1], bad]))} == {"row"}


@pytest.mark.parametrize(
    "checked",
    [Checked(), replace(RIGHT, ok=False), replace(RIGHT, tested=0), replace(RIGHT, checks=0), replace(RIGHT, scores={"row": math.nan})],
)
def test_an_answer_that_was_not_compared_gives_no_figure(checked: Checked) -> None:
    assert {r.metric for r in records(measured(case(m=1), ONE, checked=checked))} <= {"row"}


def test_ranks_of_different_length_and_no_samples_give_no_figure() -> None:
    assert {r.metric for r in records(measured(case(m=1, nranks=2), [1.0] * 7, [1.0] * 6))} == {"row"}
    assert {r.metric for r in records(measured(case(m=1, nranks=2)))} == {"row"}
    assert {r.metric for r in records(measured(case(m=1, nranks=2), [], []))} == {"row"}


@pytest.mark.parametrize("broken", [math.nan, math.inf, -5.0, "many", None, 1e300])
def test_a_broken_volume_gives_no_rate_and_never_crashes(broken: Any) -> None:
    volume = Volume(
        flops=broken, memory_nbytes=broken, message_nbytes=broken, wire_nbytes=broken, bus_factor=broken, resource="matrix_fp32"
    )
    found = records(measured(case(m=1, nranks=2), ONE, TWO, volume=volume, scope="world"), calibration("memory", ONE, volume=volume))
    assert {r.metric for r in found} == {"time", "skew", "row"}


def test_dropped_ranks_speak_for_the_cluster_and_say_so() -> None:
    thin = replace(measured(case(m=1, nranks=2)), samples=Samples((tuple(ONE),), "kept the slowest rank"))
    time = only(records(thin), "time")
    assert (time.subject, time.agg) == ("cluster", "median_rep(max_rank)")
    assert "samples kept the slowest rank" in time.flags
    assert any("unknown" in flag for flag in time.flags)


def test_a_planted_fault_marks_its_records() -> None:
    assert all(r.inject for r in records(measured(replace(case(m=1), inject={"kind": "slow"}), ONE)))


HUGE = st.floats(allow_nan=True, allow_infinity=True)


@settings(deadline=None)  # time decides no test
@given(st.lists(st.lists(HUGE, min_size=3, max_size=3), min_size=1, max_size=3), st.sampled_from(["device", "world"]), HUGE, HUGE)
def test_whatever_was_sampled_every_record_is_finite_and_in_its_unit(
    rows: list[list[float]], scope: str, flops: float, factor: float
) -> None:
    volume = replace(GEMM, flops=flops, message_nbytes=8, wire_nbytes=8, bus_factor=factor)
    for record in records(measured(case(m=1, nranks=len(rows)), *rows, volume=volume, scope=scope)):
        assert Record.from_dict(record.as_dict()) == record
        assert (record.unit, record.better) == METRICS.get(record.metric, ("1", "lower"))
        assert record.share is None or record.limit
