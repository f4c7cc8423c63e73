"""A plan file comes back as it was written; whatever an editor does to it, it is refused or it is a plan."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from assay.harness.case import Budget, Case
from assay.harness.errors import RefusalError
from assay.harness.plan import LeftOut, Plan, expand
from assay.harness.planfile import from_dict, read_plan, to_dict

TARGET = "assay.suites.gemm:gemm"
CASES = (
    Case(
        "gemm",
        TARGET,
        {"m": 1, "dtype": "bf16", "scale": 0.5, "groups": [1, 2], "none": None},
        nranks=2,
        layout="1x2",
        budget=Budget(seconds=0.5),
    ),
    Case("gemm", TARGET, {"m": 2}, nranks=2, layout="2x1", align="block", version=2, inject={"kind": "nan_element", "rank": 1}),
)
PLAN = Plan("p", 2, CASES, (LeftOut(Case("gemm", TARGET, {"m": 3}, nranks=2, layout="1x2"), "left out by --budget 1 s"),), ("a note",))
# What an editor may change without making it another measurement: labels, lists beside the cases, time, who else may be there, and which allowed function runs.
FREE = re.compile(r"name|notes.*|left_out.*|needs.*|telemetry|share|exclusive|marks.*|cases/\d+/(budget.*|target)")

Where = tuple[str | int, ...]


def places(data: Any, path: Where = ()) -> Iterator[Where]:
    """List the paths of every value in a JSON document."""
    if path:
        yield path
    if isinstance(data, dict | list):
        for name in data if isinstance(data, dict) else range(len(data)):
            yield from places(data[name], (*path, name))


def edited(path: Where, value: Any, *, delete: bool = False) -> dict[str, Any]:
    """Copy the plan's document with one value replaced or taken out."""
    document = json.loads(json.dumps(to_dict(PLAN)))
    inner = document
    for step in path[:-1]:
        inner = inner[step]
    if delete:
        del inner[path[-1]]
    else:
        inner[path[-1]] = copy.deepcopy(value)
    return document  # type: ignore[no-any-return]


def read(document: object) -> Plan | None:
    """Read a document; None if it is refused. Any other exception is the test's failure."""
    try:
        return from_dict(document, where="plan.json")
    except RefusalError as error:
        told = error
    assert told.exit_code == 3
    assert "plan.json" in str(told)
    return None


def sound(plan: Plan) -> bool:
    """Tell whether what was accepted can be measured at all."""
    whole = all(type(number) is int and number > 0 for c in plan.cases for number in (c.budget.min_reps, c.budget.max_reps, c.version))
    timed = all(
        0 < number < 1e10
        for c in plan.cases
        for number in (c.budget.seconds, c.budget.warmup_seconds, c.budget.timeout, c.budget.precision)
    )
    return (
        whole
        and timed
        and all(c.nranks == plan.nranks and c.target.startswith(("assay.suites.", "assay.collectives.")) for c in plan.cases)
    )


PATHS = list(places(json.loads(json.dumps(to_dict(PLAN)))))
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=4)
    | st.sampled_from([10**400, "1x2", "2x1", "1x1", "block", "nan", TARGET]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


def test_a_plan_comes_back_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(to_dict(PLAN)), encoding="utf-8")
    assert read_plan(path) == PLAN


@given(
    st.lists(st.integers(1, 40), min_size=1, max_size=5), st.sampled_from(["1x1", "2x3"]), st.sampled_from([None, "nan_element", "kill"])
)
@settings(deadline=None)
def test_every_planned_plan_comes_back(sizes: list[int], layout: str, kind: str | None) -> None:
    config = {"suite": {"gemm": {"target": TARGET, "axes": {"m": sizes}}}, "site": {"device": "cpu"}, "inject": {"kind": kind}}
    made = expand(config, name="p", layout=layout)
    assert from_dict(json.loads(json.dumps(to_dict(made))), where="w") == made


@given(st.sampled_from(PATHS), JSON)
@example(("cases", 0, "layout"), "-1x-2")
@example(("cases", 0, "budget", "timeout"), 1e300)
@example(("left_out", 0), {})
@example(("notes",), None)
@settings(deadline=None, max_examples=500)
def test_one_edited_value_is_refused_or_changes_no_measurement(path: Where, value: Any) -> None:
    plan = read(edited(path, value))
    if plan is not None:
        assert sound(plan)
        assert [case.key for case in plan.cases] == [case.key for case in CASES]
        assert plan == PLAN or FREE.fullmatch("/".join(map(str, path)))


@pytest.mark.parametrize("path", PATHS, ids=lambda path: "/".join(map(str, path)))
def test_one_missing_value_is_refused_or_takes_its_default(path: Where) -> None:
    plan = read(edited(path, None, delete=True))
    if plan is not None:
        assert sound(plan)
        assert {case.key for case in plan.cases} <= {case.key for case in CASES}


