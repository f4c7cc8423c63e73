"""Records of many runs as tables: pandas for a notebook, SQL in place through DuckDB."""

from __future__ import annotations

import glob
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.harness.errors import StoreError
from assay.harness.rundir import RunDir
from assay.results.compacted import Compacted, compacted, quoted
from assay.results.document import judged
from assay.results.record import read_records
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
MANY = 20


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
    chosen = list(dict.fromkeys(found))
    # Fewer files are read sooner than DuckDB is loaded.
    here = [run.id for run in chosen if run.path == opened.root / run.id] if len(chosen) >= MANY else []
    ready = compacted(opened.root, here).rows(list(COLUMNS)) if here else {}
    rows = [row for run in chosen for row in rows_of(run, ready.get(run.id) if run.path == opened.root / run.id else None)]
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
    ids = store.ids()
    ready = compacted(store.root, ids)
    known = set(ready.runs)
    others = [run for run in ids if run not in known and (store.root / run / "records.jsonl").is_file()]
    return record_view(store.root, others, ready=ready)


def record_view(root: Path, runs: Sequence[str], *, ready: Compacted) -> str:
    """Write a view over the files of some runs, and over what is compacted of others."""
    parts = []
    if ready.file is not None and ready.runs:
        names = ", ".join(f"'{quoted_text(run)}'" for run in ready.runs)
        parts.append(f"SELECT * FROM read_parquet('{quoted(ready.file)}') WHERE run IN ({names})")  # noqa: S608 - quoted
    if runs:
        parts.append(f'SELECT * FROM {lines_sql(root, runs)} WHERE "key" IS NOT NULL')  # noqa: S608 - paths, quoted
    return f"CREATE VIEW records AS {' UNION ALL BY NAME '.join(parts) or empty_select()}"


def lines_sql(root: Path, runs: Sequence[str], *, filename: bool = False) -> str:
    """Write the table of the lines of some runs; a line that cannot be read is left out."""
    columns = ", ".join(f"\"{name}\": '{kind}'" for name, kind in COLUMNS.items())
    options = f"format = 'newline_delimited', union_by_name = true, ignore_errors = true, columns = {{{columns}}}"
    files = ", ".join(f"'{quoted(Path(glob.escape(str(root.absolute())), glob.escape(run), 'records.jsonl'))}'" for run in runs)
    return f"read_json([{files}], {options}{', filename = true' if filename else ''})"


def quoted_text(text: str) -> str:
    """Write text inside quotes of SQL."""
    return text.replace("'", "''")


def empty_select() -> str:
    """Select nothing, with the same columns, for a store without any record."""
    columns = ", ".join(f'NULL::{kind} AS "{name}"' for name, kind in COLUMNS.items())
    return f"SELECT {columns} WHERE false"


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


def rows_of(run: RunDir, ready: Sequence[tuple[Any, ...]] | None) -> list[dict[str, Any]]:
    """Give one run's records with their cases' parameters; ``ready`` are its compacted rows, None where there are none."""
    if ready is not None:
        records = [named | {"flags": named["flags"] or []} for named in (dict(zip(COLUMNS, one, strict=True)) for one in ready)]
    else:
        try:
            records = [record.as_dict() for record in read_records(run)[0]]
        except StoreError:
            records = [record.as_dict() for record in judged(run).records]
    params = params_of(run)
    return [record | {"params": params.get(record["key"], "")} for record in records]


def params_of(run: RunDir) -> dict[str, str]:
    """Give the parameters of every planned case by key, as JSON text; empty where the plan cannot be read."""
    try:
        cases = run.read_json("plan.json")["cases"]
        return {case["key"]: json.dumps(case["params"], sort_keys=True) for case in cases}
    except (StoreError, KeyError, TypeError):
        return {}
