"""``assay runs``: what the store holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from assay.harness.door.console import Parser, emit_json, out, parser
from assay.results.pending import read
from assay.results.store import Store
from assay.results.units import plain

SUMMARY = "list the runs of the store, oldest first"


def main(argv: Sequence[str]) -> int:
    """Run the verb; returns the exit code."""
    p = parser("runs", SUMMARY)
    store_option(p)
    p.add_argument("--json", action="store_true", help="print one JSON document")
    p.add_argument("--last", type=int, metavar="N", help="only the newest N")
    ns = p.parse_args(list(argv))
    store = opened(ns.store)
    runs = store.runs()[-ns.last if ns.last else 0 :]
    names: dict[str, list[str]] = {info.id: [] for info in runs}
    for tag in store.tags():
        for run in tag.runs:
            names.get(run, []).append(tag.name)
    waiting = read(store.root)
    if ns.json:
        rows = [info.as_dict() | {"tags": names[info.id]} for info in runs]
        emit_json({"schema": "assay.runs/1", "store": str(store.root), "runs": rows, "pending": [asdict(one) for one in waiting]})
        return 0
    if not runs:
        out(f"no runs in {store.root} (assay run plan=smoke makes one)")
    for info in runs:
        tags = f"  [{', '.join(names[info.id])}]" if names[info.id] else ""
        out(f"{info.id}  {info.status:11} {info.line()}{tags}")
    if waiting:
        out(plain(f"pending copies: {len(waiting)}, to {', '.join(sorted({one.to or '?' for one in waiting}))} (assay push --pending)"))
    return 0


def store_option(p: Parser) -> None:
    """Add the option that every reading verb has."""
    p.add_argument("--store", metavar="URL", help="the store: a folder, s3://..., postgresql://... (default: ASSAY_STORE, else ./runs)")


def opened(url: str | None) -> Store:
    """Open the store that the user means; of an object store or a database everything new is brought here first."""
    from assay.harness.door.copies import opened as brought

    return brought(url)
