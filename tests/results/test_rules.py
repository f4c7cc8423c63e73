"""Rules can set thresholds and nothing else; every threshold that could pass everything is refused by its path."""

from __future__ import annotations

from typing import Any

import pytest

from assay.harness.errors import RefusalError
from assay.results.rules import read_rules
from tests.results.builders import ROOT, bare_rules, case, rules

FLOOR: dict[str, Any] = {"kind": "floor", "suite": "gemm", "metric": "flop_rate", "share_of_limit": 0.05, "why": "broken"}


def test_the_shipped_rules_are_valid_and_in_their_group() -> None:
    found = read_rules(rules())
    assert (found.share, found.stated, found.min_effect, found.min_seconds) == (1.0, 1.05, 0.03, 1e-6)
    assert all(floor.why for floor in found.aims)
    text = (ROOT / "conf" / "rules" / "default.yaml").read_text(encoding="utf-8")
    assert text.startswith("# @package rules\n")


NO_NUMBERS: list[object] = [0, 0.0, -1, float("nan"), float("inf"), "0.05", None, True, [0.1], 10**400]


@pytest.mark.parametrize("bad", NO_NUMBERS)
@pytest.mark.parametrize(
    ("rule", "name"),
    [
        ({"kind": "coverage"}, "share"),
        ({"kind": "plausible", "stated": 1.1, "measured": 1.1}, "measured"),
        ({"kind": "plausible", "stated": 1.1, "measured": 1.1}, "stated"),
        ({"kind": "relative", "min_effect": 0.1, "min_seconds": 1.0}, "min_effect"),
        ({"kind": "relative", "min_effect": 0.1, "min_seconds": 1.0}, "min_seconds"),
        (FLOOR, "share_of_limit"),
        ({k: v for k, v in FLOOR.items() if k != "share_of_limit"} | {"unit": "FLOP/s"}, "value"),
    ],
)
def test_a_threshold_that_judges_nothing_is_refused_by_its_path(rule: dict[str, Any], name: str, bad: object) -> None:
    others = {key: value for key, value in bare_rules().items() if value["kind"] != rule["kind"]}
    with pytest.raises(RefusalError) as refused:
        read_rules(others | {"mine": rule | {name: bad}})
    assert refused.value.where == f"rules.mine.{name}"
    assert refused.value.exit_code == 3


@pytest.mark.parametrize(
    ("rule", "where"),
    [
        (FLOOR | {"share_of_limit": 5}, "rules.mine.share_of_limit"),
        (FLOOR | {"shared_of_limit": 0.1}, "rules.mine.shared_of_limit"),
        (FLOOR | {"value": 1e9, "unit": "FLOP/s"}, "rules.mine.share_of_limit"),
        (FLOOR | {"unit": "FLOP/s"}, "rules.mine.unit"),
        ({k: v for k, v in FLOOR.items() if k != "share_of_limit"}, "rules.mine.share_of_limit"),
        ({"kind": "ceiling", "suite": "gemm", "metric": "time", "value": 0, "unit": "s"}, "rules.mine.value"),
        ({"kind": "ceiling", "suite": "gemm", "metric": "time", "unit": "s"}, "rules.mine.value"),
        ({"kind": "ceiling", "suite": "gemm", "metric": "power", "value": 1.0, "unit": "W"}, "rules.mine.metric"),
        ({"kind": "ceiling", "suite": "gemm", "metric": "time", "value": 1.0, "unit": "ms"}, "rules.mine.unit"),
        ({k: v for k, v in FLOOR.items() if k != "share_of_limit"} | {"value": 1e9}, "rules.mine.unit"),
        ({"kind": "share_of_limit", "suite": "gemm", "metric": "flop_rate"}, "rules.mine.least"),
        ({"kind": "share_of_limit", "suite": "gemm", "metric": "flop_rate", "least": 0.9, "most": 0.9}, "rules.mine.least"),
        ({"kind": "share_of_limit", "suite": "gemm", "metric": "flop_rate", "least": 1.2}, "rules.mine.least"),
        ({"kind": "share_of_limit", "suite": "gemm", "metric": "flop_rate", "most": 0}, "rules.mine.most"),
        ({"kind": "share_of_limit", "suite": "gemm", "metric": "time", "least": 0.5}, "rules.mine.metric"),
        ({k: v for k, v in FLOOR.items() if k != "share_of_limit"} | {"value": 1, "unit": "TFLOP/s"}, "rules.mine.unit"),
        ({k: v for k, v in FLOOR.items() if k != "suite"}, "rules.mine.suite"),
        (FLOOR | {"suite": ""}, "rules.mine.suite"),
        (FLOOR | {"metric": "flops"}, "rules.mine.metric"),
        (FLOOR | {"metric": "time"}, "rules.mine.metric"),
        (FLOOR | {"metric": ["flop_rate"]}, "rules.mine.metric"),
        (FLOOR | {"where": [1]}, "rules.mine.where"),
        (FLOOR | {"where": {"m_min": "64"}}, "rules.mine.where.m_min"),
        (FLOOR | {"where": {"m_min": float("nan")}}, "rules.mine.where.m_min"),
        (FLOOR | {"where": {"dtype": ["a", "b"]}}, "rules.mine.where.dtype"),
        (FLOOR | {"why": 3}, "rules.mine.why"),
        ({"kind": "eval", "code": "__import__('os')"}, "rules.mine.kind"),
        ({"kind": ["floor"]}, "rules.mine.kind"),
        ({}, "rules.mine.kind"),
        (0.05, "rules.mine.kind"),
        (None, "rules.mine.kind"),
    ],
)
def test_what_is_no_rule_is_refused_by_its_path(rule: Any, where: str) -> None:
    with pytest.raises(RefusalError) as refused:
        read_rules(bare_rules() | {"mine": rule})
    assert refused.value.where == where
    assert refused.value.fix


