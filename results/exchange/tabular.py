"""Figures as a table: CSV, or Parquet through DuckDB."""

from __future__ import annotations

import csv
import io
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

from assay.harness.errors import StoreError
from assay.results.compacted import quoted
from assay.results.frames import COLUMNS
from assay.results.record import Record

OBJECT = 1 << 30  # bytes of one record's line at most; DuckDB stops at 16 MiB by itself
# A spreadsheet takes a cell that begins so for a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write_csv(records: Sequence[Record]) -> str:
    """Write every field of every record; numbers with all their digits, text that a spreadsheet would run is quoted with an apostrophe."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    for record in records:
        row = record.as_dict() | {"flags": "; ".join(record.flags)}
        writer.writerow([shown(row[name]) for name in COLUMNS])
    return file.getvalue()


def shown(value: object) -> object:
    """Write one cell."""
    if value is None:
        return ""
    value = storable(value)
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def storable(value: object) -> object:
    """Give a field as UTF-8 can hold it: half a surrogate pair, which JSON can smuggle in, becomes its escape."""
    if isinstance(value, list):
        return [storable(one) for one in value]
    return value.encode(errors="backslashreplace").decode() if isinstance(value, str) else value


def write_parquet(records: Sequence[Record], path: Path) -> None:
    """Write every record to a Parquet file (zstd), types as in ``frames.COLUMNS``, whole or not at all.

    OSError for a folder that is not there, StoreError for what DuckDB cannot write.
    """
    import duckdb

    columns = "{" + ", ".join(f"'{name}': '{kind}'" for name, kind in COLUMNS.items()) + "}"
    with tempfile.TemporaryDirectory() as aside, tempfile.TemporaryDirectory(prefix=".assay-", dir=path.parent) as beside:
        rows, made = Path(aside) / "rows.jsonl", Path(beside) / "made.parquet"
        lines = [json.dumps({name: storable(value) for name, value in record.as_dict().items()}) for record in records]
        rows.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
        source = f"read_json('{quoted(rows)}', columns={columns}, format='newline_delimited', maximum_object_size={OBJECT})"
        try:
            with duckdb.connect() as connection:
                connection.execute("SET preserve_insertion_order = true")
                target = f"'{quoted(made)}' (FORMAT parquet, COMPRESSION zstd)"
                connection.execute(f"COPY (SELECT * FROM {source}) TO {target}")  # noqa: S608 - paths, quoted
        except duckdb.Error as error:
            message = f"cannot write {path}: {error}"
            raise StoreError(message) from error
        made.replace(path)
