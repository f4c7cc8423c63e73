"""``assay push``: runs of a folder into a copy."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence

from assay.harness.door.console import Parser, emit_json, out, parser, tell
from assay.harness.door.copies import OWN, copy_to, resolved
from assay.harness.door.runs import store_option
from assay.harness.errors import AssayError, RefusalError, StoreError
from assay.results import pending
from assay.results.store import Store, address, is_remote, locate

SUMMARY = "put runs (all, if none is named) and tags into an object store or a team's PostgreSQL"
EPILOG = """\
URL is s3://BUCKET/PREFIX, gs://, abfs://, memory://, postgresql://USER@HOST/DATABASE, or env:NAME for an address in a variable.
Whole runs only, each once: a push that was cut off goes on where it was, and several may push at once.
A run that could not be copied when it ended is noted in the store; assay runs counts such notes, assay push --pending works them off.
"""


def main(argv: Sequence[str]) -> int:
    """Run the verb; returns the exit code: 2 where a run could not be moved."""
    p = arguments("push", SUMMARY, EPILOG, url="?")
    p.add_argument("--pending", action="store_true", help="make the copies that failed or were cut off when their runs ended")
    ns = p.parse_args(list(argv))
    if ns.pending == (ns.url is not None):
        p.error("say either URL or --pending")
    from assay.results.storage.mirror import push
    from assay.results.storage.open import open_shelf

    store = Store(locate(ns.store, os.environ))
    if ns.pending:
        return told(ns.json, "push", *push_pending(store, address(ns.store, os.environ)))
    url = resolved(ns.url)
    runs = [run.id for name in ns.runs for run in store.resolve(name)] or None
    moved = push(store, open_shelf(url), runs, tell=tell)
    cleared_by_hand(store, url, [*moved.moved, *moved.present])
    return told(ns.json, "push", moved.moved, moved.present, moved.failed)


def push_pending(store: Store, own: str) -> tuple[list[str], list[str], list[str]]:
    """Make every copy that is pending; gives (run and copy moved, those that were there, what failed). ``own`` is the store's address.

    A run that is gone from the store can be copied no more: its note is taken away, and it counts as failed once.
    """
    moved, present, failed = [], [], []
    here = set(store.ids())
    for one in pending.read(store.root):
        named = f"{one.run} to {one.to}"
        try:
            if one.problem:
                raise StoreError(one.problem)
            if one.run not in here:
                pending.clear(store.root, [one.run], one.to)
                message = "the run is gone from this store, so nothing is left to copy"
                raise StoreError(message)
            done = copy_to(one.to, address_of(one.to, own), store, [one.run], say=tell)
            moved += [named for _ in done.moved]
            present += [named for _ in done.present]
        except AssayError as error:
            failed.append(f"{named}: {error}")
    return moved, present, failed


def address_of(to: str, own: str) -> str:
    """Give the address of a copy as its note names it; RefusalError where it cannot be told here."""
    if to == OWN and not is_remote(own):
        message = "is what these runs are to go to, and this store is a folder"
        raise RefusalError(
            message, value="the store's own address", where="--store", fix="Say --store URL (or ASSAY_STORE) as when they were measured."
        )
    return own if to == OWN else resolved(to)


def cleared_by_hand(store: Store, url: str, runs: Sequence[str]) -> None:
    """Take away the notes of runs that were pushed to an address by hand."""
    for to in {one.to for one in pending.read(store.root) if one.to}:
        with contextlib.suppress(RefusalError):  # a variable that is not set here names no address
            if to != OWN and resolved(to) == url:
                pending.clear(store.root, runs, to)


def arguments(verb: str, summary: str, epilog: str, *, url: str | None = None) -> Parser:
    """Describe the command line of push and pull; ``url`` is how many addresses there may be, one where nothing is said."""
    p = parser(verb, summary, epilog)
    p.add_argument("url", nargs=url, metavar="URL")
    p.add_argument("runs", nargs="*", metavar="RUN")
    store_option(p)
    p.add_argument("--json", action="store_true", help="print one JSON document")
    return p


def told(json: bool, verb: str, moved: Sequence[str], present: Sequence[str], failed: Sequence[str]) -> int:  # noqa: FBT001 - the option itself
    """Tell what was moved; returns the exit code."""
    if json:
        emit_json({"schema": f"assay.{verb}/1", "moved": list(moved), "present": list(present), "failed": list(failed)})
    else:
        for problem in failed:
            tell(f"assay: {problem}")
        out(f"{len(moved)} runs moved, {len(present)} were there, {len(failed)} failed")
    return 2 if failed else 0
