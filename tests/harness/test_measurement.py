"""Samples are exact, compact and hashed on disk; beyond a size only what judging needs is kept, and it is said."""

from __future__ import annotations

import json
import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.harness.case import Budget, Case
from assay.harness.errors import StoreError
from assay.harness.measurement import MAX_SAMPLES, STATUSES, Checked, Fault, Measurement, Samples
from assay.harness.rundir import dumps
from assay.harness.work import Volume

BITS = st.integers(0, 2**64 - 1)


def floats(bits: list[int]) -> tuple[float, ...]:
    """Read bit patterns as float64: every NaN, infinity and subnormal there is."""
    return struct.unpack(f"<{len(bits)}d", struct.pack(f"<{len(bits)}Q", *bits))


@given(st.integers(0, 4), st.integers(0, 9), st.data())
@settings(deadline=None)
def test_samples_come_back_bit_by_bit(ranks: int, reps: int, data: st.DataObject) -> None:
    bits = [data.draw(st.lists(BITS, min_size=reps, max_size=reps)) for _ in range(ranks)]
    made = Samples(tuple(floats(row) for row in bits), "something")
    back = Samples.from_dict(json.loads(json.dumps(made.as_dict())))
    assert [list(struct.unpack(f"<{reps}Q", struct.pack(f"<{reps}d", *row))) for row in back.rows] == bits
    assert back.dropped == "something"


@pytest.mark.parametrize(("ranks", "reps"), [(1, 10_000), (2, 50_000), (64, 1000)])
def test_a_sample_costs_ten_bytes(ranks: int, reps: int) -> None:
    made = Samples(tuple(tuple(1e-3 / (r + i + 1) for i in range(reps)) for r in range(ranks)))
    assert len(dumps(made.as_dict())) <= 10.1 * ranks * reps


def test_the_slowest_rank_makes_a_repetition() -> None:
    assert Samples(((1.0, 5.0, 2.0), (3.0, 4.0, 2.0))).slowest == [3.0, 5.0, 2.0]
    assert Samples().slowest == []
    with pytest.raises(ValueError, match="shorter"):
        _ = Samples(((1.0, 2.0), (1.0,))).slowest


@pytest.mark.parametrize(("ranks", "reps", "limit"), [(1, 10, 10), (2, 5, 10), (1, MAX_SAMPLES, MAX_SAMPLES)])
def test_up_to_the_limit_everything_is_kept(ranks: int, reps: int, limit: int) -> None:
    made = Samples(tuple(tuple(map(float, range(reps))) for _ in range(ranks)))
    assert made.kept(limit) is made


@given(st.integers(1, 5), st.integers(1, 60), st.integers(1, 40))
@settings(deadline=None)
def test_beyond_the_limit_what_is_dropped_is_said(ranks: int, reps: int, limit: int) -> None:
    made = Samples(tuple(tuple(float(1000 * r + i) for i in range(reps)) for r in range(ranks)))
    kept = made.kept(limit)
    if ranks * reps <= limit:
        assert kept.dropped == ""
        return
    left = sum(map(len, kept.rows))
    assert 0 < left <= limit + ranks
    assert len(kept.rows) == ranks  # no rank is given up: each stays a subject of its own
    places = [made.rows[0].index(value) for value in kept.rows[0]]
    assert all(row == tuple(whole[place] for place in places) for row, whole in zip(kept.rows, made.rows, strict=True))
    assert f"of {reps} repetitions" in kept.dropped
    assert f"dropped {ranks * reps - left} of {ranks * reps} samples" in kept.dropped
    assert Samples.from_dict(kept.as_dict()).dropped == kept.dropped


def whole(**change: Any) -> Measurement:
    """Make a measurement with every field set."""
    fields: dict[str, Any] = {
        "case": Case("s", "t", {"m": 1, "l": [1, 2]}, 2, 2, "1x2", "block", "cuda", {"kind": "nan_element"}, Budget(seconds=2)),
        "status": "error",
        "reason": "r",
        "scope": "world",
        "volume": Volume(1.5, 2, 3, 4, 0.5, "memory"),
        "checked": Checked(ok=True, checks=1, tested=2, rank=1, reason="r", where="w", scores={"a": 0.5}, limits={"a": 1.0}),
        "samples": Samples(((1.0,), (2.0,)), "d"),
        "warmups": Samples(((3.0,), (4.0,))),
        "timer": {"name": "t", "overhead": 1e-9},
        "notes": {"kernel": "k"},
        "flags": ("f",),
        "fault": Fault(1, "time", 0, "d", {"rank 1": "s"}),
        "seconds": 1.25,
    }
    return Measurement(**{**fields, **change})


@pytest.mark.parametrize("status", STATUSES)
def test_a_measurement_comes_back(status: str) -> None:
    made = whole(status=status)
    back = Measurement.from_dict(json.loads(dumps({"kind": "case", **made.as_dict()})))
    assert back.as_dict() == made.as_dict()
    assert back.fault == made.fault
    assert back.volume == made.volume
    assert back.checked == made.checked
    assert back.case == made.case


@pytest.mark.parametrize(
    "change", [{"status": "fine"}, {"status": None}, {"case": None}, {"volume": {"x": 1}}, {"checked": 7}, {"fault": []}, {"samples": None}]
)
def test_what_is_no_measurement_is_a_store_error(change: dict[str, Any]) -> None:
    with pytest.raises(StoreError):
        Measurement.from_dict({**whole().as_dict(), **change})


@pytest.mark.parametrize("missing", ["status", "case", "samples", "volume", "checked"])
def test_a_missing_part_is_a_store_error(missing: str) -> None:
    row = whole().as_dict()
    del row[missing]
    with pytest.raises(StoreError):
        Measurement.from_dict(row)
