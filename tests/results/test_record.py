"""Records come back as they were written, now and from older versions; what is none is refused by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.harness.errors import StoreError
from assay.harness.rundir import RunDir
from assay.results.record import METRICS, Record, read_records
from tests.results.builders import time_record

FINITE = st.floats(allow_nan=False, allow_infinity=False)
MAYBE = st.none() | FINITE
RECORDS = st.builds(
    Record,
    run=st.text(),
    key=st.text(),
    suite=st.text(),
    subject=st.text(),
    metric=st.sampled_from(sorted(METRICS)) | st.text(),
    value=FINITE,
    unit=st.text(),
    better=st.sampled_from(["higher", "lower", "none"]),
    agg=st.text(),
    n=st.integers(0, 10**9),
    ci_lo=MAYBE,
    ci_hi=MAYBE,
    min=MAYBE,
    max=MAYBE,
    p99=MAYBE,
    cv=MAYBE,
    limit=MAYBE,
    limit_name=st.text(),
    share=MAYBE,
    flags=st.lists(st.text()).map(tuple),
    hw_class=st.text(),
    sw_class=st.text(),
    inject=st.booleans(),
)


@settings(deadline=None)  # time decides no test
@given(RECORDS)
def test_a_record_comes_back_through_json(record: Record) -> None:
    assert Record.from_dict(json.loads(json.dumps(record.as_dict(), allow_nan=False))) == record


@settings(deadline=None)  # time decides no test
@given(RECORDS, st.dictionaries(st.text(min_size=1).map(lambda t: f"new_{t}"), st.integers() | st.text()))
def test_fields_of_a_newer_version_are_passed_over(record: Record, newer: dict[str, Any]) -> None:
    assert Record.from_dict(record.as_dict() | newer) == record


def test_the_oldest_form_gets_defaults() -> None:
    record = Record.from_dict({"key": "k", "metric": "busbw", "value": 3, "unit": "B/s"})
    assert (record.value, record.better, record.flags, record.limit, record.run) == (3.0, "higher", (), None, "")


@pytest.mark.parametrize("name", ["key", "metric", "value", "unit"])
def test_a_record_of_nothing_is_refused(name: str) -> None:
    data = {key: value for key, value in time_record(1.0, run="r").as_dict().items() if key != name}
    with pytest.raises(StoreError, match=name):
        Record.from_dict(data)


WRONG_TYPES: list[tuple[str, object]] = [
    ("value", None),
    ("value", "nan"),
    ("value", True),
    ("value", float("nan")),
    ("value", 10**400),
    ("limit", float("inf")),
    ("share", "1"),
    ("n", 1.5),
    ("n", -1),
    ("n", True),
    ("flags", "slow"),
    ("flags", [1]),
    ("inject", 1),
    ("key", 7),
    ("better", "bigger"),
]


@pytest.mark.parametrize(("name", "value"), WRONG_TYPES)
def test_a_wrong_type_is_named(name: str, value: object) -> None:
    with pytest.raises(StoreError, match=name):
        Record.from_dict(time_record(1.0, run="r").as_dict() | {name: value})


@pytest.mark.parametrize("data", [None, [], "x", 3])
def test_what_is_no_object_is_refused(data: Any) -> None:
    with pytest.raises(StoreError):
        Record.from_dict(data)


def test_damaged_lines_are_named_and_the_rest_is_read(tmp_path: Path) -> None:
    good = json.dumps(time_record(1.0, run="r").as_dict()).encode()
    (tmp_path / "records.jsonl").write_bytes(b"\n".join([good, b'{"key": "k"}', b"\xff\xfe", good[:50], good, b"[" * 100_000]))
    records, problems = read_records(RunDir(tmp_path))
    assert len(records) == 2
    assert [problem.split(":")[0] for problem in problems] == [f"records.jsonl line {n}" for n in (2, 3, 4, 6)]


def test_no_file_is_a_store_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"records\.jsonl"):
        read_records(RunDir(tmp_path))
