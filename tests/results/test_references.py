"""What a user may call a run, tags, and pruning."""

from __future__ import annotations

import fcntl
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from assay.harness.errors import RefusalError, StoreError
from assay.harness.rundir import RunDir
from assay.results.store import Store
from tests.results.builders import write_run

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
IDS = ["20261120-120000-000-aaaaaa", "20261121-120000-000-bbbbbb", "20261124-110000-000-cccccc", "20261124-110000-000-cccddd"]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Make a store of four runs."""
    for run in IDS:
        write_run(tmp_path / run)
    return Store(tmp_path)


def ids(store: Store, text: str) -> list[str]:
    """Resolve to ids."""
    return [run.id for run in store.resolve(text)]


def test_ids_prefixes_latest_and_lists(store: Store) -> None:
    assert ids(store, IDS[1]) == [IDS[1]]
    assert ids(store, "20261121") == [IDS[1]]
    assert ids(store, "latest") == [IDS[3]]
    assert ids(store, "latest~3") == [IDS[0]]
    assert ids(store, " latest , 20261120,latest~0,") == [IDS[3], IDS[0]]


def test_latest_is_the_newest_of_any_status(store: Store) -> None:
    made = store.create(NOON + timedelta(days=1))
    assert ids(store, "latest") == [made.id]


def test_a_tag_may_name_several(store: Store) -> None:
    store.tag([IDS[2], IDS[0]], "golden")
    assert ids(store, "golden") == [IDS[2], IDS[0]]
    assert ids(store, "golden,latest") == [IDS[2], IDS[0], IDS[3]]
    (tag,) = store.tags()
    assert (tag.name, tag.runs) == ("golden", (IDS[2], IDS[0]))
    assert datetime.fromisoformat(tag.when).tzinfo is not None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("20261124", ["means 2 runs", IDS[2], IDS[3], "Write more"]),
        ("goldne", ["no such run", "golden", "assay runs"]),
        ("20261120-120000-000-aaaaab", ["did you mean", IDS[0]]),
        ("latest~4", ["only 4 runs"]),
        ("latest~", ["no such run"]),
        ("latest~-1", ["no such run"]),
        ("latest~99999999999999999999", ["no such run"]),
        ("", ["names no run"]),
        (",", ["names no run"]),
        ("../" + IDS[0], ["no such run"]),
        ("golden,nope", ["'nope'"]),
    ],
)
def test_what_names_no_run_is_refused_helpfully(store: Store, text: str, words: list[str]) -> None:
    store.tag(IDS[:1], "golden")
    with pytest.raises(RefusalError) as refused:
        store.resolve(text)
    assert refused.value.exit_code == 3
    assert all(word in str(refused.value) for word in words), str(refused.value)


def test_a_tag_of_a_run_that_is_gone_is_refused(store: Store) -> None:
    store.tag(IDS[:2], "golden")
    (store.root / IDS[0]).rename(store.root.parent / "elsewhere")
    with pytest.raises(RefusalError, match=IDS[0]):
        store.resolve("golden")


@pytest.mark.parametrize(
    "name", ["latest", "latest~1", "a/b", "../x", "..", ".", "", "20261124", IDS[0], "1st", "a b", "a,b", "x" * 101, "é", "a\n"]
)
def test_a_name_that_could_mean_something_else_is_no_tag(store: Store, name: str) -> None:
    with pytest.raises(RefusalError):
        store.tag(IDS[:1], name)
    assert store.tags() == []


def test_a_taken_name_moves_only_by_force(store: Store) -> None:
    store.tag(IDS[:1], "golden")
    with pytest.raises(RefusalError, match=IDS[0]):
        store.tag(IDS[1:2], "golden")
    store.tag(IDS[1:2], "golden", force=True)
    assert ids(store, "golden") == [IDS[1]]


def test_a_tag_of_nothing_or_of_an_unknown_run_is_refused(store: Store) -> None:
    for runs in ([], ["20260101-000000-000-000000"]):
        with pytest.raises(RefusalError):
            store.tag(runs, "golden")


def test_of_many_who_take_one_name_one_wins(store: Store) -> None:
    won, barrier = [], threading.Barrier(8)

    def take(run: str) -> None:
        barrier.wait()
        try:
            store.tag([run], "golden")
            won.append(run)
        except RefusalError:
            pass

    threads = [threading.Thread(target=take, args=(IDS[i % 4],)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert ids(store, "golden") == won


def test_a_damaged_tag_is_listed_and_stops_pruning(store: Store) -> None:
    store.tag(IDS[:1], "golden")
    (store.root / "tags" / "golden.json").write_text('{"runs": 3}', encoding="utf-8")
    assert [tag.problem for tag in store.tags()] == ["holds no list of runs"]
    with pytest.raises(RefusalError):
        store.resolve("golden")
    with pytest.raises(StoreError, match="golden"):
        store.prune(keep=0)
    store.tag(IDS[:1], "golden", force=True)
    assert len(store.prune(keep=0, now=NOON)) == 3


def pruned(store: Store, **how: object) -> list[str]:
    """Prune at noon of the fourth day."""
    return [row.id for row in store.prune(now=NOON, **how)]


def test_pruning_shows_first_and_removes_only_when_told(store: Store) -> None:
    assert pruned(store, keep=1) == IDS[:3]
    assert store.ids() == IDS
    assert pruned(store, keep=1, dry_run=False) == IDS[:3]
    assert store.ids() == IDS[3:]
    assert [path.name for path in store.root.iterdir()] == IDS[3:]


def test_the_bytes_of_a_run_are_those_of_its_files(store: Store) -> None:
    expected = sum(path.stat().st_size for path in (store.root / IDS[0]).rglob("*") if path.is_file())
    assert store.prune(keep=3, now=NOON)[0].nbytes == expected


def test_by_age_and_by_both(store: Store) -> None:
    assert pruned(store, older_than_days=2) == IDS[:2]
    assert pruned(store, older_than_days=3.5) == IDS[:1]
    assert pruned(store, older_than_days=2, keep=3) == IDS[:1]
    assert pruned(store, older_than_days=1e9) == []


def test_tagged_and_running_runs_stay(store: Store) -> None:
    store.tag([IDS[1]], "golden")
    running = RunDir(store.root / IDS[0])
    running.write_json("run.json", running.read_json("run.json") | {"status": "running"})
    with (store.root / IDS[0] / "door.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert pruned(store, keep=0) == IDS[2:]
    assert pruned(store, keep=0) == [IDS[0], *IDS[2:]]  # its door is dead now


def test_a_folder_that_may_be_a_run_beginning_now_stays(store: Store) -> None:
    made = store.create(NOON - timedelta(minutes=1))
    old = store.create(NOON - timedelta(days=30))
    chosen = pruned(store, keep=0)
    assert made.id not in chosen
    assert old.id in chosen


@pytest.mark.parametrize("how", [{}, {"keep": -1}, {"older_than_days": -1.0}, {"older_than_days": float("nan")}])
def test_a_pruning_without_sense_is_refused(store: Store, how: dict[str, float]) -> None:
    with pytest.raises(RefusalError):
        store.prune(**how)
    assert store.ids() == IDS