@pytest.mark.parametrize("name", ["answer", "coverage", "plausible", "relative"])
def test_what_every_run_is_judged_by_cannot_be_left_out_or_doubled(name: str) -> None:
    for broken in (rules(**{name: None}), rules(again=rules()[name])):
        with pytest.raises(RefusalError) as refused:
            read_rules(broken)
        assert refused.value.where == "rules"


@pytest.mark.parametrize("nothing", [None, {}, [], "default"])
def test_no_rules_at_all_are_refused(nothing: Any) -> None:
    with pytest.raises(RefusalError):
        read_rules(nothing)


@pytest.mark.parametrize(
    ("where", "covered"),
    [
        ({}, True),
        ({"dtype": "bf16"}, True),
        ({"dtype": "fp32"}, False),
        ({"m_min": 64}, True),
        ({"m_min": 65}, False),
        ({"m_max": 64}, True),
        ({"m_max": 63, "dtype": "bf16"}, False),
        ({"device": "cpu", "nranks": 1}, True),
        ({"device": "cuda"}, False),
        ({"layout": "nt"}, True),  # a parameter of this name goes before nodes x ranks
        ({"rows_min": 1}, False),
        ({"dtype_min": 1}, False),
    ],
)
def test_conditions_on_cases(where: dict[str, Any], covered: bool) -> None:  # noqa: FBT001 - a table's column
    (floor,) = read_rules(bare_rules(mine=FLOOR | {"where": where})).aims
    assert floor.covers(case(m=64, dtype="bf16", layout="nt").as_dict()) is covered


def test_conditions_on_what_no_case_has_are_told_apart_from_unmet_ones() -> None:
    (floor,) = read_rules(bare_rules(mine=FLOOR | {"where": {"m_min": 1000, "rows_min": 1, "sise": 3, "dtype": "fp8"}})).aims
    assert floor.unknown([case(m=64, dtype="bf16").as_dict()]) == ["rows_min", "sise"]


def test_a_version_changes_with_the_judgement_and_only_with_it() -> None:
    def version(**changes: Any) -> str:
        return read_rules(bare_rules(mine=FLOOR | changes)).aims[0].version

    assert version() == version(why="said better")
    assert len({version(), version(share_of_limit=0.06), version(where={"m": 1}), version(where={"m": 2}), version(suite="fp8_gemm")}) == 5
