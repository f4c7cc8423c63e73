"""The key of a case: one spelling for equal cases, another for every other case, the same on every machine and for ever."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.harness.case import PLAIN, RESERVED_WORDS, Budget, Case, spell

NAMES = st.text("abcxyz_", min_size=1, max_size=4)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=6)
    | st.sampled_from(["true", "null", "NaN", "Inf", "1", "1.0", "-1", "a,b=c", "a/b", 'a"', "a b", "fp8+e4m3", ""])
)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=6)
PARAMS = st.dictionaries(NAMES, VALUES, max_size=4)


def case(params: dict[str, Any], **other: Any) -> Case:
    """Make a case of one suite."""
    return Case("gemm", "assay.suites.gemm:gemm", params, **other)


def same(left: object, right: object) -> bool:
    """Compare as JSON does: 1, 1.0 and true are three values, and so are 0.0 and -0.0."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[name], right[name]) for name in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return left == right and not (
        isinstance(left, float) and isinstance(right, float) and math.copysign(1, left) != math.copysign(1, right)
    )


def test_golden_keys() -> None:
    """Written out by hand from the rule; a key that changes ends every series that is stored."""
    plain = case({"m": 64, "n": 2112, "k": 7168, "layer": "q_a_proj", "dtype": "bf16"})
    assert plain.key == "gemm/1/cpu/barrier/dtype=bf16,k=7168,layer=q_a_proj,m=64,n=2112/1x1"
    message = Case("all_reduce", "assay.suites.all_reduce:all_reduce", {"bytes": 8, "transport": "mpi"}, version=3, nranks=8, layout="2x4")
    assert message.key == "all_reduce/3/cpu/barrier/bytes=8,transport=mpi/2x4"
    block = case({}, align="block", device="cuda", inject={"kind": "nan", "after": 2})
    assert block.key == 'gemm/1/cuda/block/inject={"after":2,"kind":"nan"}/1x1'
    mixed = case({"s": "true", "t": "a b", "u": None, "f": 0.5, "l": [1, 2], "b": True, "d": {"z": 1, "a": "x"}, "e": "", "g": "\u00e9"})
    assert mixed.key == (
        'gemm/1/cpu/barrier/b=true,d={"a":"x","z":1},e="",f=0.5,g="\\u00e9",l=[1,2],s="true",t="a b",u=null/1x1'  # ASCII only
    )


@given(PARAMS, st.randoms())
@settings(deadline=None)
def test_equal_cases_have_equal_keys_whatever_the_order(params: dict[str, Any], random: Any) -> None:
    names = list(params)
    random.shuffle(names)
    shuffled = {name: params[name] for name in names}
    assert case(params).key == case(shuffled).key
    assert case(params, inject={"kind": "nan", "row": 1}).key == case(shuffled, inject={"row": 1, "kind": "nan"}).key


@given(PARAMS, PARAMS)
@settings(deadline=None)
def test_different_params_have_different_keys(left: dict[str, Any], right: dict[str, Any]) -> None:
    assert (case(left).key == case(right).key) == same(left, right)


@given(NAMES, st.dictionaries(NAMES, VALUES, max_size=3), VALUES)
@settings(deadline=None)
def test_one_changed_value_changes_the_key(name: str, params: dict[str, Any], value: Any) -> None:
    """Closer neighbours than two random cases are."""
    before = {**params, name: params.get(name, 1)}
    after = {**params, name: value}
    assert (case(before).key == case(after).key) == same(before, after)


@pytest.mark.parametrize(
    "change",
    [{"suite": "other"}, {"version": 2}, {"device": "cuda"}, {"align": "block"}, {"layout": "2x1"}, {"inject": {"kind": "nan"}}],
    ids=lambda change: next(iter(change)),
)
def test_everything_that_makes_figures_comparable_is_in_the_key(change: dict[str, Any]) -> None:
    first = case({"m": 1}, nranks=2, layout="1x2")
    assert dataclasses.replace(first, **change).key != first.key


def test_budget_is_not_in_the_key() -> None:
    assert case({"m": 1}, budget=Budget(seconds=9)).key == case({"m": 1}).key


@given(VALUES)
@settings(deadline=None)
def test_a_spelt_value_reads_back(value: Any) -> None:
    text = spell(value)
    bare = PLAIN.fullmatch(text) and text.lower() not in RESERVED_WORDS
    assert same(text if bare else json.loads(text), value)
    assert text.isascii()
    assert "\n" not in text


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, [math.nan], {"x": math.inf}])
def test_values_that_are_no_numbers_get_no_key(value: object) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        spell(value)


@given(PARAMS, st.integers(1, 9), st.dictionaries(st.sampled_from(["kind", "rank"]), st.text(max_size=3), max_size=2))
@settings(deadline=None)
def test_a_case_survives_its_form_on_disk(params: dict[str, Any], version: int, inject: dict[str, Any]) -> None:
    made = case(params, version=version, inject=inject, budget=Budget(seconds=0.25, min_reps=4))
    back = Case.from_dict(json.loads(json.dumps(made.as_dict())))
    assert back == made
    assert back.key == made.key == made.as_dict()["key"]


@pytest.mark.parametrize("change", [{"surplus": 1}, {"budget": {"surplus": 1}}])
def test_unknown_fields_are_no_case(change: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        Case.from_dict({**case({}).as_dict(), **change})
