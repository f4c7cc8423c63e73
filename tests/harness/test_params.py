"""A suite's signature is its schema: nothing is guessed, nothing converted but int to float."""

from __future__ import annotations

import inspect
import math
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.harness.errors import RefusalError
from assay.harness.params import Param, bind, coerce, fits, schema, written


def suite(
    ctx: object,
    *,
    m: int,
    scale: float = 1.0,
    name: str = "",
    fast: bool = False,
    dtype: Literal["fp32", "bf16"] = "bf16",
    groups: tuple[int, ...] = (1,),
    limit: int | None = None,
    **rest: object,
) -> None:
    """Stand for a suite function with one parameter of each kind."""


def where(name: str) -> str:
    """Give the config path of a parameter, as the planner does."""
    return f"suite.s.axes.{name}"


def param(annotation: str) -> Param:
    """Make a parameter ``x``."""
    return Param("x", annotation, inspect.Parameter.empty)


def test_schema_lists_everything_after_the_context() -> None:
    found = schema(suite)
    assert list(found) == ["m", "scale", "name", "fast", "dtype", "groups", "limit"]
    assert found["m"].default is inspect.Parameter.empty
    assert found["dtype"].choices == ("fp32", "bf16")
    assert found["m"].choices == ()
    assert found["limit"].annotation == "int | None"


def test_evaluated_annotations_read_like_written_ones() -> None:
    assert [written(a) for a in (int, "int", Literal["a", 2], int | None)] == ["int", "int", "Literal['a', 2]", "int | None"]
    assert [written(a) for a in (Literal["a"] | str, Literal["a"] | None)] == ["Literal['a'] | str", "Literal['a'] | None"]  # noqa: PYI051


def test_choices_that_others_may_add_to_take_other_text_and_nothing_else() -> None:
    added, closed = param("Literal['mpi', 'gloo'] | str"), param("Literal['mpi', 'gloo']")
    assert (added.choices, added.open, closed.open, param("str").open) == (("mpi", "gloo"), True, False, False)
    assert [coerce(value, added, where="w") for value in ("mpi", "acme")] == ["mpi", "acme"]
    for value, which in ((7, added), (None, added), ("acme", closed)):
        with pytest.raises(RefusalError, match="mpi, gloo"):
            coerce(value, which, where="w")


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        ("int", 64),
        ("int", -1),
        ("str", "64"),
        ("bool", True),
        ("float", 0.5),
        ("int | None", None),
        ("int | None", 3),
        ("Literal['a', 2]", 2),
        ("list[int]", [1, 2]),
        ("tuple[str, ...]", []),
    ],
)
def test_values_of_the_type_pass_as_they_are(annotation: str, value: object) -> None:
    got = coerce(value, param(annotation), where="w")
    assert got == value
    assert type(got) is type(value)


def test_an_int_serves_as_a_float_and_a_tuple_becomes_a_list() -> None:
    got = coerce(2, param("float"), where="w")
    assert (got, type(got)) == (2.0, float)
    assert coerce((1, 2), param("tuple[int, ...]"), where="w") == [1, 2]


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        ("int", True),
        ("int", "64"),
        ("int", 64.0),
        ("int", 64.5),
        ("int", None),
        ("int", [64]),
        ("float", True),
        ("float", "0.5"),
        ("float", math.nan),
        ("float", math.inf),
        ("float", -math.inf),
        ("float", 10**400),
        ("str", 1),
        ("str", None),
        ("bool", 1),
        ("bool", "true"),
        ("int | None", "null"),
        ("Literal['a', 2]", "b"),
        ("Literal['a', 2]", 2.0),
        ("Literal['a', 1]", True),
        ("Literal['a', 2]", ["a"]),
        ("Literal['a', 2]", {"a": 1}),
        ("list[int]", [1, "2"]),
        ("list[int]", [True]),
        ("list[int]", 1),
        ("list[float]", [math.nan]),
        ("dict", {}),
    ],
)
def test_anything_else_is_refused_with_value_and_path(annotation: str, value: object) -> None:
    with pytest.raises(RefusalError) as caught:
        coerce(value, param(annotation), where="suite.s.x")
    assert caught.value.exit_code == 3
    assert caught.value.where == "suite.s.x"
    assert str(caught.value).startswith("suite.s.x: x ")
    assert caught.value.fix


def test_choices_are_told() -> None:
    with pytest.raises(RefusalError, match="Choose one of fp32, bf16") as caught:
        bind({"m": 1, "dtype": "fp8"}, schema(suite), where=where)
    assert caught.value.value == "fp8"
    assert caught.value.where == "suite.s.axes.dtype"


def test_bind_fills_in_defaults() -> None:
    got = bind({"m": 4, "scale": 2}, schema(suite), where=where)
    assert got == {"m": 4, "scale": 2.0, "name": "", "fast": False, "dtype": "bf16", "groups": [1], "limit": None}


@pytest.mark.parametrize(
    ("values", "path"), [({"m": 1, "mm": 2}, "suite.s.axes.mm"), ({"m": 1, "ctx": 2}, "suite.s.axes.ctx"), ({}, "suite.s.axes.m")]
)
def test_unknown_and_missing_names_are_refused_with_their_path(values: dict[str, Any], path: str) -> None:
    with pytest.raises(RefusalError) as caught:
        bind(values, schema(suite), where=where)
    assert caught.value.where == path


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3), lambda inner: st.lists(inner, max_size=3), max_leaves=4
)


@given(ANYTHING, st.sampled_from(["int", "float", "str", "bool", "int | None", "Literal['a', 2]", "list[float]", "list[int]"]))
@settings(deadline=None)
def test_a_value_passes_in_its_type_or_is_refused(value: object, annotation: str) -> None:
    """Whatever passes is finite, and passes again as what it became."""
    try:
        got = coerce(value, param(annotation), where="w")
    except RefusalError:
        return
    assert coerce(got, param(annotation), where="w") == got
    assert annotation.startswith("Literal") or any(fits(got, kind) for kind in annotation.split(" | "))
    assert not isinstance(got, float) or math.isfinite(got)
