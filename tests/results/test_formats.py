"""Formats in a stored run: order, rates, and tables whose columns stand below each other."""

from __future__ import annotations

import re

import pytest

from assay.results.formats import PUBLISHED_ORDER, Compared, out_of_order, rate_of
from assay.results.formats_text import lines
from assay.results.record import Record

SCORES = {
    "bias": -6e-4, "bias_low": -7e-4, "bias_high": -5e-4, "max_rel_error": 0.06, "flushed": 0.001, "smallest": 1e-6, "largest": 5.0,
    "octaves": 17.8, "wire_nbytes_per_element": 1.03125,
}  # fmt: skip


def one(name: str, error: float, **more: str) -> Compared:
    """Make a format with an error and one rate."""
    record = Record("r", "k", "formats", "device0", "memory_rate", 5e9, "B/s", "higher", n=40, ci_lo=4.9e9, ci_hi=5.1e9, min=4e9, max=6e9,
                    p99=4.1e9, limit=1e10, limit_name="measured memory", share=0.5)  # fmt: skip
    scores = SCORES | {"rel_rmse": error, "calc_diff": error**2 / 2}
    return Compared(name, "N(0,1), seed 0", "1x128", "1.031 B", scores, {"encode": rate_of(record, 0.2)}, more)


PAPERS = dict(zip(PUBLISHED_ORDER, (1.66e-3, 3.49e-3, 1.41e-2, 2.57e-2, 5.13e-2), strict=True))


def test_the_published_order_holds_and_a_pair_the_other_way_round_is_named() -> None:
    found = [one(name, error) for name, error in PAPERS.items()]
    assert not list(out_of_order(found))
    assert "holds here" in "\n".join(lines(found))
    worse = [one(name, 0.03 if name == "logfmt8" else error) for name, error in PAPERS.items()]
    assert list(out_of_order(worse)) == [
        "rel_rmse of logfmt8 is 0.03, above e4m3's 0.0257",
        "calc_diff of logfmt8 is 0.00045, above e4m3's 0.00033",
    ]
    assert "does NOT hold here" in "\n".join(lines(worse))


def test_a_format_that_was_not_measured_breaks_no_order_and_two_equal_ones_none() -> None:
    assert not list(out_of_order([one("e4m3", 0.02), one("e5m2", 0.02), one("mxfp4", 0.001)]))
    assert list(out_of_order([one("bf16", 0.06), one("e5m2", 0.05)]))


def test_a_rate_in_bytes_becomes_one_in_elements_with_its_interval() -> None:
    rate = one("e4m3", 0.02).rates["encode"]
    assert (rate.elements, rate.ci, rate.nbytes, rate.best, rate.p99, rate.n, rate.share) == (
        pytest.approx(1e9), pytest.approx((0.98e9, 1.02e9)), 5e9, pytest.approx(1.2e9), pytest.approx(0.82e9), 40, 0.5,
    )  # fmt: skip


def test_sqnr_is_of_the_relative_error_and_none_where_nothing_is_lost() -> None:
    assert one("e4m3", 0.01).sqnr == pytest.approx(40)
    exact = one("e4m3", 0.0)
    assert exact.sqnr is None
    assert exact.as_dict()["sqnr_db"] is None
    assert any(re.search(r"\bexact\b", line) for line in lines([exact]))


def test_columns_stand_below_each_other() -> None:
    text = list(lines([one(name, error) for name, error in PAPERS.items()]))
    head = next(line for line in text if "rel RMSE" in line)
    place = head.index("rel RMSE") + len("rel RMSE")
    rows = [line for line in text if line.startswith(PUBLISHED_ORDER)][: len(PAPERS)]
    assert [float(row[:place].split()[-1]) for row in rows] == list(PAPERS.values())
    assert all(row[place : place + 2] == "  " for row in rows)


def test_what_went_wrong_stands_in_the_table_without_figures() -> None:
    broken = Compared("e4m3", "N(0,1), seed 0", "1x128", "1 B", {}, {}, {"encode": "wrong: row 3"})
    text = "\n".join(lines([broken]))
    assert "e4m3 encode wrong: row 3" in text
    assert "published order" not in text