@pytest.mark.parametrize(
    "path", [path for path in PATHS if not FREE.fullmatch("/".join(map(str, path)))], ids=lambda path: "/".join(map(str, path))
)
def test_a_nonsense_value_in_a_place_that_counts_is_refused(path: Where) -> None:
    assert read(edited(path, "nonsense")) is None
    assert read(edited(path, [[]])) is None


@given(JSON)
@settings(deadline=None)
def test_any_document_is_read_or_refused(document: Any) -> None:
    assert read(document) is None


@given(st.integers(0, 10**6), st.binary(max_size=3), st.integers(0, 40))
@settings(deadline=None, max_examples=200)
def test_damaged_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, at: int, put: bytes, cut: int) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.json"
    raw = json.dumps(to_dict(PLAN)).encode()
    at %= len(raw)
    path.write_bytes(raw[:at] + put + raw[at + cut :])
    try:
        plan = read_plan(path)
    except RefusalError as error:
        assert str(path) in str(error)  # noqa: PT017 - what is refused varies
        return
    assert sound(plan)


WRONG = {
    "the key of another case": (("cases", 0, "key"), CASES[1].key),
    "a value that the key does not have": (("cases", 0, "params", "m"), 2),
    "other ranks than the plan": (("cases", 0, "nranks"), 3),
    "a layout of more ranks": (("cases", 0, "layout"), "2x2"),
    "a plan of no ranks": (("nranks",), 0),
    "a plan of true ranks": (("nranks",), True),
    "no cases": (("cases",), []),
    "twice the same case": (("cases", 1), CASES[0].as_dict()),
    "an old schema": (("schema",), 0),
    "a target outside": (("cases", 0, "target"), "os.system"),
    "a target in the harness": (("cases", 0, "target"), "assay.harness.door.main:entry"),
    "a dunder": (("cases", 0, "target"), "assay.suites.gemm:__builtins__"),
    "a budget of zero": (("cases", 0, "budget", "seconds"), 0),
    "a budget of true": (("cases", 0, "budget", "seconds"), True),
    "a budget without end": (("cases", 0, "budget", "seconds"), float("inf")),
    "a budget that is no number": (("cases", 0, "budget", "seconds"), float("nan")),
    "half a repetition": (("cases", 0, "budget", "min_reps"), 1.5),
    "another alignment": (("cases", 0, "align"), "sometimes"),
}


@pytest.mark.parametrize(("path", "value"), WRONG.values(), ids=WRONG)
def test_what_must_be_refused(path: Where, value: Any) -> None:
    assert read(edited(path, value)) is None


@pytest.mark.parametrize("layout", ["1x2x1", "12", "", "ax2", "-1x-2", "2x", "01x2", " 1x2", "1x2 ", "+1x2", "0x2", "1X2"])
def test_a_layout_that_is_none_is_refused_even_with_a_key_to_match(layout: str) -> None:
    document = edited(("cases", 0, "layout"), layout)
    document["cases"][0]["key"] = document["cases"][0]["key"].replace("/1x2", f"/{layout}")
    assert read(document) is None


@pytest.mark.parametrize("fault", [{"kind": "explode"}, {"rank": 1}, {"kind": None}])
def test_a_planted_fault_that_is_none_is_refused_even_with_a_key_to_match(fault: dict[str, Any]) -> None:
    case = Case("gemm", TARGET, {"m": 1}, nranks=2, layout="1x2", inject=fault)
    assert read(edited(("cases", 0), case.as_dict())) is None


@pytest.mark.parametrize("change", [{"suite": 7}, {"device": ["cpu"]}, {"suite": None}])
def test_words_that_are_none_are_refused_even_with_a_key_to_match(change: dict[str, Any]) -> None:
    row = {**CASES[0].as_dict(), **change}
    row["key"] = Case.from_dict(row).key
    assert read(edited(("cases", 0), row)) is None


def test_a_file_that_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(RefusalError, match=r"absent\.json"):
        read_plan(tmp_path / "absent.json")


def test_a_file_nested_without_end_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "deep.json"
    path.write_text("[" * 200_000, encoding="utf-8")
    with pytest.raises(RefusalError, match="cannot be read as a plan"):
        read_plan(path)


def test_a_plan_of_before_there_was_telemetry_is_still_read() -> None:
    document = to_dict(PLAN)
    for name in ("telemetry", "share", "exclusive", "marks"):
        del document[name]
    found = from_dict(document, where="plan.json")
    assert (found.telemetry, found.share, found.exclusive, found.marks) == ("auto", False, False, ())


def test_what_a_user_allowed_comes_back_and_only_yes_is_yes() -> None:
    plan = replace(PLAN, telemetry="none", share=True, exclusive=True, marks=("shared with job 7",))
    found = from_dict(json.loads(json.dumps(to_dict(plan))), where="plan.json")
    assert (found.telemetry, found.share, found.exclusive, found.marks) == ("none", True, True, ("shared with job 7",))
    with pytest.raises(RefusalError, match=r"plan\.json: share: is neither true nor false"):
        from_dict(to_dict(PLAN) | {"share": "yes"}, where="plan.json")
