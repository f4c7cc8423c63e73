"""What a time budget keeps, against brute force over every subset of small plans."""

from __future__ import annotations

import itertools
import random

import pytest

from assay.harness.case import Case
from assay.harness.door.planning import cut
from assay.harness.door.value import affordable, kind, tiers
from assay.harness.errors import RefusalError
from assay.harness.plan import Plan
from assay.harness.work import Needs


def small_plan(seed: int) -> Plan:
    """Draw up to nine cases of up to four suites with random costs, calibration among them at times."""
    draw = random.Random(seed)  # noqa: S311 - plans, no secrets
    cases, needs = [], {}
    for number in range(draw.randint(1, 9)):
        suite = draw.choice(["gemm", "all_reduce", "all_to_all", "calibrate"])
        case = Case(suite, f"assay.suites.{suite}:{suite}", {"dtype": draw.choice(["fp32", "bf16"]), "number": number})
        cases.append(case)
        needs[case.key] = Needs(seconds=draw.choice([0.5, 1.0, 2.0, 5.0, 20.0]))
    return Plan("p", 1, tuple(cases), needs=needs)


def suites(cases: tuple[Case, ...] | list[Case]) -> set[str]:
    """Name the suites, calibration apart."""
    return {case.suite for case in cases} - {"calibrate"}


@pytest.mark.parametrize("seed", range(60))
def test_the_budget_is_kept_breadth_holds_and_nothing_that_fits_is_left(seed: int) -> None:
    plan = small_plan(seed)
    calibration = sum(plan.seconds(case) for case in plan.cases if case.suite == "calibrate")
    whole = sum(map(plan.seconds, plan.cases))
    for share in (0.2, 0.5, 0.8, 1.0):
        seconds = calibration + share * (whole - calibration) + 1e-9
        kept = [case for case in plan.cases if case.key in affordable(plan.cases, plan.seconds, seconds)]
        spent = sum(map(plan.seconds, kept))
        assert spent <= seconds
        assert all(spent + plan.seconds(case) > seconds for case in plan.cases if case not in kept)
        rest = [case for case in plan.cases if case.suite != "calibrate"]
        subsets = itertools.chain.from_iterable(itertools.combinations(rest, size) for size in range(len(rest) + 1))
        most = max(len(suites(subset)) for subset in subsets if calibration + sum(map(plan.seconds, subset)) <= seconds)
        assert len(suites(kept)) == most


def test_tiers_are_a_suite_then_a_kind_then_the_rest_each_from_cheap_to_dear() -> None:
    def case(suite: str, dtype: str, number: int) -> Case:
        return Case(suite, f"assay.suites.{suite}:{suite}", {"dtype": dtype, "number": number})

    a, b, c, d, e = (
        case("gemm", "fp32", 30),
        case("gemm", "fp32", 10),
        case("gemm", "bf16", 20),
        case("all_reduce", "fp32", 5),
        case("calibrate", "x", 1),
    )
    found = tiers([a, b, c, d, e], lambda one: float(one.params["number"]))
    assert found == [[e], [d, b], [c], [a]]
    assert kind(b) == kind(a) != kind(c)


def test_the_plan_keeps_its_order_and_names_what_it_left_out() -> None:
    cases = tuple(Case("gemm", "assay.suites.gemm:gemm", {"m": m}) for m in (3, 1, 2))
    plan = Plan("p", 1, cases, needs={case.key: Needs(seconds=float(case.params["m"])) for case in cases})
    cheap = plan.seconds(cases[1]) + plan.seconds(cases[2])
    shown = cut(plan, seconds=cheap, shard=None)
    assert shown.cases == (cases[1], cases[2])
    assert [(row.case, row.reason) for row in shown.left_out] == [(cases[0], f"left out by --budget {cheap:g} s")]
    with pytest.raises(RefusalError, match="nothing to measure"):
        cut(plan, seconds=0.01, shard=None)
