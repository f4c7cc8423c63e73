"""Copies of a store: a run goes there when it has ended, and what is there comes here before anything is read."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from assay.harness.door.console import tell
from assay.harness.errors import AssayError, RefusalError, StoreError
from assay.results.store import Store, address, is_remote, locate

if TYPE_CHECKING:
    from assay.results.storage.mirror import Moved

VARIABLE = "env:"
OWN = "store"  # the store itself, where that is no folder: its address may hold a password


def addresses(config: Mapping[str, Any]) -> dict[str, str]:
    """Give the copies of a configuration as it names them, with their addresses: ``store.copies``, and ``store`` where that is no folder.

    RefusalError for a variable that is not set, or a copy that is no address.
    """
    store = config.get("store") or {}
    for text in store.get("copies") or []:
        refuse_password(str(text), where="store.copies", fix=f"Set a variable, and write {VARIABLE}NAME: a run keeps its configuration.")
    found = {str(text): resolved(str(text)) for text in store.get("copies") or []}
    own = address(store.get("url"), os.environ)
    refuse_password(str(store.get("url") or ""), where="store.url", fix="Set ASSAY_STORE instead: a run keeps its configuration.")
    return found | ({OWN: own} if is_remote(own) else {})


def resolved(text: str) -> str:
    """Give the address that a copy means; ``env:NAME`` keeps passwords out of files."""
    name = text.removeprefix(VARIABLE)
    found = os.environ.get(name, "") if text.startswith(VARIABLE) else text
    if "://" not in found:
        message = "is no address of a copy" if found else f"the variable {name} is not set"
        fix = "Use s3://BUCKET/PREFIX, gs://, abfs://, memory:// or postgresql://." if found else f"Set {name} to postgresql://..."
        raise RefusalError(message, value=text, where="store.copies", fix=fix)
    return found


def refuse_password(text: str, *, where: str, fix: str) -> None:
    """Refuse a password that would be written into every run's files (RefusalError, which does not repeat it)."""
    if urlsplit(text).password:
        message = "holds a password"
        raise RefusalError(message, where=where, fix=fix)


def copy_out(config: Mapping[str, Any], store: Store, run: str) -> None:
    """Put one run into every copy. What goes wrong there is said and changes nothing here: ``assay push --pending`` goes on with it."""
    for to, url in addresses(config).items():
        try:
            copy_to(to, url, store, [run])
        except AssayError as error:
            tell(f"assay: not copied: {error}. The run is in {store.root / run}; go on with: assay push --pending")


def copy_to(to: str, url: str, store: Store, runs: Sequence[str], *, say: Callable[[str], None] = lambda _text: None) -> Moved:
    """Put runs into one copy, noted as pending before and cleared after, so that an end in the middle leaves the note.

    StoreError where one of them could not be copied, which is noted with the reason.
    """
    from assay.results import pending
    from assay.results.storage.mirror import push
    from assay.results.storage.open import open_shelf

    for run in runs:
        pending.note(store.root, run, to)
    try:
        moved = push(store, open_shelf(url, where="store.copies" if to != OWN else "--store"), runs, tell=say)
        pending.clear(store.root, [*moved.moved, *moved.present], to)
        if moved.failed:
            raise StoreError("; ".join(moved.failed))
    except AssayError as error:
        for run in runs:
            if pending.place(store.root, run, to).exists():
                pending.note(store.root, run, to, why=str(error))
        raise
    return moved


def opened(url: str | None) -> Store:
    """Open the store that the user means; of one that is no folder everything new is brought here first."""
    text = address(url, os.environ)
    store = Store(locate(url, os.environ))
    if is_remote(text):
        from assay.results.storage.mirror import pull
        from assay.results.storage.open import open_shelf

        store.root.mkdir(parents=True, exist_ok=True)
        for problem in pull(open_shelf(text, where="--store" if url else "ASSAY_STORE"), store, tell=tell).failed:
            tell(f"note: {problem}")
    return store


def give_back(url: str | None, store: Store, runs: Sequence[str] = ()) -> None:
    """Put tags, and runs that a verb made, into a store that is no folder; StoreError if it cannot be reached."""
    text = address(url, os.environ)
    if is_remote(text):
        copy_to(OWN, text, store, runs)
