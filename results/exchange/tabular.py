"""Figures as a table: CSV, or Parquet through DuckDB."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from assay.results.frames import COLUMNS
from assay.results.record import Record

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
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def write_parquet(records: Sequence[Record], path: Path) -> None:
    """Write every record to a Parquet file (zstd), types as in ``frames.COLUMNS``."""
    import duckdb

    columns = ", ".join(f'"{name}" {kind}' for name, kind in COLUMNS.items())
    marks = ", ".join("?" for _ in COLUMNS)
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE records ({columns})")
        if records:
            rows = [[record.as_dict()[name] for name in COLUMNS] for record in records]
            connection.executemany(f"INSERT INTO records VALUES ({marks})", rows)  # noqa: S608 - question marks
        connection.table("records").to_parquet(str(path), compression="zstd")
