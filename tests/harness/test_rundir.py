"""A run file survives a cut at any byte, and says of itself whether it is whole; what cannot be written says so in one line."""

from __future__ import annotations

import json
import math
import os
import resource
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.harness.case import Case
from assay.harness.errors import StoreError
from assay.harness.measurement import Fault, Measurement, Samples
from assay.harness.rundir import LineWriter, RunDir, read_lines, write_atomic


def measured(number: int, samples: Samples | None = None) -> Measurement:
    """Make a measurement of case ``number``."""
    rows = samples or Samples(((0.5, 0.25), (0.125, 1.0)))
    return Measurement(Case("s", "assay.suites.gemm:gemm", {"m": number}), "measured", samples=rows)


def write(path: Path, *measurements: Measurement, whole: bool = True) -> bytes:
    """Write a measurements file and give its bytes."""
    writer = LineWriter(path, {"run": "r"})
    for measurement in measurements:
        writer.measurement(measurement)
    if whole:
        writer.close()
    else:
        writer.file.close()
    return path.read_bytes()


def test_a_whole_file_comes_back(tmp_path: Path) -> None:
    wrong = Measurement(
        Case("s", "t", {}), "crashed", "died", fault=Fault(1, "time", 3, "d", {"rank 1": "stack"}), flags=("f",), notes={"a": "b"}
    )
    write(tmp_path / "new" / "000-ranks.jsonl", measured(0), wrong)
    lines = read_lines(tmp_path / "new" / "000-ranks.jsonl")
    assert (lines.complete, lines.problems) == (True, ())
    assert lines.measurements[1].fault == wrong.fault
    assert [m.as_dict() for m in lines.measurements] == [measured(0).as_dict(), {**wrong.as_dict()}]


def test_a_file_cut_at_every_byte_is_readable_up_to_there_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "000-ranks.jsonl"
    raw = write(path, measured(0), measured(1))
    ends = [i + 1 for i, byte in enumerate(raw) if byte == ord("\n")]
    cut = tmp_path / "cut.jsonl"
    for length in range(len(raw)):
        cut.write_bytes(raw[:length])
        lines = read_lines(cut)
        whole = max(0, sum(end <= length for end in ends) - 1)  # without the header
        assert [m.case.params["m"] for m in lines.measurements] == list(range(whole))
        assert not lines.complete
        assert bool(lines.problems) == (length > 0 and length not in ends)
    cut.write_bytes(raw)
    assert read_lines(cut).complete


