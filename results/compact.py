"""The figures of many runs in one Parquet file beside them, so that a large store is read quickly; the runs stay as they are."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import attrgetter, itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.harness.errors import StoreError
from assay.harness.rundir import RunDir, write_atomic
from assay.results.compacted import FOLDER, INDEX, quoted, sha256, stamp
from assay.results.record import Record, read_records
from assay.results.store import Store

if TYPE_CHECKING:
    import duckdb

MANY = 10_000


def compact(store: Store) -> tuple[int, int]:
    """Write the figures of every finished run into one file; gives (runs, figures). Readers see the old file or the new one, never half.

    A run counts as compacted only if its rows, read back, are what its own file holds, line by line: one with a line that cannot be read,
    or from an older version that left fields out, goes on being read from its own file. StoreError if the file cannot be written.
    """
    import duckdb

    runs = [info.id for info in store.runs() if info.status in {"finished", "interrupted"}]
    stamps = {run: found for run in runs if (found := stamp(store.root / run / "records.jsonl")) is not None}
    folder = store.root / FOLDER
    file = folder / f"records-{secrets.token_hex(6)}.parquet"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with duckdb.connect() as connection:
            write(connection, store.root, list(stamps), file)
            counts = verified(store, list(stamps), rows_of(connection, file))
        index = {"file": file.name, "sha256": sha256(file), "runs": {run: stamps[run] for run in counts}}
    except (OSError, duckdb.Error) as error:
        file.unlink(missing_ok=True)
        message = f"cannot write {file}: {error}"
        raise StoreError(message) from error
    write_atomic(folder / INDEX, json.dumps(index) + "\n")
    for other in folder.glob("records-*.parquet"):
        if other != file:
            other.unlink(missing_ok=True)
    return len(counts), sum(counts.values())


def write(connection: duckdb.DuckDBPyConnection, root: Path, runs: Sequence[str], file: Path) -> None:
    """Copy lines into the file in their order; a line that names another run than its folder is left out."""
    from assay.results.frames import COLUMNS, empty_select, lines_sql

    names = ", ".join(f'"{name}"' for name in COLUMNS)
    own = f"SELECT {names} FROM {lines_sql(root, runs, filename=True)} WHERE run = split_part(filename, '/', -2)"  # noqa: S608 - paths, quoted
    source = own if runs else empty_select()
    connection.execute(f"COPY ({source}) TO '{quoted(file)}' (FORMAT parquet, COMPRESSION zstd)")


def rows_of(connection: duckdb.DuckDBPyConnection, file: Path) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of the file, not all of them in memory at once; flags as a record holds them."""
    from assay.results.frames import COLUMNS

    place = list(COLUMNS).index("flags")
    names = ", ".join(f'"{name}"' for name in COLUMNS)
    result = connection.execute(f"SELECT {names} FROM read_parquet('{quoted(file)}')")  # noqa: S608 - a path, quoted
    while rows := result.fetchmany(MANY):
        yield from ((*row[:place], None if row[place] is None else tuple(row[place]), *row[place + 1 :]) for row in rows)


def verified(store: Store, runs: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> dict[str, int]:
    """Hold the rows of every run against its own file; gives how many figures each run has whose rows are the same in the same order."""
    from assay.results.frames import COLUMNS

    fields = attrgetter(*COLUMNS)
    counts: dict[str, int] = {}
    seen: set[str] = set()
    for run, group in groupby(rows, key=itemgetter(list(COLUMNS).index("run"))):
        own = [fields(record) for record in sound_records(store.root / run) or []]
        if own == list(group) and run not in seen:
            counts[run] = len(own)
        elif run in seen:  # its rows are not in one piece, so their order is not that of its lines
            counts.pop(run, None)
        seen.add(run)
    return counts | {run: 0 for run in runs if run not in seen and sound_records(store.root / run) == []}


def sound_records(path: Path) -> list[Record] | None:
    """Read the records of a run; None where one of its lines cannot be read."""
    try:
        records, problems = read_records(RunDir(path))
    except StoreError:
        return None
    return None if problems else records
