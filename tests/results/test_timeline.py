"""Series as they are read: their order, their gaps, and what is left out with a word."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from assay.harness.errors import RefusalError
from assay.results.series import Timeline
from assay.results.store import Store
from assay.results.timeline import read_timeline
from tests.results.builders import case, measured, time_record, write_run
from tests.results.stories import KEY, day, run_id, tell


def level(i: int, _: object) -> float:
    """Give the run's number as its value."""
    return 1.0 + i


def read(store: Store, metric: str = "time") -> Timeline:
    return read_timeline(store, metric=metric)


def rewrite(store: Store, i: int, *lines: str) -> None:
    (store.root / run_id(i) / "records.jsonl").write_text("".join(line + "\n" for line in lines), encoding="utf-8")


def test_one_value_a_run_oldest_first(tmp_path: Path) -> None:
    found = read(tell(tmp_path, {KEY: level, f"{KEY} device1": level}, runs=range(5)))
    assert [(one.subject, one.values, one.places, one.gaps) for one in found.series] == [
        ("device0", (1, 2, 3, 4, 5), (0, 1, 2, 3, 4), 0),
        ("device1", (1, 2, 3, 4, 5), (0, 1, 2, 3, 4), 0),
    ]
    assert found.notes == ()
    assert (found.series[0].version, found.series[0].kin) == ("1", ("gemm/cpu/barrier/m=64/1x1", "device0", "time"))


def test_time_orders_runs_and_not_their_names(tmp_path: Path) -> None:
    store = tell(tmp_path, {KEY: level}, runs=range(5), described=lambda i: {"started": day(100 - i).isoformat()})
    assert read(store).series[0].values == (5, 4, 3, 2, 1)


def test_a_run_that_does_not_say_when_is_placed_by_its_name(tmp_path: Path) -> None:
    store = tell(tmp_path, {KEY: level}, runs=range(5), described=lambda i: {"started": "yesterday" if i == 2 else day(i).isoformat()})
    assert read(store).series[0].values == (1, 2, 3, 4, 5)


def test_hardware_parts_series(tmp_path: Path) -> None:
    store = tell(tmp_path, {KEY: level}, runs=range(6), described=lambda i: {"hw_class": f"hw{i % 2}"})
    assert [(one.hw_class, one.values, one.gaps) for one in read(store).series] == [("hw0", (1, 3, 5), 0), ("hw1", (2, 4, 6), 0)]


def test_gaps_are_counted_within_the_plan(tmp_path: Path) -> None:
    store = tell(tmp_path, {KEY: level}, runs=range(10), described=lambda i: {"plan": "other" if i == 3 else "ci"})
    for i in (2, 3, 5, 9):
        rewrite(store, i)
    assert read(store).series[0].values == (1, 2, 5, 7, 8, 9)
    assert read(store).series[0].gaps == 2, "run 3 has another plan, and nothing is known to be missing after the last value"


def test_planted_and_unfinished_runs_are_left_out_with_a_word(tmp_path: Path) -> None:
    statuses = {3: {"status": "queued"}, 4: {"inject": True}, 5: {"inject": True}}
    found = read(tell(tmp_path, {KEY: level}, runs=range(7), described=lambda i: statuses.get(i, {})))
    assert found.series[0].values == (1, 2, 3, 7)
    assert found.notes[0].startswith(f"2 runs planted faults: left out ({run_id(4)}, {run_id(5)}")
    assert found.notes[1].startswith(f"1 run not ended yet: left out ({run_id(3)}")


def test_a_planted_case_in_an_honest_run_joins_nothing(tmp_path: Path) -> None:
    found = read(tell(tmp_path, {KEY: level}, runs=range(4), record=lambda i: {"inject": i == 2}))
    assert found.series[0].values == (1, 2, 4)
    assert "planted" in found.notes[0]


@pytest.mark.parametrize(
    ("value", "word"),
    [("-1.0", "no reading"), ("0", "no reading"), ('"nan"', "cannot be read"), ("NaN", "cannot be read"), ("null", "cannot be read")],
)
def test_values_that_are_no_reading_are_left_out_with_a_word(tmp_path: Path, value: str, word: str) -> None:
    store = tell(tmp_path, {KEY: level}, runs=range(5))
    path = store.root / run_id(2) / "records.jsonl"
    path.write_text(path.read_text().replace('"value": 3.0', f'"value": {value}'), encoding="utf-8")
    found = read(store)
    assert found.series[0].values == (1, 2, 4, 5)
    assert found.series[0].gaps == 1
    assert word in found.notes[0]


def test_a_cut_line_is_named_and_the_rest_is_read(tmp_path: Path) -> None:
    store = tell(tmp_path, {KEY: level, "gemm/1/cpu/barrier/m=65/1x1": level}, runs=range(3))
    path = store.root / run_id(1) / "records.jsonl"
    path.write_bytes(path.read_bytes()[:-40])
    found = read(store)
    assert [len(one.values) for one in found.series] == [3, 2]
    assert run_id(1) in found.notes[0]


def test_many_problems_are_counted(tmp_path: Path) -> None:
    found = read(tell(tmp_path, {KEY: lambda i, _: -1.0 if i < 10 else 1.0}, runs=range(12)))
    assert len(found.notes) == 4
    assert found.notes[-1].startswith("and 7 more")


def test_one_metric_in_two_units_is_refused(tmp_path: Path) -> None:
    store = tell(tmp_path, {KEY: level}, runs=range(4), record=lambda i: {"unit": "ms" if i == 2 else "s"})
    with pytest.raises(RefusalError, match=r"time of gemm.* comes in s .* and ms"):
        read(store)


def test_of_two_records_in_one_run_the_first_counts(tmp_path: Path) -> None:
    store = tell(tmp_path, {KEY: level}, runs=range(2))
    rewrite(store, 1, *[json.dumps(time_record(value, run="x", key=KEY, hw_class="hw1").as_dict()) for value in (5.0, 6.0)])
    assert read(store).series[0].values == (1, 5)


def test_other_metrics_are_other_series(tmp_path: Path) -> None:
    store = tell(tmp_path, {KEY: level}, runs=range(3), record=lambda _: {"metric": "flop_rate", "unit": "FLOP/s", "better": "higher"})
    assert read(store).series == ()
    assert read(store, "flop_rate").series[0].better == "higher"


def test_runs_without_records_are_derived(tmp_path: Path) -> None:
    of = case(m=64)
    for i in range(3):
        write_run(tmp_path / run_id(i), [measured(of, [0.25 * (i + 1)] * 9)], started=day(i).isoformat())
    assert read(Store(tmp_path)).series[0].values == (0.25, 0.5, 0.75)


def test_order_of_writing_does_not_matter(tmp_path: Path) -> None:
    one = read(tell(tmp_path / "a", {KEY: level}, runs=range(20)))
    other = read(tell(tmp_path / "b", {KEY: level}, runs=range(19, -1, -1)))
    assert one == other


def test_an_empty_store_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusalError, match="no runs"):
        read(Store(tmp_path))
