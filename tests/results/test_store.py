"""The store: ids, listing, many writers, broken and living runs."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from assay.harness.errors import RefusalError, StoreError
from assay.results.runinfo import ID
from assay.results.store import Store, locate, way_out
from tests.results.builders import write_run

NOON = datetime(2026, 11, 24, 12, 0, 0, 123_456, tzinfo=UTC)


def test_an_id_tells_its_utc_millisecond(tmp_path: Path) -> None:
    run = Store(tmp_path / "new" / "store").create(NOON.astimezone(timezone(timedelta(hours=5))))
    assert run.id.startswith("20261124-120000-123-")
    assert ID.fullmatch(run.id)
    assert run.path.is_dir()


def test_two_runs_in_one_millisecond_get_two_folders(tmp_path: Path) -> None:
    tails = iter(["aaaaaa", "aaaaaa", "aaaaaa", "bbbbbb"])
    store = Store(tmp_path)
    ids = [store.create(NOON, tail=lambda: next(tails)).id for _ in range(2)]
    assert ids == ["20261124-120000-123-aaaaaa", "20261124-120000-123-bbbbbb"]


def test_a_store_without_a_free_id_says_so_instead_of_going_round_for_ever(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.create(NOON, tail=lambda: "aaaaaa")
    with pytest.raises(StoreError, match="Try again"):
        store.create(NOON, tail=lambda: "aaaaaa")


WRITER = """
import sys, time
from datetime import UTC, datetime
from pathlib import Path
from assay.results.store import Store
store, now = Store(Path(sys.argv[1])), datetime(2026, 11, 24, tzinfo=UTC)
while not (Path(sys.argv[1]) / "go").exists():
    time.sleep(0.001)
for number in range(5):
    run = store.create(now)
    run.write_json("run.json", {"id": run.id, "status": "finished", "session": sys.argv[2], "order": number})
