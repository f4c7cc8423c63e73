"""Reading what ``assay compact`` wrote: figures of runs whose files have not changed since. What is in doubt is read from the runs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER, INDEX = "compact", "index.json"


def stamp(path: Path) -> list[int] | None:
    """Give size and time of a file of records, which change whenever it does; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return [found.st_size, found.st_mtime_ns]


@dataclass(frozen=True)
class Compacted:
    """The Parquet file, None where nothing is to be had, and the runs whose figures it holds as they are now, in the order asked for."""

    file: Path | None = None
    runs: tuple[str, ...] = ()

    def rows(self, columns: Sequence[str], *, metric: str | None = None) -> dict[str, list[tuple[Any, ...]]]:
        """Give the rows of each of the runs, in the order of its lines, no marks as None; empty where DuckDB cannot read the file."""
        if self.file is None or not self.runs:
            return {}
        import duckdb

        # Most lists of marks are empty, and a list costs as much as all other columns together: those come as None.
        names = ", ".join(f'"{name}"' if name != "flags" else "nullif(flags, [])" for name in columns)
        sql = f"SELECT run, {names} FROM read_parquet('{quoted(self.file)}')" + (" WHERE metric = ?" if metric is not None else "")  # noqa: S608 - quoted
        found: dict[str, list[tuple[Any, ...]]] = {run: [] for run in self.runs}
        try:
            with duckdb.connect() as connection:
                for run, *row in connection.execute(sql, [] if metric is None else [metric]).fetchall():
                    if run in found:
                        found[run].append(tuple(row))
        except duckdb.Error:
            return {}
        return found


def compacted(root: Path, runs: Iterable[str]) -> Compacted:
    """Find what of some runs is compacted and unchanged: by the hash of the Parquet file, and by size and time of each run's own."""
    try:
        index = json.loads((root / FOLDER / INDEX).read_bytes())
        name, mark, stamps = str(index["file"]), index["sha256"], dict(index["runs"])
        file = root / FOLDER / name
        if Path(name).name != name or sha256(file) != mark:
            return Compacted()
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return Compacted()
    return Compacted(file, tuple(run for run in runs if run in stamps and stamp(root / run / "records.jsonl") == stamps[run]))


def sha256(path: Path) -> str:
    """Hash a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def quoted(path: Path) -> str:
    """Write a path inside quotes of SQL."""
    return str(path.absolute()).replace("'", "''")
