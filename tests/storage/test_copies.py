"""One test body over every kind of copy: whole runs there and back, each once, whoever else writes; and nothing lost when it goes away."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from assay.harness.door.copies import copy_out
from assay.harness.door.main import main
from assay.harness.errors import RefusalError, StoreError
from assay.harness.rundir import RunDir
from assay.results import pending
from assay.results.compare import compare
from assay.results.frames import load, query
from assay.results.storage.mirror import pull, push
from assay.results.storage.open import open_shelf
from assay.results.storage.shelf import digest, files_of, safe
from assay.results.store import Store, locate
from tests.results.builders import case, measured, time_record, write_records
from tests.storage.conftest import HERE_ONLY, KINDS, Server

WRITERS = 16
ROOT = Path(__file__).parents[2]


def run(store: Path, number: int, value: float = 1e-3, **described: Any) -> RunDir:
    name = f"20261126-000000-{number:03d}-{number:06x}"
    return write_records(
        store / name, [time_record(value, run=name, key=case(m=64).key)], measurements=[measured(case(m=64), [value] * 10)], **described
    )


def same(a: Path, b: Path) -> bool:
    return files_of(RunDir(a)) == files_of(RunDir(b))


def test_there_and_back(url: str, tmp_path: Path) -> None:
    store, other, shelf = Store(tmp_path / "a"), Store(tmp_path / "b"), open_shelf(url)
    made = [run(store.root, i, host="<script>\u0000\x1b") for i in range(3)]
    store.tag([made[0].id, made[1].id], "golden")
    assert shelf.digests() == {}
    assert len(push(store, shelf).moved) == 3
    again = push(store, shelf)
    assert (again.moved, len(again.present), again.failed) == ((), 3, ())
    other.root.mkdir()
    assert len(pull(open_shelf(url), other).moved) == 3
    assert all(same(one.path, other.root / one.id) for one in made)
    assert [tag.runs for tag in other.tags()] == [(made[0].id, made[1].id)]
    assert pull(shelf, other).moved == ()
    found = compare([RunDir(other.root / made[0].id)], [RunDir(other.root / made[1].id)], min_effect=0.03, min_seconds=1e-6)
    assert len(found.rows) == 1


def test_a_newer_state_takes_the_older_one_s_place(url: str, tmp_path: Path) -> None:
    store, shelf = Store(tmp_path / "a"), open_shelf(url)
    made = run(store.root, 1, status="interrupted")
    push(store, shelf)
    made.write_json("run.json", made.read_json("run.json") | {"status": "finished"})
    assert push(store, shelf).moved == (made.id,)
    assert list(shelf.digests().values()) == [digest(files_of(made))]
    assert json.loads(shelf.get(made.id)["run.json"])["status"] == "finished"


def test_what_is_not_there_is_refused(url: str, tmp_path: Path) -> None:
    shelf = open_shelf(url)
    with pytest.raises(StoreError, match="is not in"):
        shelf.get("20261126-000000-000-000000")
    moved = pull(shelf, Store(tmp_path), ["20261126-000000-000-000000"])
    assert len(moved.failed) == 1


def test_a_run_here_is_never_overwritten(url: str, tmp_path: Path) -> None:
    store, other, shelf = Store(tmp_path / "a"), Store(tmp_path / "b"), open_shelf(url)
    run(store.root, 1, 1e-3)
    mine = run(other.root, 1, 2e-3)
    push(store, shelf)
    before = files_of(mine)
    assert pull(shelf, other).present == (mine.id,)
    assert files_of(mine) == before


WRITER = f"""\
import sys
sys.path.insert(0, {str(ROOT)!r})
from pathlib import Path
from tests.storage.test_copies import run, push, open_shelf, Store
url, folder, number = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
store = Store(folder / f"w{{number}}")
for i in range(3):
    run(store.root, 10 * number + i)
