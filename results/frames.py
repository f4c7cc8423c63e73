"""Records of many runs as tables: pandas for a notebook, SQL in place through DuckDB."""

from __future__ import annotations

import glob
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.harness.errors import StoreError
from assay.harness.rundir import RunDir
from assay.results.compact import FOLDER, current, quoted, read_index
from assay.results.document import judged
from assay.results.record import Record, read_records
from assay.results.store import Store, address, is_remote, locate

if TYPE_CHECKING:
    import pandas as pd

# SQL type of every field of a record; given, so that a store whose column is all null, or whose runs are older, reads the same.
COLUMNS = {
    "run": "VARCHAR",
    "key": "VARCHAR",
    "suite": "VARCHAR",
    "subject": "VARCHAR",
    "metric": "VARCHAR",
    "value": "DOUBLE",
    "unit": "VARCHAR",
    "better": "VARCHAR",
    "agg": "VARCHAR",
    "n": "BIGINT",
    "ci_lo": "DOUBLE",
    "ci_hi": "DOUBLE",
    "min": "DOUBLE",
    "max": "DOUBLE",
    "p99": "DOUBLE",
    "cv": "DOUBLE",
    "limit": "DOUBLE",
    "limit_name": "VARCHAR",
    "share": "DOUBLE",
    "flags": "VARCHAR[]",
    "hw_class": "VARCHAR",
    "sw_class": "VARCHAR",
    "inject": "BOOLEAN",
}


def load(*runs: str | RunDir, store: str | Path | Store | None = None) -> pd.DataFrame:
    """Load the records of some runs (all of the store if none is named), one a row.

    Args:
        *runs: ids, prefixes, tags, ``latest``, several joined by commas, or run directories.
        store: a folder or a store; otherwise ``ASSAY_STORE``, else ``./runs``.

    Columns are the fields of a record and ``params`` (the case's parameters as JSON text). Runs without ``records.jsonl`` are judged on
    the fly. RefusalError for a name that is no run.

    """
    import pandas as pd

    opened = open_store(store)
    found = [one for run in runs or opened.ids() for one in ([run] if isinstance(run, RunDir) else opened.resolve(run))]
    rows = [row for run in dict.fromkeys(found) for row in rows_of(run)]
    return pd.DataFrame(rows, columns=[*COLUMNS, "params"])


def query(sql: str, store: str | Path | Store | None = None) -> pd.DataFrame:
    """Run SQL on the view ``records``: every ``records.jsonl`` of the store, read in place.

    A line that cannot be read is left out; fields that an older version did not write are NULL.
    """
    import duckdb

    opened = open_store(store)
    with duckdb.connect() as connection:
        connection.execute(store_view(opened))
        return connection.execute(sql).df()


def store_view(store: Store) -> str:
    """Write the view over a store: what is compacted and still the same comes from there, the rest from the runs."""
    index = read_index(store.root)
    compacted, others = current(store.root, store.ids(), index)
    parquet = store.root / FOLDER / index["file"] if compacted else None
    return record_view(
        store.root, [run for run in others if (store.root / run / "records.jsonl").is_file()], parquet=parquet, only=compacted
    )


def record_view(root: Path, runs: Sequence[str], *, parquet: Path | None, only: Sequence[str] = ()) -> str:
    """Write a view over the files of some runs, and over some runs of a Parquet file."""
    parts = []
    if parquet is not None:
        names = ", ".join(f"'{quoted_text(run)}'" for run in only)
        parts.append(f"SELECT * FROM read_parquet('{quoted(parquet)}') WHERE run IN ({names})")  # noqa: S608 - quoted
    if runs:
        columns = ", ".join(f"\"{name}\": '{kind}'" for name, kind in COLUMNS.items())
        options = f"format = 'newline_delimited', union_by_name = true, ignore_errors = true, columns = {{{columns}}}"
        files = ", ".join(f"'{quoted(Path(glob.escape(str(root.absolute())), glob.escape(run), 'records.jsonl'))}'" for run in runs)
        parts.append(f'SELECT * FROM read_json([{files}], {options}) WHERE "key" IS NOT NULL')  # noqa: S608 - paths, quoted
    return f"CREATE VIEW records AS {' UNION ALL BY NAME '.join(parts)}" if parts else empty_sql()


def quoted_text(text: str) -> str:
    """Write text inside quotes of SQL."""
    return text.replace("'", "''")


def empty_sql() -> str:
    """Write an empty view with the same columns, for a store without any record."""
    columns = ", ".join(f'NULL::{kind} AS "{name}"' for name, kind in COLUMNS.items())
    return f"CREATE VIEW records AS SELECT {columns} WHERE false"


def open_store(store: str | Path | Store | None) -> Store:
    """Open what a caller means by a store."""
    if isinstance(store, Store):
        return store
    url = None if store is None else str(store)
    text, found = address(url, os.environ), Store(locate(url, os.environ))
    if is_remote(text):
        from assay.results.storage.mirror import pull
        from assay.results.storage.open import open_shelf

        found.root.mkdir(parents=True, exist_ok=True)
        pull(open_shelf(text), found)
    return found


def rows_of(run: RunDir) -> list[dict[str, Any]]:
    """Give one run's records with their cases' parameters."""
    try:
        records, _ = read_records(run)
    except StoreError:
        records = list(judged(run).records)
    params = params_of(run)
    return [row(record, params) for record in records]


def row(record: Record, params: Mapping[str, str]) -> dict[str, Any]:
    """Give one record as a row."""
    return record.as_dict() | {"params": params.get(record.key, "")}


def params_of(run: RunDir) -> dict[str, str]:
    """Give the parameters of every planned case by key, as JSON text; empty where the plan cannot be read."""
    try:
        cases = run.read_json("plan.json")["cases"]
        return {case["key"]: json.dumps(case["params"], sort_keys=True) for case in cases}
    except (StoreError, KeyError, TypeError):
        return {}
