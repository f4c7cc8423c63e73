"""The figures of many runs in one Parquet file beside them, so that queries over a large store stay quick; the runs stay as they are."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from assay.harness.errors import StoreError
from assay.harness.rundir import write_atomic
from assay.results.store import Store

FOLDER, INDEX = "compact", "index.json"


def stamp(path: Path) -> list[int] | None:
    """Give size and time of a file of records, which change whenever it does; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return [found.st_size, found.st_mtime_ns]


def read_index(root: Path) -> dict[str, Any]:
    """Read which runs are compacted, in which state; an index that cannot be read compacts nothing."""
    try:
        data = json.loads((root / FOLDER / INDEX).read_text(encoding="utf-8"))
        file, runs = str(data["file"]), dict(data["runs"])
    except (OSError, ValueError, KeyError, TypeError):
        return {"file": "", "runs": {}}
    return {"file": file, "runs": runs} if (root / FOLDER / file).is_file() and Path(file).name == file else {"file": "", "runs": {}}


def current(root: Path, runs: Sequence[str], index: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Part runs into those whose compacted figures are still theirs, and the others."""
    fresh = [run for run in runs if run in index["runs"] and stamp(root / run / "records.jsonl") == index["runs"][run]]
    known = set(fresh)
    return fresh, [run for run in runs if run not in known]


def compact(store: Store) -> tuple[int, int]:
    """Write the figures of every finished run into one file; gives (runs, figures). Readers see the old file or the new one, never half.

    StoreError if it cannot be written.
    """
    import duckdb

    from assay.results.frames import record_view

    runs = [info.id for info in store.runs() if info.status in {"finished", "interrupted"}]
    stamps = {run: found for run in runs if (found := stamp(store.root / run / "records.jsonl")) is not None}
    folder = store.root / FOLDER
    name = f"records-{secrets.token_hex(6)}.parquet"
    before = read_index(store.root)["file"]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with duckdb.connect() as connection:
            connection.execute(record_view(store.root, list(stamps), parquet=None))
            target = f"'{quoted(folder / name)}' (FORMAT parquet, COMPRESSION zstd)"
            connection.execute(f"COPY (SELECT * FROM records ORDER BY run, key, subject, metric) TO {target}")  # noqa: S608 - a path, quoted
            count = connection.execute(f"SELECT count(*) FROM '{quoted(folder / name)}'").fetchone()  # noqa: S608 - a path, quoted
    except (OSError, duckdb.Error) as error:
        (folder / name).unlink(missing_ok=True)
        message = f"cannot write {folder / name}: {error}"
        raise StoreError(message) from error
    write_atomic(folder / INDEX, json.dumps({"file": name, "runs": stamps}) + "\n")
    if before:
        (folder / before).unlink(missing_ok=True)
    return len(stamps), int(count[0]) if count else 0


def quoted(path: Path) -> str:
    """Write a path inside quotes of SQL."""
    return str(path.absolute()).replace("'", "''")
