"""Any number of runs as one table: pandas for scripts, DuckDB for SQL over the files where they lie."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.harness.errors import StoreError
from assay.results.record import read_records
from assay.results.store import Store, locate

if TYPE_CHECKING:
    import pandas as pd


def load(*runs: str, store: str | None = None) -> pd.DataFrame:
    """Give the records of the named runs (all of the store if none is named), one row a record.

    Columns are the fields of ``results.record.Record`` plus ``params`` (a dictionary). RefusalError for a name that is none.
    """
    import pandas as pd

    place = Store(locate(store, os.environ))
    chosen = [run for name in runs or place.ids() for run in place.resolve(name)]
    rows: list[dict[str, Any]] = []
    for run in chosen:
        try:
            records, _ = read_records(run)
            params = {case["key"]: case["params"] for case in run.read_json("plan.json")["cases"]}
        except StoreError:
            continue  # a run that never got so far has no records
        rows += [record.as_dict() | {"params": params.get(record.key, {})} for record in records]
    return pd.DataFrame(rows)


def query(sql: str, *, store: str | None = None) -> pd.DataFrame:
    """Run SQL over the view ``records``, which reads every run's ``records.jsonl`` in place; a store without records has no view."""
    import duckdb

    root = Path(locate(store, os.environ))
    connection = duckdb.connect()
    files = [str(path) for path in root.glob("*/records.jsonl") if path.stat().st_size]
    if files:
        listed = ", ".join("'" + file.replace("'", "''") + "'" for file in files)
        connection.execute(f"CREATE VIEW records AS SELECT * FROM read_json([{listed}], format='newline_delimited', union_by_name=true)")
    return connection.execute(sql).df()
