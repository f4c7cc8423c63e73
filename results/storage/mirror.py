"""A folder beside a copy: runs go there and come from there, each whole, each once."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from assay.harness.errors import StoreError
from assay.harness.rundir import RunDir, write_atomic
from assay.results.runinfo import ID
from assay.results.storage.objects import checked
from assay.results.storage.shelf import Shelf, digest, files_of
from assay.results.store import Store
from assay.results.tags import NAME

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Moved:
    """What a push or a pull did: runs moved, runs that were there already, and why others did not move."""

    moved: tuple[str, ...] = ()
    present: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()


def push(store: Store, shelf: Shelf, runs: Iterable[str] | None = None, *, tell: Tell = lambda _text: None) -> Moved:
    """Put runs of a folder (all, if none is named) into a copy, tags with them; a run that is there in this state is passed over.

    One run that cannot be read does not stop the others. StoreError if the copy cannot be reached at all.
    """
    known = shelf.digests()
    moved, present, failed = [], [], []
    for run in store.ids() if runs is None else runs:
        try:
            files = files_of(RunDir(store.root / run))
            if known.get(run) == digest(files):
                present.append(run)
                continue
            tell(f"push {run} to {shelf.url}")
            shelf.put(run, files)
            moved.append(run)
        except StoreError as error:
            failed.append(f"{run}: {error}")
    have = shelf.tags()
    for path in sorted((store.root / "tags").glob("*.json")) if (store.root / "tags").is_dir() else []:
        content = path.read_bytes()
        if have.get(path.name) != content:
            shelf.put_tag(path.name, content)
    return Moved(tuple(moved), tuple(present), tuple(failed))


def pull(shelf: Shelf, store: Store, runs: Iterable[str] | None = None, *, tell: Tell = lambda _text: None) -> Moved:
    """Bring runs of a copy into a folder; a run that is here is never overwritten by another state of it."""
    known = shelf.digests()
    moved, present, failed = [], [], []
    for run in known if runs is None else runs:
        if not ID.fullmatch(run) and not NAME.fullmatch(run):
            failed.append(f"{run!r}: no name of a run")
        elif (store.root / run).exists():
            present.append(run)
        else:
            try:
                tell(f"pull {run} from {shelf.url}")
                place(store, run, shelf.get(run))
                moved.append(run)
            except StoreError as error:
                failed.append(f"{run}: {error}")
    for name, content in shelf.tags().items():
        path = store.root / "tags" / name
        if NAME.fullmatch(name.removesuffix(".json")) and not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(path, content.decode("utf-8", errors="replace"))
    return Moved(tuple(moved), tuple(present), tuple(failed))


def place(store: Store, run: str, files: Mapping[str, bytes]) -> None:
    """Write a whole run beside its place and move it there, so that nobody ever sees half of it."""
    aside = store.root / f".{run}.{os.getpid()}"
    try:
        for name, content in checked(run, files, digest(files), "the copy").items():
            path = aside / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        aside.rename(store.root / run)
    except OSError as error:
        message = f"cannot write {store.root / run}: {error.strerror}"
        raise StoreError(message) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