@given(st.lists(st.lists(st.floats(), min_size=3, max_size=3), max_size=3), st.data())
@settings(deadline=None, max_examples=60)
def test_any_run_file_cut_anywhere(tmp_path_factory: pytest.TempPathFactory, rows: list[list[float]], data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("cut")
    raw = write(folder / "a.jsonl", *(measured(i, Samples((tuple(row),))) for i, row in enumerate(rows)))
    length = data.draw(st.integers(0, len(raw) - 1))
    (folder / "b.jsonl").write_bytes(raw[:length])
    lines = read_lines(folder / "b.jsonl")
    assert not lines.complete
    assert len(lines.measurements) == max(0, raw[:length].count(b"\n") - 1)
    for measurement, row in zip(lines.measurements, rows, strict=False):
        assert list(map(str, measurement.samples.rows[0])) == list(map(str, row))


@given(st.data())
@settings(deadline=None, max_examples=150)
def test_damaged_bytes_never_end_the_reading(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("damage")
    raw = write(folder / "a.jsonl", measured(0), measured(1), measured(2))
    at, put = data.draw(st.integers(0, len(raw) - 1)), data.draw(st.binary(min_size=1, max_size=4))
    (folder / "b.jsonl").write_bytes(raw[:at] + put + raw[at + len(put) :])
    found = read_lines(folder / "b.jsonl").measurements
    assert 1 <= len(found) <= 3  # two of three are lost when the break between them is hit
    assert {m.samples for m in found} == {measured(0).samples}  # and no sample is ever another one


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"not json",
        b"[]",
        b"7",
        b'"kind"',
        b"null",
        b"{}",
        b'{"kind":"case"}',
        b'{"kind":"footer"}',
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b'{"kind":"case","status":"measured","case":{}}',
        b'{"kind":"case","status":"fine"}',
    ],
    ids=lambda line: repr(line[:20]),
)
def test_a_bad_line_is_named_and_passed_over(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "000-ranks.jsonl"
    head, first, second, foot = write(path, measured(0), measured(1)).splitlines()
    path.write_bytes(b"\n".join([head, first, line, second, foot, b""]))
    lines = read_lines(path)
    assert [m.case.params["m"] for m in lines.measurements] == [0, 1]
    assert len(lines.problems) == 1
    assert "000-ranks.jsonl line 3" in lines.problems[0]


BROKEN: dict[str, dict[str, Any]] = {
    "another byte in the data": {"data": "0" * 40},
    "a character that base85 does not have": {"data": '"' * 40},
    "half the data": {"data": "0" * 20},
    "no data": {"data": None},
    "data that is no text": {"data": 7},
    "characters beyond ASCII": {"data": "\u00e9" * 40},
    "another hash": {"sha256": "0" * 64},
    "no hash": {"sha256": None},
    "more ranks": {"ranks": 3},
    "ranks that are none": {"ranks": "x"},
    "ranks without end": {"ranks": math.inf},
    "ranks and repetitions below zero": {"ranks": -2, "reps": -2},
    "another encoding": {"encoding": "f4le"},
}


@pytest.mark.parametrize("change", BROKEN.values(), ids=BROKEN)
def test_broken_samples_are_named_and_passed_over(tmp_path: Path, change: dict[str, Any]) -> None:
    path = tmp_path / "000-ranks.jsonl"
    raw = write(path, measured(0), measured(1)).splitlines()
    row = json.loads(raw[1])
    row["samples"] |= change
    path.write_bytes(b"\n".join([raw[0], json.dumps(row).encode(), *raw[2:], b""]))
    lines = read_lines(path)
    assert [m.case.params["m"] for m in lines.measurements] == [1]
    assert not lines.complete
    assert any("line 2" in problem for problem in lines.problems)
    assert any("footer counts 2 cases, 1 were readable" in problem for problem in lines.problems)


def test_a_run_gathers_its_launches_and_names_what_is_double(tmp_path: Path) -> None:
    run = RunDir(tmp_path / "run")
    assert run.next_launch() == 0
    assert not run.measurements().complete
    write(run.path / "measurements" / "000-ranks.jsonl", measured(0), measured(1))
    write(run.path / "measurements" / "000-door.jsonl", measured(2))
    assert run.measurements().complete
    write(run.path / "measurements" / "001-ranks.jsonl", measured(1), measured(3), whole=False)
    found = run.measurements()
    assert sorted(m.case.params["m"] for m in found.measurements) == [0, 1, 2, 3]
    assert found.problems == (f"{measured(1).case.key} was measured twice; the first is kept",)
    assert not found.complete
    assert run.next_launch() == 2


def test_two_writers_never_share_a_file(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", measured(0))
    with pytest.raises(StoreError, match="exists"):
        LineWriter(tmp_path / "a.jsonl", {})


def test_writing_whole_files(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    write_atomic(path, "one")
    write_atomic(path, "two")
    assert path.read_text(encoding="utf-8") == "two"
    assert [p.name for p in tmp_path.iterdir()] == ["run.json"]
    run = RunDir(tmp_path)
    run.write_json("x.json", {"a": [math.nan, math.inf, 1.5], "b": None})
    assert run.read_json("x.json") == {"a": ["nan", "inf", 1.5], "b": None}
    assert run.id == tmp_path.name


@pytest.mark.parametrize("text", ["", "{", "\ud800"], ids=["empty", "cut", "absent"])
def test_a_broken_json_file_is_named(tmp_path: Path, text: str) -> None:
    if text.isascii():
        (tmp_path / "run.json").write_text(text, encoding="utf-8")
    with pytest.raises(StoreError, match=r"cannot read .*run\.json"):
        RunDir(tmp_path).read_json("run.json")


def one_line(error: StoreError, path: Path) -> bool:
    """Tell whether the error names the file and the way out in one line."""
    return "\n" not in str(error) and str(path) in str(error) and "store.url" in str(error)


def test_a_folder_that_takes_no_file_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    for folder in (tmp_path / "absent", tmp_path / "file", Path("/proc/self")):
        with pytest.raises(StoreError) as caught:
            write_atomic(folder / "run.json", "x")
        assert caught.value.exit_code == 2
        assert one_line(caught.value, folder / "run.json")


def in_child(action: Callable[[], object]) -> str:
    """Run ``action`` in a process of its own and give the StoreError that it raises."""
    receive, send = os.pipe()
    child = os.fork()
    if child == 0:
        said = "nothing"
        try:
            action()
        except StoreError as error:
            said = str(error)
        except BaseException as error:  # noqa: BLE001 - told to the test
            said = repr(error)
        finally:
            os.write(send, said.encode())
            os._exit(0)
    os.close(send)
    with os.fdopen(receive, encoding="utf-8") as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    return said


def test_a_read_only_folder_is_told_in_one_line(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)

    def write_there() -> None:
        os.chdir(tmp_path)
        if os.geteuid() == 0:  # root writes everywhere, so be nobody
            os.setuid(65534)
        write_atomic(Path("run.json"), "x")

    assert in_child(write_there).startswith("cannot write run.json: Permission denied. ")


@pytest.mark.parametrize("place", ["absent/parent/is/a/file", "000-ranks.jsonl"])
def test_a_line_file_that_cannot_be_made_is_told_in_one_line(tmp_path: Path, place: str) -> None:
    (tmp_path / "absent").write_text("", encoding="utf-8")
    path = Path("/proc/self") / place if place.startswith("000") else tmp_path / place
    with pytest.raises(StoreError) as caught:
        LineWriter(path, {})
    assert one_line(caught.value, path)


def test_a_full_disk_is_told_in_one_line_and_loses_nothing_that_was_written(tmp_path: Path) -> None:
    path = tmp_path / "000-ranks.jsonl"

    def write_much() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        write(path, measured(0), measured(1), measured(2, Samples((tuple(map(float, range(2000))),))))

    said = in_child(write_much)
    assert said.startswith(f"cannot write {path}: ")
    assert "\n" not in said
    lines = read_lines(path)
    assert [m.case.params["m"] for m in lines.measurements] == [0, 1]
    assert not lines.complete
