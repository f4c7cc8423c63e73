"""Floors and plausibility: each detector with its fault planted (found) and without it (silent)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from assay.harness.case import Case
from assay.harness.measurement import Measurement
from assay.harness.work import Volume
from assay.results.aimed import Evidence, judge_aims
from assay.results.answers import judge_answers, judge_coverage
from assay.results.coverage import cover
from assay.results.metrics import derive
from assay.results.plausible import judge_plausible
from assay.results.rules import Rules, read_rules
from assay.results.verdict import Verdict
from tests.results.builders import MEASURED, bare_rules, calibration, case, measured, message, plan_of, wrong

LIMIT = calibration("matrix_fp32", [1.0] * 7, volume=Volume(flops=4e9))  # 4 GFLOP/s
FLOOR: dict[str, Any] = {"kind": "floor", "suite": "gemm", "metric": "flop_rate", "share_of_limit": 0.25, "why": "it is broken"}


def judged(
    measurements: Sequence[Measurement], *, planned: Sequence[Case] = (), hardware: dict[str, Any] | None = None, **floors: Any
) -> list[Verdict]:
    """Judge floors over some measurements; everything measured was planned, and ``planned`` besides."""
    rules = read_rules(bare_rules(**floors))
    plan = plan_of([*(m.case for m in measurements), *planned])
    records = derive(measurements, run="r", hardware=hardware or MEASURED, hw_class="", sw_class="")
    evidence = Evidence(plan["cases"], cover(plan, measurements), {m.case.key: m for m in measurements}, records)
    return judge_aims(rules.aims, evidence)


@pytest.mark.parametrize(("seconds", "status"), [(1.0, "pass"), (2.0, "pass"), (2.001, "fail"), (100.0, "fail")])
def test_a_share_of_the_limit(seconds: float, status: str) -> None:
    # 2 GFLOP in 2 s are 1 GFLOP/s, exactly a quarter of the limit.
    (verdict,) = judged([LIMIT, measured(case(m=1), [seconds] * 7)], mine=FLOOR)
    assert (verdict.status, verdict.rule, verdict.subject, verdict.metric) == (status, "mine", "device0", "flop_rate")
    assert (verdict.value, verdict.expected, verdict.unit) == (pytest.approx(2e9 / seconds), pytest.approx(1e9), "FLOP/s")
    assert ("it is broken" in verdict.reason) == (status == "fail")
    assert "measured matrix_fp32" in verdict.reason
    assert verdict.coverage == "1 of 1 case with flop_rate"


def test_an_absolute_floor_needs_no_limit() -> None:
    floor = {k: v for k, v in FLOOR.items() if k != "share_of_limit"} | {"value": 1.5e9, "unit": "FLOP/s"}
    assert [v.status for v in judged([measured(case(m=1), [1.0] * 7)], mine=floor)] == ["pass"]
    assert [v.status for v in judged([measured(case(m=1), [2.0] * 7)], mine=floor)] == ["fail"]


CEILING: dict[str, Any] = {"kind": "ceiling", "suite": "gemm", "metric": "time", "value": 1.5, "unit": "s", "why": "too slow to serve"}


@pytest.mark.parametrize(("seconds", "status"), [(1.0, "pass"), (1.5, "pass"), (1.501, "fail")])
def test_a_ceiling_of_a_time(seconds: float, status: str) -> None:
    (verdict,) = judged([measured(case(m=1), [seconds] * 7)], mine=CEILING)
    assert (verdict.status, verdict.expected, verdict.unit) == (status, 1.5, "s")
    assert ("too slow to serve" in verdict.reason) == (status == "fail")


def test_a_rate_may_be_too_good() -> None:
    ceiling = CEILING | {"metric": "flop_rate", "value": 1.5e9, "unit": "FLOP/s", "why": "no such machine"}
    assert [v.status for v in judged([measured(case(m=1), [1.0] * 7)], mine=ceiling)] == ["fail"]  # 2 GFLOP/s
    assert [v.status for v in judged([measured(case(m=1), [2.0] * 7)], mine=ceiling)] == ["pass"]


SHARE: dict[str, Any] = {"kind": "share_of_limit", "suite": "gemm", "metric": "flop_rate", "least": 0.25, "most": 0.9}


@pytest.mark.parametrize(("seconds", "status", "wanted"), [(1.0, "pass", 1e9), (2.1, "fail", 1e9), (0.5, "fail", 3.6e9)])
def test_a_share_of_the_limit_has_two_ends(seconds: float, status: str, wanted: float) -> None:
    # 2 GFLOP in 0.5 s are all of the limit of 4 GFLOP/s, and more than 0.9 of it is suspicious.
    (verdict,) = judged([LIMIT, measured(case(m=1), [seconds] * 7)], mine=SHARE)
    assert (verdict.status, verdict.expected, verdict.baseline) == (status, pytest.approx(wanted), ("measured matrix_fp32",))
    assert verdict.effect == pytest.approx(2e9 / seconds / wanted - 1)
    assert verdict.n == 7


def test_a_ceiling_of_an_error_score() -> None:
    ceiling = {"kind": "ceiling", "suite": "gemm", "metric": "row", "value": 1e-4, "unit": "1"}
    assert [v.status for v in judged([measured(case(m=1), [1.0] * 7)], mine=ceiling)] == ["pass"]
    assert [v.status for v in judged([measured(case(m=1), [1.0] * 7)], mine=ceiling | {"value": 9e-5})] == ["fail"]
    assert [v.status for v in judged([measured(case(m=1), [1.0] * 7)], mine=ceiling | {"metric": "rwo"})] == ["no-verdict"]


def test_peers_of_one_case_and_the_reason_that_the_rule_gives() -> None:
    rule = {"kind": "peers", "suite": "gemm", "metric": "flop_rate", "min_deficit": 0.1, "why": "a fan is dead"}
    times = [[second] * 7 for second in (1.0, 1.01, 0.99, 1.0, 1.02, 0.98, 1.0, 1.5)]
    found = judged([measured(case(m=1, nranks=8), *times)], mine=rule)
    assert [(v.subject, v.status) for v in found if v.status != "pass"] == [("device7", "fail")]
    assert [v.reason.endswith("a fan is dead") for v in found] == [False] * 7 + [True]


def test_every_device_and_every_size_is_judged_not_the_last_or_the_mean() -> None:
    # The defect "last value wins": the bad figure stands first, and the mean of the two passes.
    fine, slow = measured(case(m=2, nranks=2), [0.1] * 7, [0.1] * 7), measured(case(m=1, nranks=2), [50.0] * 7, [0.1] * 7)
    found = judged([LIMIT, slow, fine], mine=FLOOR)
    assert [(v.key, v.subject, v.status) for v in found if v.status != "pass"] == [(slow.case.key, "device0", "fail")]
    assert len(found) == 4


def test_an_unknown_limit_is_no_verdict_never_a_pass() -> None:
    (verdict,) = judged([measured(case(m=1), [1.0] * 7)], mine=FLOOR)
    assert verdict.status == "no-verdict"
    assert "hardware=NAME" in verdict.reason


def test_a_floor_of_a_suite_that_is_not_planned_is_skipped_aloud() -> None:
    (verdict,) = judged([LIMIT, measured(case(m=1), [1.0] * 7)], mine=FLOOR | {"suite": "all_reduce", "metric": "busbw"})
    assert (verdict.status, verdict.reason) == ("skip", "no case of suite all_reduce is planned")


def test_a_misspelt_condition_is_no_verdict_an_unmet_one_a_skip() -> None:
    run = [LIMIT, measured(case(m=1), [1.0] * 7)]
    (misspelt,) = judged(run, mine=FLOOR | {"where": {"rows_min": 1}})
    (unmet,) = judged(run, mine=FLOOR | {"where": {"m_min": 100}})
    assert (misspelt.status, unmet.status) == ("no-verdict", "skip")
    assert "rules.mine.where" in misspelt.reason


def test_a_floor_whose_cases_all_failed_has_no_verdict_and_says_why() -> None:
    crashed = replace(measured(case(m=1), [1.0] * 7), status="crashed", reason="killed")
    (verdict,) = judged([LIMIT, crashed, wrong(case(m=2))], planned=[case(m=3)], mine=FLOOR)
    assert verdict.status == "no-verdict"
    assert all(word in verdict.reason for word in ("none of the 3 cases", "1 crashed, 1 missing, 1 wrong"))


def test_a_missing_size_is_seen_in_the_coverage_of_the_others() -> None:
    # The defect "absent rows skipped".
    (verdict,) = judged([LIMIT, measured(case(m=1), [1.0] * 7)], planned=[case(m=2)], mine=FLOOR)
    assert (verdict.status, verdict.coverage) == ("pass", "1 of 2 cases with flop_rate")


def test_a_measured_case_without_the_figure_is_a_row() -> None:
    bare = measured(case(m=2), [1.0] * 7, volume=Volume())
    found = judged([LIMIT, measured(case(m=1), [1.0] * 7), bare], mine=FLOOR)
    assert [(v.key, v.status) for v in found] == [(case(m=1).key, "pass"), (bare.case.key, "no-verdict")]


def test_times_that_cannot_be_used_leave_no_verdict() -> None:
    (verdict,) = judged([LIMIT, measured(case(m=1), [1.0, float("nan")])], mine=FLOOR)
    assert (verdict.status, "times cannot be used" in verdict.reason) == ("no-verdict", True)


def test_what_is_not_applicable_is_not_asked_for() -> None:
    absent = replace(measured(case(m=1), [1.0] * 7), status="not_applicable", reason="no unit")
    (verdict,) = judged([LIMIT, absent], mine=FLOOR)
    assert (verdict.status, verdict.reason) == ("skip", "no case of suite gemm is applicable here")


def test_bus_bandwidth_at_one_rank_is_no_gap() -> None:
    alone = measured(case("all_reduce", bytes=8), [1.0] * 7, volume=message(8, None), scope="world")
    (verdict,) = judged([alone], mine={"kind": "floor", "suite": "all_reduce", "metric": "busbw", "share_of_limit": 0.1})
    assert (verdict.status, "one rank" in verdict.reason) == ("skip", True)


def test_small_messages_are_not_mixed_with_large_ones() -> None:
    # The defect "average over all message sizes": only the size that the rule names is judged.
    small = measured(case("all_reduce", nranks=2, bytes=8), [1.0] * 7, [1.0] * 7, volume=message(8, 1.0), scope="world")
    large = measured(case("all_reduce", nranks=2, bytes=10**6), [1.0] * 7, [1.0] * 7, volume=message(10**6, 1.0), scope="world")
    link = calibration("link", [1.0] * 7, volume=message(2 * 10**6, None))
    floor = {"kind": "floor", "suite": "all_reduce", "metric": "busbw", "share_of_limit": 0.4, "where": {"bytes_min": 1000}}
    assert [(v.key, v.status) for v in judged([link, small, large], mine=floor)] == [(large.case.key, "pass")]


def plausibility(
    seconds: float, hardware: dict[str, Any], suite: str = "gemm", volume: Volume | None = None
) -> tuple[list[str], list[Verdict]]:
    """Give (flags, verdicts) of one case beside a calibrated limit of 4 GFLOP/s."""
    one = measured(case(suite, m=1), [seconds] * 7, volume=volume or Volume(flops=4e9, resource="matrix_fp32"))
    records = derive([LIMIT, one], run="r", hardware=hardware, hw_class="", sw_class="")
    marked, found = judge_plausible(records, read_rules(bare_rules()))
    assert [replace(r, flags=()) for r in marked] == [replace(r, flags=()) for r in records]
    return [flag for r in marked for flag in r.flags], found


def toy(resource: str, value: float, unit: str) -> dict[str, Any]:
    """State one limit."""
    return {"name": "toy", "limits": {resource: {"value": value, "unit": unit, "source": "s"}}}


def test_over_a_stated_arithmetic_peak_fails() -> None:
    flags, found = plausibility(0.9, toy("matrix_fp32", 4e9, "FLOP/s"))
    assert [(v.status, v.subject, v.rule) for v in found] == [("fail", "device0", "plausible")]
    assert any(flag.startswith("too good") for flag in flags)
    assert plausibility(0.97, toy("matrix_fp32", 4e9, "FLOP/s")) == ([], [])


def test_over_a_measured_limit_is_marked_not_failed() -> None:
    flags, found = plausibility(0.5, MEASURED)
    assert found == []
    assert [flag.split(":")[0] for flag in flags] == ["too good"]
    assert plausibility(0.8, MEASURED) == ([], [])


def test_memory_over_its_stated_peak_may_be_a_cache_and_is_marked_only() -> None:
    flags, found = plausibility(1.0, toy("memory", 1000.0, "B/s"), volume=Volume(memory_nbytes=5000))
    assert (len(flags), found) == (1, [])


def answers(*measurements: Measurement, planned: Sequence[Case] = ()) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Give (metric, status) of the verdicts on answers, then on coverage."""
    rules: Rules = read_rules(bare_rules())
    coverage = cover(plan_of([*(m.case for m in measurements), *planned]), measurements)
    by_key = {m.case.key: m for m in measurements}
    return [(v.metric, v.status) for v in judge_answers(coverage, by_key, rules)], [
        (v.metric, v.status) for v in judge_coverage(coverage, rules)
    ]


