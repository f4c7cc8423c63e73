"""What is drawn: places, limits, thinning and shades against values worked out by hand."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

from assay.harness.measurement import Samples
from assay.harness.work import Volume
from assay.results.earlier import Point, earlier_series
from assay.results.html.device import chained
from assay.results.html.device import thinned as thinned_over_time
from assay.results.html.element import element
from assay.results.html.heat import HeatMap
from assay.results.html.history import history_section
from assay.results.html.maps import maps_section, pair_of
from assay.results.html.page import sections
from assay.results.html.roofline import attainable, placed
from assay.results.html.samples import steps, thinned
from assay.results.html.scale import Scale, scale
from assay.results.html.sweeps import sweeps
from assay.results.html.waterfall import read_phases
from assay.results.judge import judge
from assay.results.report_content import gather
from assay.results.store import Store
from tests.results.builders import bare_rules, case, measured, message, write_run
from tests.results.reported import rich, times
from tests.results.test_telemetry import sound


def test_text_and_attributes_are_escaped_and_markup_is_not() -> None:
    inner = element("b", "<i>")
    assert element("p", inner, "&", 'a"b', title='"><x') == '<p title="&#34;&gt;&lt;x"><b>&lt;i&gt;</b>&amp;a&#34;b</p>'
    assert element("p", "two\nlines\x1b", hidden=True, id=None) == "<p hidden>two\nlines\\x1b</p>"
    assert element("path", d="M0 0") == '<path d="M0 0"/>'


@pytest.mark.parametrize(
    ("values", "value", "place"), [([0.0, 10.0], 5.0, 50.0), ([1.0, 10_000.0], 100.0, 50.0), ([-1.0, 1.0], 0.0, 50.0), ([3.0], 3.0, 50.0)]
)
def test_the_middle_of_a_range_lies_in_the_middle(values: list[float], value: float, place: float) -> None:
    assert scale(values, 0, 100)(value) == pytest.approx(place)


@pytest.mark.parametrize(
    "values", [[], [math.nan, math.inf], [0.0], [-5.0, 5.0], [1e-300, 1e300], [1.0, 1.0], [1e-9, 2e-9], [1e15, 1e15 + 1]]
)
def test_every_range_has_an_axis_whose_ticks_lie_inside(values: list[float]) -> None:
    found = scale(values, 10, 350)
    assert 1 <= len(found.ticks()) <= 12
    assert all(10 <= found(tick) <= 350 for tick in found.ticks())
    assert all(found.low * (1 - 1e-6) - 1e-6 * abs(found.high) <= tick <= found.high * (1 + 1e-6) + 1e-9 for tick in found.ticks())


def test_a_thinned_series_keeps_both_ends_and_the_shape() -> None:
    seconds = [float(i) for i in range(1000, 0, -1)]
    kept = thinned(seconds, 11)
    assert len(kept) == 11
    assert (kept[0], kept[-1]) == ((0.001, 1.0), (1.0, 1000.0))
    assert all(share == pytest.approx(value / 1000) for share, value in kept)
    assert thinned([3.0, 1.0, 2.0], 11) == [(1 / 3, 1.0), (2 / 3, 2.0), (1.0, 3.0)]


def test_a_distribution_function_rises_where_the_repetitions_lie_and_is_level_in_between() -> None:
    x, y = Scale(0.0, 10.0, 0.0, 100.0), Scale(0.0, 1.0, 50.0, 0.0)
    assert steps([(0.5, 2.0), (1.0, 7.0)], x, y, 1.0) == "M20.0 50.0H20.0V25.0H70.0V0.0"


def test_a_spike_between_samples_is_not_lost_when_telemetry_is_thinned() -> None:
    samples = [(float(i), 300.0) for i in range(5000)]
    samples[2345], samples[4001] = (2345.0, 900.0), (4001.0, 5.0)
    kept = thinned_over_time(samples, 300)
    assert len(kept) <= 300
    assert {(2345.0, 900.0), (4001.0, 5.0)} <= set(kept)
    assert kept == sorted(kept)


def test_the_samples_of_one_case_follow_those_of_the_case_before() -> None:
    row = sound(0.4)
    count = len(row["samples"]["seconds"])
    found = chained([("a", row), ("b", row)], "power_watts")
    assert len(found.samples) == 2 * count
    assert found.begins == pytest.approx([0.0, (count - 1) * 0.1 + 0.1])
    assert [at for at, _ in found.samples] == sorted(at for at, _ in found.samples)
    assert found.throttled == []


def test_throttling_is_marked_where_it_was_sampled_and_idleness_is_not(tmp_path: Path) -> None:
    row = sound(0.4)
    row["samples"]["throttle"][7] = ["sw thermal slowdown"]
    run = write_run(tmp_path / "r", [measured(case(m=1), times(0.1), telemetry=[row])])
    body = next(one for one in sections(gather([run])) if one.id == "telemetry").body
    assert "Throttled in 1 samples (ticks on top): sw thermal slowdown." in body
    assert body.count('class="held"') == 1
    sane = write_run(tmp_path / "s", [measured(case(m=1), times(0.1), telemetry=[sound(0.4)])])
    assert "held" not in next(one for one in sections(gather([sane])) if one.id == "telemetry").body


def test_a_sweep_has_the_sizes_in_order_and_one_line_for_each_other_choice(tmp_path: Path) -> None:
    (found,) = sweeps("all_reduce", gather([rich(tmp_path / "r")]))
    assert (found.parameter, found.metric) == ("bytes", "busbw")
    assert {name: [at for at, _ in places] for name, places in found.lines.items()} == {
        key: [8.0, 65536.0, 4194304.0] for key in ("transport=mpi", "transport=gloo")
    }
    # busbw = bytes / seconds at a bus factor of 1; the slowest rank took 1 ms for 8 bytes
    assert found.lines["transport=mpi"][0][1].value == pytest.approx(8 / 1e-3, rel=1e-9)


def test_one_size_only_is_no_sweep(tmp_path: Path) -> None:
    run = write_run(tmp_path / "r", [measured(case("all_reduce", bytes=8), times(1.0), volume=message(8, 1.0))])
    assert sweeps("all_reduce", gather([run])) == []
    found = {one.id: one for one in sections(gather([run]))}
    assert "no sweep" in found["sweeps"].absent


def test_limits_of_a_sweep_are_drawn_and_named(tmp_path: Path) -> None:
    found = {one.id: one.body for one in sections(gather([rich(tmp_path / "r")]))}
    figure = re.search(r'<figure id="sweep-\d+"><figcaption><h3>gemm.*?</figure>', found["sweeps"], re.DOTALL)
    assert figure is not None
    assert "measured matrix_fp32" in figure.group()
    assert 'class="limit"' in figure.group()


def test_the_roofline_is_the_lower_of_peak_and_memory_times_intensity(tmp_path: Path) -> None:
    content = gather([rich(tmp_path / "r")])
    # GEMM of the builders: 2e9 FLOP, 4e6 B -> 500 FLOP/B; calibration: 2e9 FLOP in 9.95 ms, 1e8 B in 9.95 and 10.945 ms (median of the two)
    place = next(one for one in placed(content) if one.suite == "gemm")
    assert place.intensity == pytest.approx(500)
    assert attainable(place, content.limits) == pytest.approx(min(2e9 / 9.95e-3, 500 * (1e8 / 9.95e-3 + 1e8 / 10.945e-3) / 2))
    memory_bound = type(place)(place.key, place.suite, 0.5, place.record, place.resource)
    assert attainable(memory_bound, content.limits) == pytest.approx(0.5 * (1e8 / 9.95e-3 + 1e8 / 10.945e-3) / 2)
    assert attainable(place, {}) is None


def test_a_case_without_bytes_stands_under_no_roof(tmp_path: Path) -> None:
    run = write_run(tmp_path / "r", [measured(case(m=1), times(1.0), volume=Volume(flops=1e9))])
    assert placed(gather([run])) == []


def test_heat_map_shades_run_from_the_lowest_to_the_highest_and_leave_gaps_empty() -> None:
    heat = HeatMap("h", "Heat", ["a", "b"], ["x", "y"], {("a", "x"): 1.0, ("a", "y"): 2.0, ("b", "x"): 7.9}, str)
    assert [heat.shade(value) for value in (1.0, 2.0, 7.9)] == ["h0", "h1", "h6"]
    assert "".join(heat.line(1, "b", 100, 20)).count("<rect") == 1
    assert "none" in heat.table().markup()
    assert "Lowest 1.0 at a, x; highest 7.9 at b, x." in heat.figure().markup()
    around = HeatMap("h", "Heat", ["a"], ["x", "y"], {("a", "x"): -0.1, ("a", "y"): 0.3}, str, middle=0.0)
    assert (around.shade(0.0), around.shade(0.3), around.shade(-0.3)) == ("d3", "d6", "d0")


def test_pairs_are_found_by_their_parameters() -> None:
    assert pair_of({"plane": 2, "pair": [0, 3], "bytes": 8}) == ("plane 2", "0-3", {"plane", "pair"})
    assert pair_of({"src": 1, "dst": 4}) == ("1", "4", {"src", "dst"})
    assert pair_of({"rail": "a", "src": 1, "dst": 4}) == ("rail a", "1-4", {"rail", "src", "dst"})
    assert pair_of({"bytes": 8}) is None


def test_planes_and_pairs_become_a_map_with_the_figure_of_each(tmp_path: Path) -> None:
    content = gather([rich(tmp_path / "r")])
    text = maps_section(content).body
    # plane 1, pair 0-3: 1024 B in 0.4 ms at a bus factor of 1
    assert "plane 1, 0-3: 2.56 MB/s" in text
    assert text.count('id="pairs-') == 3  # the figure, its title, its description


def test_a_slow_rank_stands_out_of_the_map_of_ranks_and_even_ranks_do_not(tmp_path: Path) -> None:
    slow = [times(1.0), times(1.0), times(1.5), times(1.0)]
    run = write_run(tmp_path / "a", [measured(case(nranks=4), *slow)])
    assert "rank2: +50 %" in maps_section(gather([run])).body
    even = write_run(tmp_path / "b", [measured(case(nranks=4), *[times(1.0)] * 4)])
    assert re.findall(r"rank\d: ([^<]*)</title>", maps_section(gather([even])).body) == ["+0 %"] * 4


def series_of(tmp_path: Path, values: list[float], **last: object) -> list:
    for number, value in enumerate(values):
        more = last if number == len(values) - 1 else {}
        run = write_run(tmp_path / f"20261124-0000{number:02d}-000-000000", [measured(case(m=1), times(value))], **more)
        judge(run, config={"rules": bare_rules(), "hardware": {}})
    return [gather([run])]


def test_history_has_every_earlier_run_of_the_series_oldest_first(tmp_path: Path) -> None:
    (content,) = series_of(tmp_path, [1.0, 1.0, 2.0])
    (series,) = content.history.values()
    assert [point.run[13:15] for point in series] == ["00", "01", "02"]
    assert [point.value for point in series] == pytest.approx([1.0, 1.0, 2.0], rel=1e-3)
    assert "(+100 % against the run before), no change point." in history_section(content).body


def test_change_points_that_are_plugged_in_are_marked_and_none_are_without(tmp_path: Path) -> None:
    (content,) = series_of(tmp_path, [1.0, 1.0, 2.0, 2.0])
    assert 'class="change"' not in history_section(content).body
    found = earlier_series(
        Store(tmp_path),
        content.judgement,
        last=30,
        changes=lambda values: [i for i, v in enumerate(values) if i and v > 1.5 * values[i - 1]],
    )
    (series,) = found.values()
    assert [point.flagged for point in series] == [False, False, True, False]
    drawn = history_section(type(content)(content.judgement, content.info, history=found)).body
    assert drawn.count('class="change"') == 1
    assert "new level at 20261124-000002-000-000000" in drawn


def test_other_hardware_planted_faults_and_later_runs_are_no_history(tmp_path: Path) -> None:
    write_run(tmp_path / "20261123-000000-000-000000", [measured(case(m=1), times(9.0))], hw_class="other")
    write_run(tmp_path / "20261123-000001-000-000000", [measured(case(m=1), times(9.0))], inject=True)
    write_run(tmp_path / "20261125-000001-000-000000", [measured(case(m=1), times(9.0))])
    (content,) = series_of(tmp_path, [1.0])
    assert content.history == {}
    assert "no history" in history_section(content).absent


def test_how_far_history_goes_back_can_be_said(tmp_path: Path) -> None:
    (content,) = series_of(tmp_path, [1.0, 2.0, 3.0, 4.0])
    assert [
        point.value for point in gather([content.judgement.run], last=2).history[content.judgement.records[0].key, "device0"]
    ] == pytest.approx([3, 4], rel=1e-3)
    assert gather([content.judgement.run], last=0).history == {}
    assert isinstance(content.history[content.judgement.records[0].key, "device0"][0], Point)


def test_phases_follow_each_other_unless_they_say_when_they_begin(tmp_path: Path) -> None:
    content = gather([rich(tmp_path / "r")])
    found = read_phases(next(one for one in content.judgement.measurements.values() if one.case.suite == "step"))
    assert [(one.name, one.start, one.seconds) for one in found] == [("load", 0.0, 0.25), ("multiply", 0.25, 0.5), ("store", 0.5, 0.5)]


@pytest.mark.parametrize(
    "text", ["", "{", "[1]", '[{"name": "x"}]', '[{"name": "x", "seconds": -1}]', '[{"name": "x", "seconds": NaN}]', "[" * 100_000]
)
def test_phases_that_cannot_be_read_are_none(text: str) -> None:
    assert read_phases(measured(case("step"), [1.0], notes={"phases": text})) == []


def test_absent_parts_say_why(tmp_path: Path) -> None:
    run = write_run(
        tmp_path / "r", [measured(case("alone"), times(1.0), volume=Volume(), telemetry=[{"source": "none", "reason": "a toy has none"}])]
    )
    found = {one.id: one.absent for one in sections(gather([run]))}
    assert {name for name, absent in found.items() if absent} == {
        "runs",
        "comparison",
        "sweeps",
        "roofline",
        "maps",
        "history",
        "telemetry",
        "waterfall",
    }
    assert "a toy has none" in found["telemetry"]
    assert "--base" in found["comparison"]


def test_ranks_that_were_dropped_are_not_drawn_as_if_they_were_there(tmp_path: Path) -> None:
    one = measured(case(nranks=4), times(1.0))
    dropped = type(one)(
        one.case, "measured", samples=Samples(one.samples.rows, "kept the slowest rank"), checked=one.checked, volume=one.volume
    )
    run = write_run(tmp_path / "r", [dropped])
    assert "n = 20, cluster; kept the slowest rank." in next(one for one in sections(gather([run])) if one.id == "samples").body
