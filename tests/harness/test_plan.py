"""The planner against brute force, and everything that it must refuse before anything is measured."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.harness.errors import RefusalError
from assay.harness.params import Param
from assay.harness.plan import Plan, expand
from assay.harness.plancheck import check_options
from assay.harness.work import Needs

GEMM = "assay.suites.gemm:gemm"
REDUCE = "assay.suites.all_reduce:all_reduce"
DEFAULTS = {"m": 4096, "n": 2112, "k": 7168, "layer": "", "dtype": "bf16", "layout": "nt", "seed": 0}


def plan(
    *, grid: str = "1x1", memory: int = 1 << 50, suites: dict[str, Any] | None = None, shared: dict[str, Any] | None = None, **gemm: Any
) -> Plan:
    """Expand one gemm suite with these options, or ``suites``."""
    chosen = suites if suites is not None else {"gemm": {"target": GEMM, **gemm}}
    config = {"suite": chosen, "site": {"device": "cpu", "memory_nbytes": memory}, **(shared or {})}
    return expand(config, name="p", layout=grid)


def refused(**options: Any) -> RefusalError:
    """Give the refusal; AssertionError if the plan is made."""
    with pytest.raises(RefusalError) as caught:
        plan(**options)
    assert caught.value.exit_code == 3
    assert caught.value.fix
    return caught.value


SIZES = st.lists(st.integers(1, 50), min_size=1, max_size=4)
DTYPES = st.lists(st.sampled_from(["fp32", "bf16"]), min_size=1, max_size=3)
LAYERS = st.lists(
    st.fixed_dictionaries({"layer": st.sampled_from("ab"), "n": st.integers(1, 3), "k": st.integers(1, 3)}), min_size=1, max_size=3
)


@given(SIZES, DTYPES, LAYERS, st.permutations(["m", "dtype", "shape"]))
@settings(deadline=None)
def test_axes_give_their_product_in_order_once_each(m: list[int], dtype: list[str], shape: list[dict[str, Any]], order: list[str]) -> None:
    values: dict[str, list[Any]] = {"m": m, "dtype": dtype, "shape": shape}
    wanted: list[dict[str, Any]] = []
    repeated = 0
    for chosen in itertools.product(*(values[name] for name in order)):
        named = dict(zip(order, chosen, strict=True))
        params = {**DEFAULTS, "seed": 7, "m": named["m"], "dtype": named["dtype"], **named["shape"]}
        if params in wanted:
            repeated += 1
        else:
            wanted.append(params)
    made = plan(seed=7, axes={name: values[name] for name in order})
    assert [dict(case.params) for case in made.cases] == wanted
    assert len(made.notes) == repeated
    assert all(note.startswith("listed twice, measured once: gemm/1/cpu/") for note in made.notes)


def test_a_case_holds_everything_that_was_resolved() -> None:
    (case,) = plan(
        grid="2x2", axes={"m": [8]}, version=3, align="block", budget={"seconds": 0.5}, shared={"budget": {"seconds": 9.0, "timeout": 7}}
    ).cases
    assert case.key == 'gemm/3/cpu/block/dtype=bf16,k=7168,layer="",layout=nt,m=8,n=2112,seed=0/2x2'
    assert (case.nranks, case.budget.seconds, case.budget.timeout, case.budget.min_reps) == (4, 0.5, 7, 10)


def test_a_mapping_sets_several_parameters_and_a_later_axis_wins() -> None:
    made = plan(axes={"layer": [{"layer": "a", "m": 1, "n": 2, "k": 3}, {"layer": "b", "m": 4, "n": 5, "k": 6}], "m": [9]})
    assert [(c.params["layer"], c.params["m"], c.params["n"]) for c in made.cases] == [("a", 9, 2), ("b", 9, 5)]


def test_ten_thousand_cases() -> None:
    made = plan(axes={"m": list(range(1, 101)), "n": list(range(1, 101))}, k=1)
    assert len(made.cases) == len({case.key for case in made.cases}) == 10_000
    assert set(made.needs) == {case.key for case in made.cases}


def test_the_estimate_of_a_case_counts_its_parts() -> None:
    made = plan(axes={"m": [8]}, budget={"seconds": 2.0, "warmup_seconds": 0.25})
    (case,) = made.cases
    assert made.needs[case.key].seconds > 0
    need = made.needs[case.key]
    assert made.seconds(case) == 2.25 + need.seconds + 2 * need.step_seconds
    assert Plan("", 1, (case,), needs={case.key: Needs(seconds=3)}).seconds(case) == 5.25
    # A step of 4 s: one to warm up, three timed (the least), two checked.
    assert Plan("", 1, (case,), needs={case.key: Needs(seconds=3, step_seconds=4)}).seconds(case) == 3 + 4 + 20 + 8
    assert Plan("", 1, (case,), needs={case.key: Needs(step_seconds=100)}).seconds(case) == 100 + 300 + 200


def test_a_case_that_would_run_into_its_deadline_is_said() -> None:
    slow = {"axes": {"m": [4096], "dtype": ["bf16"]}, "n": 1 << 16, "k": 1 << 14}
    assert any("may need" in note and "budget.timeout" in note for note in plan(**slow, budget={"timeout": 60.0}).notes)
    assert plan(**slow, budget={"timeout": 1e6}).notes == ()


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({"axes": {"m": []}}, "suite.gemm.axes.m"),
        ({"axes": {"m": 64}}, "suite.gemm.axes.m"),
        ({"axes": {"m": "64"}}, "suite.gemm.axes.m"),
        ({"axes": {"m": {"a": 1}}}, "suite.gemm.axes.m"),
        ({"axes": {"m": None}}, "suite.gemm.axes.m"),
        ({"axes": {"m": [64, "64"]}}, "suite.gemm.axes.m"),
        ({"axes": {"m": [64.5]}}, "suite.gemm.axes.m"),
        ({"axes": {"m": [True]}}, "suite.gemm.axes.m"),
        ({"axes": {"m": [0]}}, "suite.gemm.axes.m"),
        ({"axes": {"mm": [64]}}, "suite.gemm.axes.mm"),
        ({"axes": {"layer": [{"layer": "a", "m": "x"}]}}, "suite.gemm.axes.layer"),
        ({"axes": {"layer": [{"layer": "a", "rows": 1}]}}, "suite.gemm.axes.layer"),
        ({"axes": {"dtype": ["fp64"]}}, "suite.gemm.axes.dtype"),
        ({"axes": [64]}, "suite.gemm.axes"),
        ({"axes": 64}, "suite.gemm.axes"),
        ({"budget": 3}, "suite.gemm.budget"),
        ({"ranks": 2}, "suite.gemm.ranks"),
        ({"mm": 64}, "suite.gemm.mm"),
        ({"m": "64"}, "suite.gemm.m"),
        ({"m": -1}, "suite.gemm.m"),
        ({"k": 100, "dtype": "fp8"}, "suite.gemm.k"),
        ({"version": 0}, "suite.gemm.version"),
        ({"version": True}, "suite.gemm.version"),
        ({"version": "1"}, "suite.gemm.version"),
        ({"align": "never"}, "suite.gemm.align"),
        ({"target": "os.system"}, "suite.gemm.target"),
        ({"target": ""}, "suite.gemm.target"),
        ({"target": "assay.suites.gemm:absent"}, "suite.gemm.target"),
        ({"suites": {}}, "suite"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_what_cannot_be_planned_is_refused_with_its_path(options: dict[str, Any], path: str) -> None:
    assert refused(**options).where == path


@pytest.mark.parametrize("name", ["inject", "budget", "axes"])
def test_a_parameter_that_would_be_taken_for_an_option_is_refused(name: str) -> None:
    parameters = {name: Param(name, "int", 1)}
    with pytest.raises(RefusalError, match=f"parameter named {name}"):
        check_options({}, parameters, where="suite.mine")
    check_options({}, {"fine": Param("fine", "int", 1)}, where="suite.mine")


def test_a_value_that_is_refused_is_told() -> None:
    text = str(refused(axes={"m": [64, "64"]}))
    assert text.startswith("suite.gemm.axes.m: ")
    assert "'64'" in text


@pytest.mark.parametrize("name", ["seconds", "warmup_seconds", "precision", "timeout", "min_reps", "max_reps"])
@pytest.mark.parametrize("value", [0, -1, math.nan, math.inf, -math.inf, 1e300, 10**400, True, "1", [1], {}])
def test_budgets_that_are_none_are_refused(name: str, value: object) -> None:
    assert refused(budget={name: value}).where == f"suite.gemm.budget.{name}"
    assert refused(shared={"budget": {name: value}}).where == f"budget.{name}"


@pytest.mark.parametrize("name", ["min_reps", "max_reps"])
def test_half_a_repetition_is_refused(name: str) -> None:
    assert "whole" in str(refused(budget={name: 1.5}))


def test_an_unknown_part_of_a_budget_is_refused() -> None:
    assert refused(budget={"secs": 1}).where == "suite.gemm.budget.secs"


def test_an_unset_part_of_a_budget_leaves_the_default() -> None:
    assert plan(axes={"m": [1]}, budget={"seconds": None}).cases[0].budget.seconds == 1.0


@pytest.mark.parametrize(("grid", "fine"), [("1x1", False), ("1x2", True), ("2x2", True), ("1x5", False)])
def test_rank_counts_that_a_suite_cannot_use_are_refused(grid: str, *, fine: bool) -> None:
    options: dict[str, Any] = {"grid": grid, "axes": {"m": [1]}, "ranks": {"min": 2, "max": 4}}
    if fine:
        assert plan(**options).cases
    else:
        assert refused(**options).where == "suite.gemm"


def test_more_memory_than_there_is_is_refused() -> None:
    made = plan(axes={"m": [64]})
    nbytes = made.needs[made.cases[0].key].memory_nbytes
    assert plan(axes={"m": [64]}, memory=2 * nbytes).cases
    error = refused(axes={"m": [64]}, memory=nbytes)
    assert error.where == "suite.gemm.axes"
    assert made.cases[0].key in str(error)
    # What one rank may have, four on the same machine may not; on four machines they may.
    assert refused(axes={"m": [64]}, memory=2 * nbytes, grid="1x4").where == "suite.gemm.axes"
    assert plan(axes={"m": [64]}, memory=2 * nbytes, grid="4x1").cases


@pytest.mark.parametrize(
    ("name", "value"), [("dtype", "fp32"), ("dtype", ["fp32", "bf16"]), ("layout", "nn"), ("seed", 3), ("seed", [1, 2, 3])]
)
def test_a_shared_key_replaces_the_suites_own(name: str, value: object) -> None:
    wanted = value if isinstance(value, list) else [value]
    for own in ({"axes": {"m": [1], name: [DEFAULTS[name]]}}, {"axes": {"m": [1]}, name: DEFAULTS[name]}):
        assert [case.params[name] for case in plan(shared={name: value}, **own).cases] == wanted


def test_a_shared_key_reaches_only_suites_that_take_it() -> None:
    suites = {"gemm": {"target": GEMM, "axes": {"m": [1]}}, "all_reduce": {"target": REDUCE, "axes": {"bytes": [8]}}}
    made = plan(suites=suites, shared={"layout": "nn"})
    assert [case.params.get("layout") for case in made.cases] == ["nn", None]


@pytest.mark.parametrize("name", ["impl", "layout"])
def test_a_shared_key_that_no_suite_takes_is_refused(name: str) -> None:
    suites = {"all_reduce": {"target": REDUCE, "axes": {"bytes": [8]}}}
    error = refused(suites=suites, shared={name: "x"})
    assert (error.where, error.value) == (name, "x")


@pytest.mark.parametrize("value", [[], [None], "fp64", 1])
def test_a_shared_key_of_another_type_is_refused(value: object) -> None:
    assert "dtype" in refused(axes={"m": [1]}, shared={"dtype": value}).where


BOTH = {"gemm": {"target": GEMM, "axes": {"m": [1, 2]}}, "all_reduce": {"target": REDUCE, "axes": {"bytes": [8]}}}


@pytest.mark.parametrize(
    ("fault", "hit"),
    [
        ({"kind": "nan_element"}, [True, True, True]),
        ({"kind": "nan_element", "suite": "gemm"}, [True, True, False]),
        ({"kind": "nan_element", "match": "m=2,"}, [False, True, False]),
        ({"kind": "nan_element", "suite": "all_reduce", "match": "bytes=8", "rank": 1, "after": 2}, [False, False, True]),
        ({"kind": None, "rank": None}, [False, False, False]),
    ],
)
def test_a_planted_fault_hits_what_it_names_and_is_in_the_key(fault: dict[str, Any], hit: list[bool]) -> None:
    made = plan(suites=BOTH, shared={"inject": fault}, grid="1x2")
    assert [bool(case.inject) for case in made.cases] == hit
    assert ["inject={" in case.key for case in made.cases] == hit
    assert all(None not in case.inject.values() for case in made.cases)


@pytest.mark.parametrize(
    ("fault", "path"),
    [
        ({"kind": "nan_element", "match": "m=3,"}, "inject"),
        ({"kind": "nan_element", "suite": "fp8_gemm"}, "inject"),
        ({"kind": "nan_element", "suite": "all_reduce", "match": "m=1"}, "inject"),
        ({"kind": "explode"}, "inject.kind"),
        ({"kind": True}, "inject.kind"),
        ({"kind": None, "rank": 0}, "inject.kind"),
        ({"kind": "nan_element", "rank": 2}, "inject.rank"),
        ({"kind": "nan_element", "rank": -1}, "inject.rank"),
        ({"kind": "nan_element", "rank": "0"}, "inject.rank"),
        ({"kind": "kill", "after": 0}, "inject.after"),
    ],
)
def test_a_fault_that_would_hit_nothing_is_refused(fault: dict[str, Any], path: str) -> None:
    """A detector's test must not pass because nothing was planted."""
    assert refused(suites=BOTH, shared={"inject": fault}, grid="1x2").where == path