def test_answers_and_coverage() -> None:
    right = measured(case(m=1), [1.0] * 7)
    assert answers(right) == ([("answer", "pass")], [("coverage", "pass")])
    assert answers(wrong(case(m=1))) == ([("answer", "fail")], [("coverage", "pass")])
    assert answers(planned=[case(m=1)]) == ([("answer", "error")], [("coverage", "error")])
    for status in ("error", "crashed", "timeout"):
        assert answers(replace(right, status=status)) == ([("answer", "error")], [("coverage", "error")])
    absent = replace(right, status="not_applicable", reason="no unit")
    assert answers(absent) == ([("answer", "skip")], [("coverage", "no-verdict"), ("coverage", "no-verdict")])


def test_a_right_answer_with_broken_times_passes_the_one_and_has_no_verdict_on_the_other() -> None:
    assert answers(measured(case(m=1), [1.0, -1.0]))[0] == [("answer", "pass"), ("time", "no-verdict")]


def test_what_broke_before_it_was_right_is_a_warning_and_a_wrong_answer_stays_wrong() -> None:
    rules = read_rules(bare_rules())
    first = replace(measured(case(m=1)), status="crashed", reason="rank 1 fell")
    for last, status in ((measured(case(m=1), [1.0] * 7), "warn"), (wrong(case(m=1)), "fail")):
        coverage = cover(plan_of([last.case]), [last])
        verdict = judge_answers(coverage, {last.case.key: replace(last, attempt=1)}, rules, {last.case.key: (first,)})[0]
        assert verdict.status == status
        assert verdict.reason.endswith("at attempt 2 (attempt 1 crashed: rank 1 fell)")


def test_a_wrong_answer_names_rank_and_place() -> None:
    rules = read_rules(bare_rules())
    bad = wrong(case(m=1))
    (verdict,) = judge_answers(cover(plan_of([bad.case]), [bad]), {bad.case.key: bad}, rules)
    assert all(word in verdict.reason for word in ("rank 1", "row 17, column 3"))
    assert verdict.coverage == "64 elements in 1 checks"


def test_an_unreadable_plan_is_an_error() -> None:
    found = judge_coverage(cover({}, []), read_rules(bare_rules()), plan_known=False)
    assert [v.status for v in found] == ["error"]


def test_a_verdict_comes_back_from_its_json() -> None:
    for verdict in judged([LIMIT, measured(case(m=1), [1.0] * 7)], mine=FLOOR):
        assert Verdict.from_dict(verdict.as_dict()) == verdict