run(store.root, 999)  # one that everybody writes
moved = push(store, open_shelf(url))
sys.exit("; ".join(moved.failed) or 0)
"""


@pytest.mark.parametrize("url", [kind for kind in KINDS if kind not in HERE_ONLY], indirect=True)
def test_sixteen_writers_lose_and_double_nothing(url: str, tmp_path: Path) -> None:
    workers = [
        subprocess.Popen([sys.executable, "-c", WRITER, url, str(tmp_path), str(number)], stderr=subprocess.PIPE, text=True)
        for number in range(WRITERS)
    ]
    said = [worker.communicate(timeout=200)[1] for worker in workers]
    assert [worker.returncode for worker in workers] == [0] * WRITERS, said
    found = open_shelf(url).digests()
    assert len(found) == 3 * WRITERS + 1
    back = Store(tmp_path / "back")
    back.root.mkdir()
    assert len(pull(open_shelf(url), back).moved) == 3 * WRITERS + 1


def test_the_verbs(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    store = Store(tmp_path / "a")
    for i in range(2):
        run(store.root, i)
    assert main(["push", url, "--store", str(store.root)]) == 0
    assert "2 runs moved" in capsys.readouterr().out
    if url.startswith("file"):
        return  # a file: address is a store itself, not a copy
    assert main(["runs", "--store", url, "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["runs"]) == 2
    assert main(["tag", "latest", "golden", "--store", url]) == 0
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "another"))
    capsys.readouterr()
    assert main(["show", "golden", "--store", url, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["run"]["id"].startswith("20261126-000000-001")
    assert len(load(store=url)) == 2
    assert int(query("SELECT count(*) AS n FROM records", store=url)["n"][0]) == 2
    monkeypatch.setenv("TEAM", url)
    assert main(["pull", "env:TEAM", "--store", str(tmp_path / "b")]) == 0
    assert "2 runs moved" in capsys.readouterr().out


def test_a_database_that_dies_in_the_middle_loses_nothing(server: Server, tmp_path: Path) -> None:
    from tests.storage.conftest import emptied

    store, url = Store(tmp_path / "a"), emptied(server)
    for i in range(3):
        run(store.root, i)
    (store.root / "20261126-000000-001-000001" / "logs").mkdir()
    shelf = open_shelf(url)
    assert push(store, shelf, store.ids()[:1]).moved
    code = (
        "import sys; from pathlib import Path; from assay.results.storage import mirror, open as o; from assay.results.store import Store\n"
        "import assay.results.storage.postgres as p\n"
        "rows = p.rows_of\n"
        "def slow(raw, run):\n"
        "    print('in the middle', flush=True); sys.stdin.readline(); yield from rows(raw, run)\n"
        "p.rows_of = slow\n"
        f"print(mirror.push(Store(Path({str(store.root)!r})), o.open_shelf({url!r})))\n"
    )
    pusher = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    with pusher:
        assert pusher.stdout is not None
        assert pusher.stdout.readline().strip() == "in the middle"
        server.kill()
        rest, _ = pusher.communicate("\n\n\n", timeout=60)
    assert "failed=" in rest or "StoreError" in rest, rest
    assert len(store.ids()) == 3, "the folder still has every run"
    with pytest.raises(StoreError, match=r"\*\*\*"):
        shelf.digests()
    server.start()
    assert list(shelf.digests()) == store.ids()[:1], "the run in flight is not there, and the one before it is whole"
    assert len(push(store, shelf).moved) == 2
    assert sorted(shelf.digests()) == store.ids()
    back = Store(tmp_path / "back")
    back.root.mkdir()
    assert len(pull(shelf, back).moved) == 3


def test_a_copy_that_cannot_be_reached_leaves_the_run_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store = Store(tmp_path)
    made = run(store.root, 1)
    monkeypatch.setenv("NOWHERE", "postgresql://u:secret@127.0.0.1:1/x")
    copy_out({"store": {"url": str(tmp_path), "copies": ["env:NOWHERE"]}}, store, made.id)
    said = capsys.readouterr().err
    assert "not copied" in said
    assert "assay push" in said
    assert "secret" not in said
    assert store.ids() == [made.id]


def noted(store: Store) -> list[tuple[str, str]]:
    return [(one.run, one.to) for one in pending.read(store.root)]


def test_a_copy_that_failed_is_noted_shown_and_made_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store, folder = Store(tmp_path / "a"), ["--store", str(tmp_path / "a")]
    one, two = run(store.root, 1), run(store.root, 2)
    config = {"store": {"url": str(store.root), "copies": ["env:TEAM", f"file://{tmp_path}/fine"]}}
    (tmp_path / "blocked").write_text("no folder", encoding="utf-8")
    monkeypatch.setenv("TEAM", f"file://{tmp_path}/blocked")
    for made in (one, two, one):
        copy_out(config, store, made.id)
    assert noted(store) == [(one.id, "env:TEAM"), (two.id, "env:TEAM")], "one note a run and copy, and none of the copy that was made"
    assert "blocked" in pending.read(store.root)[0].why
    assert store.ids() == [one.id, two.id]
    capsys.readouterr()
    assert main(["runs", *folder]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "pending copies: 2, to env:TEAM (assay push --pending)"
    assert [row.id for row in store.prune(keep=0)] == [], "what is in no copy yet stays"
    assert main(["push", "--pending", *folder]) == 2
    assert len(noted(store)) == 2
    monkeypatch.setenv("TEAM", f"file://{tmp_path}/open")
    assert main(["push", "--pending", *folder]) == 0
    assert "2 runs moved" in capsys.readouterr().out
    assert noted(store) == []
    assert sorted(open_shelf(f"file://{tmp_path}/open").digests()) == store.ids()
    assert main(["push", "--pending", *folder]) == 0
    assert main(["runs", *folder]) == 0
    assert "pending" not in capsys.readouterr().out.splitlines()[-1]


def test_a_door_that_is_killed_while_it_copies_leaves_the_note(tmp_path: Path) -> None:
    store = Store(tmp_path / "a")
    made = run(store.root, 1)
    code = (
        "import os; from pathlib import Path; from assay.harness.door.copies import copy_out; from assay.results.store import Store\n"
        "from assay.results.storage.objects import Objects\n"
        "Objects.put = lambda *_: os.kill(os.getpid(), 9)\n"
        f"copy_out({{'store': {{'url': {str(store.root)!r}, 'copies': ['file://{tmp_path}/copy']}}}}, Store(Path({str(store.root)!r})), {made.id!r})\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == -9
    assert noted(store) == [(made.id, f"file://{tmp_path}/copy")]
    assert main(["push", f"file://{tmp_path}/copy", "--store", str(store.root)]) == 0, "by hand, to the same address"
    assert noted(store) == []


def test_pending_copies_of_a_remote_store_go_to_its_own_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    url = "postgresql://u:secret@127.0.0.1:1/x"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("ASSAY_STORE", url)
    store = Store(locate(None, os.environ))
    made = run(store.root, 1)
    copy_out({"store": {"url": None}}, store, made.id)
    assert noted(store) == [(made.id, "store")]
    assert all(b"secret" not in path.read_bytes() for path in store.root.rglob("*.json"))
    assert main(["push", "--pending"]) == 2
    assert main(["push", "--pending", "--store", str(store.root)]) == 2
    assert "Say --store URL" in capsys.readouterr().err


def test_notes_of_runs_that_are_gone_or_damaged_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = Store(tmp_path)
    pending.note(store.root, "20261126-000000-009-000009", "memory://x")
    assert main(["push", "--pending", "--store", str(store.root)]) == 2
    assert "gone from this store" in capsys.readouterr().err
    assert noted(store) == []
    made = run(store.root, 1)
    pending.note(store.root, made.id, "memory://x")
    pending.place(store.root, made.id, "memory://x").write_text("{", encoding="utf-8")
    assert main(["push", "--pending", "--store", str(store.root)]) == 2
    assert "cannot be read" in capsys.readouterr().err
    for words in (["push"], ["push", "memory://x", "--pending"]):
        assert main([*words, "--store", str(store.root)]) == 3


@pytest.mark.parametrize("copies", [["env:NOT_SET_AT_ALL"], ["/a/folder"], ["nonsense"]])
def test_a_copy_that_is_no_address_is_refused(copies: list[str]) -> None:
    from assay.harness.door.copies import addresses

    with pytest.raises(RefusalError, match=r"store\.copies"):
        addresses({"store": {"url": None, "copies": copies}})


@pytest.mark.parametrize("store", [{"url": "postgresql://u:secret@h/x"}, {"url": None, "copies": ["postgresql://u:secret@h/x"]}])
def test_a_password_is_never_written_into_a_run(store: dict[str, Any]) -> None:
    from assay.harness.door.copies import addresses

    with pytest.raises(RefusalError, match="holds a password") as refused:
        addresses({"store": store})
    assert "secret" not in str(refused.value)


def test_an_unknown_scheme_is_refused() -> None:
    with pytest.raises(RefusalError, match="nosuch"):
        open_shelf("nosuch://x")


@pytest.mark.parametrize(
    ("url", "module", "package"),
    [
        ("gs://bucket/x", "gcsfs", "gs"),
        ("gcs://bucket/x", "gcsfs", "gs"),
        ("abfs://container/x", "adlfs", "abfs"),
        ("az://container/x", "adlfs", "abfs"),
        ("s3://bucket/x", "s3fs", "s3"),
        ("postgresql://h/x", "psycopg", "postgres"),
    ],
)
def test_a_missing_library_is_refused_with_the_package_to_install(
    url: str, module: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fsspec.registry import _registry

    monkeypatch.setitem(sys.modules, module, None)  # as if it were not installed
    monkeypatch.delitem(_registry, url.partition(":")[0], raising=False)
    with pytest.raises(RefusalError, match=rf"pip install 'assay-harness\[{package}\]'") as refused:
        open_shelf(url)
    assert module in str(refused.value), "the library behind the extra is named too"


def test_a_damaged_copy_is_not_believed(tmp_path: Path) -> None:
    store, url = Store(tmp_path / "a"), f"file://{tmp_path}/copy"
    made = run(store.root, 1)
    push(store, open_shelf(url))
    (file,) = (tmp_path / "copy" / "runs" / made.id).glob("*/records.jsonl")
    file.write_bytes(file.read_bytes() + b"{}\n")
    other = Store(tmp_path / "b")
    other.root.mkdir()
    moved = pull(open_shelf(url), other)
    assert "is not what was put there" in moved.failed[0]
    assert other.ids() == []


def test_paths_stay_inside() -> None:
    assert safe("logs/000.txt")
    assert not any(map(safe, ("../x", "/etc/passwd", "a/../../x", "", "a\0b")))


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_a_full_disk_leaves_no_half_run(tmp_path: Path) -> None:
    store, url = Store(tmp_path / "a"), f"file://{tmp_path}/copy"
    made = run(store.root, 1)
    (made.path / "logs").mkdir()
    (made.path / "logs" / "000.txt").write_bytes(os.urandom(400_000))
    push(store, open_shelf(url))
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(small)], check=False, capture_output=True).returncode:
        pytest.skip("a small disk cannot be mounted here")
    try:
        moved = pull(open_shelf(url), Store(small))
        assert "No space left" in moved.failed[0]
        assert Store(small).ids() == []
        assert list(small.iterdir()) == []
    finally:
        subprocess.run(["umount", str(small)], check=True)
