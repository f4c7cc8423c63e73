"""A team's PostgreSQL: runs as they are, and their figures as a table for SQL. One transaction a run: it is there whole or not at all."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from assay.harness.errors import StoreError
from assay.results.frames import COLUMNS
from assay.results.record import Record
from assay.results.storage.objects import checked
from assay.results.storage.shelf import digest
from assay.results.units import plain

if TYPE_CHECKING:
    import psycopg

TYPES = {"VARCHAR": "text", "DOUBLE": "double precision", "BIGINT": "bigint", "VARCHAR[]": "text[]", "BOOLEAN": "boolean"}
TABLES = f"""
CREATE TABLE IF NOT EXISTS assay_runs (id text PRIMARY KEY, digest text NOT NULL, described text NOT NULL,
  pushed timestamptz NOT NULL DEFAULT now());
CREATE TABLE IF NOT EXISTS assay_files (run text NOT NULL REFERENCES assay_runs (id) ON DELETE CASCADE, path text NOT NULL,
  content bytea NOT NULL, PRIMARY KEY (run, path));
CREATE TABLE IF NOT EXISTS assay_records ({", ".join(f'"{name}" {TYPES[kind]}' for name, kind in COLUMNS.items())},
  FOREIGN KEY (run) REFERENCES assay_runs (id) ON DELETE CASCADE);
CREATE INDEX IF NOT EXISTS assay_records_run ON assay_records (run);
CREATE INDEX IF NOT EXISTS assay_records_series ON assay_records (key, subject, metric);
CREATE TABLE IF NOT EXISTS assay_tags (name text PRIMARY KEY, content bytea NOT NULL);
"""
LOCK = 0x61737361  # of the tables' making, so that two first writers do not make them at once
SECONDS = 10


class Postgres:
    """Runs in the tables ``assay_*`` of one database."""

    def __init__(self, url: str) -> None:
        """Hold the address; nothing is asked of it yet."""
        self.address, self.url = url, hidden(url)

    @contextlib.contextmanager
    def connected(self) -> Iterator[psycopg.Connection[Any]]:
        """Give a connection in a transaction of its own; StoreError for whatever goes wrong in it, and then nothing of it remains."""
        import psycopg

        try:
            with psycopg.connect(self.address, connect_timeout=SECONDS) as connection:
                yield connection
        except psycopg.Error as error:
            message = f"{self.url}: {' '.join(str(error).split()) or type(error).__name__}"
            raise StoreError(message) from error

    def prepare(self, connection: psycopg.Connection[Any]) -> None:
        """Make the tables if they are not there."""
        if connection.execute("SELECT to_regclass('assay_tags')").fetchone() == (None,):
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
            connection.execute(TABLES)

    def digests(self) -> dict[str, str]:
        """List ids and digests."""
        with self.connected() as connection:
            self.prepare(connection)
            return dict(connection.execute("SELECT id, digest FROM assay_runs ORDER BY id").fetchall())

    def put(self, run: str, files: Mapping[str, bytes]) -> None:
        """Put a run, or its newer state, in one transaction; several writers of one run wait for each other."""
        mark = digest(files)
        with self.connected() as connection:
            self.prepare(connection)
            connection.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", (run,))
            if connection.execute("SELECT 1 FROM assay_runs WHERE id = %s AND digest = %s", (run, mark)).fetchone():
                return
            connection.execute("DELETE FROM assay_runs WHERE id = %s", (run,))
            described = plain(files.get("run.json", b"").decode("utf-8", errors="replace"))
            connection.execute("INSERT INTO assay_runs (id, digest, described) VALUES (%s, %s, %s)", (run, mark, described))
            with connection.cursor() as cursor:
                with cursor.copy("COPY assay_files (run, path, content) FROM STDIN (FORMAT BINARY)") as copy:
                    copy.set_types(["text", "text", "bytea"])
                    for path, content in files.items():
                        copy.write_row((run, path, content))
                names = ", ".join(f'"{name}"' for name in COLUMNS)
                with cursor.copy(f"COPY assay_records ({names}) FROM STDIN") as copy:
                    for row in rows_of(files.get("records.jsonl", b""), run):
                        copy.write_row(row)

    def get(self, run: str) -> dict[str, bytes]:
        """Read a run's files."""
        with self.connected() as connection:
            self.prepare(connection)
            known = connection.execute("SELECT digest FROM assay_runs WHERE id = %s", (run,)).fetchone()
            found = connection.execute("SELECT path, content FROM assay_files WHERE run = %s", (run,)).fetchall()
        if known is None:
            message = f"{run} is not in {self.url}"
            raise StoreError(message)
        return checked(run, {path: bytes(content) for path, content in found}, known[0], self.url)

    def tags(self) -> dict[str, bytes]:
        """Read every tag."""
        with self.connected() as connection:
            self.prepare(connection)
            return {name: bytes(content) for name, content in connection.execute("SELECT name, content FROM assay_tags").fetchall()}

    def put_tag(self, name: str, content: bytes) -> None:
        """Put one tag."""
        with self.connected() as connection:
            self.prepare(connection)
            text = "INSERT INTO assay_tags (name, content) VALUES (%s, %s) ON CONFLICT (name) DO UPDATE SET content = EXCLUDED.content"
            connection.execute(text, (name, content))


def rows_of(raw: bytes, run: str) -> Iterator[tuple[Any, ...]]:
    """Yield a run's figures in the order of ``COLUMNS``; a line that is no record is in the file, but not in the table."""
    for line in raw.splitlines():
        try:
            record = Record.from_dict(json.loads(line)).as_dict() | {"run": run}
        except (ValueError, RecursionError, StoreError):
            continue
        yield tuple(clean(record[name]) for name in COLUMNS)


def clean(value: Any) -> Any:
    """Take out of text what PostgreSQL cannot hold."""
    if isinstance(value, str):
        return plain(value)
    return [plain(one) for one in value] if isinstance(value, list) else value


def hidden(url: str) -> str:
    """Write an address without its password."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    return urlunsplit(parts._replace(netloc=f"{parts.username}:***@{parts.netloc.rpartition('@')[2]}"))