"""


def test_sixteen_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), f"w{i}"]) for i in range(16)]
    (tmp_path / "go").touch()
    assert [writer.wait(timeout=120) for writer in writers] == [0] * 16
    runs = Store(tmp_path).runs()
    assert len({run.id for run in runs}) == 80
    assert {(run.session, run.order) for run in runs} == {(f"w{i}", n) for i in range(16) for n in range(5)}
    assert {run.status for run in runs} == {"finished"}


def test_an_empty_or_absent_store_lists_nothing(tmp_path: Path) -> None:
    assert Store(tmp_path).runs() == []
    assert Store(tmp_path / "none").runs() == []
    assert not (tmp_path / "none").exists()


def test_runs_come_oldest_first(tmp_path: Path) -> None:
    store = Store(tmp_path)
    made = [write_run(store.create(NOON + timedelta(seconds=s)).path).id for s in (5, -5, 0)]
    assert [run.id for run in store.runs()] == sorted(made)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"status": "done"}', '{"status": ["finished"]}', '{"id": "x"}', "\x00\x01", "[" * 100_000]
)
def test_a_broken_run_is_listed_as_unreadable_never_hidden(tmp_path: Path, text: str) -> None:
    store = Store(tmp_path)
    run = store.create()
    (run.path / "run.json").write_text(text, encoding="utf-8")
    (info,) = store.runs()
    assert (info.id, info.status) == (run.id, "unreadable")
    assert info.problem
    assert info.problem in info.line()


def test_a_run_without_run_json_is_listed(tmp_path: Path) -> None:
    Store(tmp_path).create()
    assert [(info.status, info.problem) for info in Store(tmp_path).runs()] == [("unreadable", "run.json is missing")]


def test_fields_of_a_wrong_type_are_left_empty(tmp_path: Path) -> None:
    write_run(Store(tmp_path).create().path, plan=7, order="x", summary=[1], command="rm", exit_code=True, nranks=2.5)
    (info,) = Store(tmp_path).runs()
    assert (info.plan, info.order, info.summary, info.command, info.exit_code, info.nranks) == ("", 0, {}, (), None, 0)
    assert json.dumps(info.as_dict())


def test_other_files_and_hidden_folders_are_no_runs_but_a_renamed_run_is(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    for name in ("tags", ".pruned-20261124-120000-123-aaaaaa", "empty"):
        (tmp_path / name).mkdir()
    write_run(tmp_path / "golden")
    run = write_run(Store(tmp_path).create().path)
    assert Store(tmp_path).ids() == ["golden", run.id]


def test_a_dead_doors_run_is_incomplete_a_living_ones_is_running(tmp_path: Path) -> None:
    store = Store(tmp_path)
    run = write_run(store.create().path, status="running")
    assert [info.status for info in store.runs()] == ["incomplete"]
    with (run.path / "door.lock").open("w") as lock:
        assert [info.status for info in store.runs()] == ["incomplete"]
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert [info.status for info in store.runs()] == ["running"]
    assert [info.status for info in store.runs()] == ["incomplete"]


def test_what_a_run_says_of_itself_cannot_drive_a_terminal(tmp_path: Path) -> None:
    write_run(Store(tmp_path).create().path, host="\x1b[2Jevil\n\u202e", plan="p\rq")
    (info,) = Store(tmp_path).runs()
    assert info.line().isprintable()
    assert "\\x1b[2Jevil" in info.line()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_store_is_one_clear_line(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    with pytest.raises(StoreError, match=r"Permission denied.*store\.url"):
        Store(tmp_path).create()


def test_a_store_that_is_a_file_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for store in (Store(tmp_path / "file"), Store(tmp_path / "file" / "below")):
        with pytest.raises(StoreError) as told:
            store.create()
        assert "\n" not in str(told.value)
        assert "store.url" in str(told.value)


def test_a_full_store_says_how_to_make_room() -> None:
    assert "assay prune" in way_out(OSError(errno.ENOSPC, "No space left on device"))


@pytest.mark.parametrize(
    ("url", "environ", "expected"),
    [
        (None, {}, "runs"),
        ("", {"ASSAY_STORE": ""}, "runs"),
        (None, {"ASSAY_STORE": "/data/a"}, "/data/a"),
        ("here", {"ASSAY_STORE": "/data/a"}, "here"),
        ("file:///data/with%20space", {}, "/data/with space"),
        ("file://localhost/data", {}, "/data"),
        ("odd:name", {}, "odd:name"),
    ],
)
def test_where_the_store_is(url: str | None, environ: dict[str, str], expected: str) -> None:
    assert locate(url, environ) == Path(expected)


def test_home_is_spelt_out() -> None:
    assert locate("~/x", {}) == Path.home() / "x"


@pytest.mark.parametrize("url", ["s3://bucket/x", "postgresql://user:secret@host/db", "memory://x"])
def test_a_remote_store_is_worked_on_through_a_folder_of_its_own(url: str) -> None:
    found = locate(url, {"XDG_CACHE_HOME": "/cache"})
    assert found.parent == Path("/cache/assay/stores")
    assert "secret" not in str(found)
    assert locate(None, {"ASSAY_STORE": url, "XDG_CACHE_HOME": "/cache"}) == found != locate(f"{url}2", {"XDG_CACHE_HOME": "/cache"})


@pytest.mark.parametrize("url", ["http://host/", "https://host/x", "file://other/data", "file://", "://x"])
def test_other_stores_are_refused_by_where_they_came_from(url: str) -> None:
    for found, where in ((lambda: locate(url, {}), "store.url"), (lambda: locate(None, {"ASSAY_STORE": url}), "ASSAY_STORE")):
        with pytest.raises(RefusalError) as refused:
            found()
        assert refused.value.where == where
        assert "is no" in str(refused.value)


def test_listing_imports_only_the_standard_library() -> None:
    heavy = "{'torch', 'numpy', 'pandas', 'scipy', 'duckdb', 'hydra', 'omegaconf', 'yaml', 'mpi4py'}"
    code = f"import sys, assay.results.store; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="open files are counted in /proc")
def test_listing_leaves_no_file_open(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for _ in range(5):
        run = write_run(store.create().path, status="running")
        (run.path / "door.lock").touch()
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(20):
        store.runs()
    assert len(list(Path("/proc/self/fd").iterdir())) == before
