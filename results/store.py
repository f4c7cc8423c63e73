"""The store: a folder of run folders. Nothing is ever rewritten by somebody else, so any number of writers may share it.

Only the standard library is imported here: listing runs must not cost a second.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

from assay.harness.errors import RefusalError, StoreError
from assay.harness.rundir import RunDir
from assay.results.made_of import left_out_of, nodes_of
from assay.results.pending import read as read_pending
from assay.results.pruning import Pruned, choose, remove, weigh
from assay.results.references import HOW, resolve_name
from assay.results.runinfo import ID, RunInfo, read_info
from assay.results.tags import Tag, read_tags, write_tag

DEFAULT = "runs"
TRIES = 100
READ_ONLY = {"", "http", "https", "github", "git", "data"}


def locate(url: str | None, environ: Mapping[str, str]) -> Path:
    """Find the store's folder: ``store.url`` if given, else ``ASSAY_STORE``, else ``./runs``.

    An object store or a database is worked on through a folder of its own in the user's cache: measuring needs a file system, and what is
    measured there is put into the copy afterwards. RefusalError for a file: address that names no folder.
    """
    text = address(url, environ)
    parts = urlsplit(text)
    if "://" not in text:
        return Path(text).expanduser()
    if parts.scheme in READ_ONLY:
        message = "is no store: nothing can be written there"
        raise RefusalError(
            message, value=text, where="store.url" if url else "ASSAY_STORE", fix="Use a folder, s3://, gs://, abfs:// or postgresql://."
        )
    if parts.scheme != "file":
        cache = environ.get("XDG_CACHE_HOME") or str(Path(environ.get("HOME") or "~").expanduser() / ".cache")
        return Path(cache) / "assay" / "stores" / hashlib.sha256(text.encode()).hexdigest()[:16]
    if parts.netloc not in {"", "localhost"} or not parts.path:
        message = "is no folder"
        raise RefusalError(message, value=text, where="store.url" if url else "ASSAY_STORE", fix="Write file:///PATH, or just the path.")
    return Path(unquote(parts.path))


def address(url: str | None, environ: Mapping[str, str]) -> str:
    """Give the store that is meant, as it was written."""
    return url or environ.get("ASSAY_STORE") or DEFAULT


def is_remote(text: str) -> bool:
    """Tell whether an address means an object store or a database rather than a folder."""
    return "://" in text and urlsplit(text).scheme != "file"


def new_id(now: datetime, tail: str) -> str:
    """Make a run's id: UTC to the millisecond, and six hexadecimal digits."""
    moment = now.astimezone(UTC)
    return f"{moment:%Y%m%d-%H%M%S}-{moment.microsecond // 1000:03d}-{tail}"


@dataclass(frozen=True)
class Store:
    """One folder of runs."""

    root: Path

    def create(self, now: datetime | None = None, *, tail: Callable[[], str] = lambda: secrets.token_hex(3)) -> RunDir:
        """Make an empty run folder that no other writer has; StoreError if the store cannot be written."""
        moment = now or datetime.now(UTC)
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            for _ in range(TRIES):
                path = self.root / new_id(moment, tail())
                try:
                    path.mkdir()
                except FileExistsError:
                    continue
                return RunDir(path)
        except OSError as error:
            message = f"cannot make a run in {self.root}: {error.strerror}. {way_out(error)}"
            raise StoreError(message) from error
        message = f"cannot make a run in {self.root}: {TRIES} ids of one millisecond are taken. Try again"
        raise StoreError(message)

    def ids(self) -> list[str]:
        """List ids oldest first: every folder that is named like a run or holds a ``run.json``."""
        try:
            with os.scandir(self.root) as entries:
                names = [entry.name for entry in entries if entry.is_dir() and is_run(entry)]
        except FileNotFoundError:
            return []
        except OSError as error:
            message = f"cannot list {self.root}: {error.strerror}. {way_out(error)}"
            raise StoreError(message) from error
        # A run under a name that somebody gave it has no time in its name: such ones come first.
        return sorted(names, key=lambda name: (ID.fullmatch(name) is not None, name))

    def runs(self) -> list[RunInfo]:
        """List every run, oldest first, reading only its ``run.json``; broken ones are listed too, never hidden."""
        return [read_info(self.root / run) for run in self.ids()]

    def resolve(self, text: str) -> list[RunDir]:
        """Find the runs that a user means, in that order and each once: one name, or several joined by commas.

        A name is an id, the start of one, a tag (which may name several), ``latest`` or ``latest~N``. RefusalError for all else.
        """
        names = [name.strip() for name in text.split(",") if name.strip()]
        if not names:
            message = "names no run"
            raise RefusalError(message, value=text, where="RUN", fix=f"{HOW}.")
        ids, tags = self.ids(), {tag.name: tag.runs for tag in self.tags() if not tag.problem} | self.baselines()
        found = [run for name in names for run in resolve_name(name, ids, tags)]
        return [RunDir(self.root / run) for run in dict.fromkeys(found)]

    def baselines(self) -> dict[str, tuple[str, ...]]:
        """List the runs of every baseline's newest segment by its name, and of each segment as ``NAME@NUMBER``."""
        found: dict[str, tuple[str, ...]] = {}
        for path in sorted((self.root / "baselines").glob("*/[0-9]*.json")):
            try:
                runs = tuple(json.loads(path.read_text(encoding="utf-8"))["runs"])
            except (OSError, ValueError, KeyError, TypeError):
                continue  # assay baseline names it
            found |= {path.parent.name: runs, f"{path.parent.name}@{int(path.stem)}": runs}
        return found

    def tag(self, runs: Sequence[str], name: str, *, force: bool = False, excluded: Mapping[str, str] | None = None) -> Tag:
        """Give runs (by their ids) a name, and write down what was kept out of the set and why.

        RefusalError for an unknown id, a bad name, or one that is taken without ``force``.
        """
        unknown = sorted(set(runs) - set(self.ids()))
        if unknown:
            message = "no such run"
            raise RefusalError(message, value=unknown[0], where="RUN", fix=f"{HOW}.")
        made = [RunDir(self.root / run) for run in runs]
        made_of = {"nodes": nodes_of(made), "excluded": dict(excluded or {}), "left_out": left_out_of(made)}
        return write_tag(self.root / "tags", runs, name, force=force, **made_of)

    def tags(self) -> list[Tag]:
        """List every tag by name."""
        return read_tags(self.root / "tags")

    def prune(
        self, keep: int | None = None, older_than_days: float | None = None, *, dry_run: bool = True, now: datetime | None = None
    ) -> list[Pruned]:
        """Take old runs away, or say which would go; nothing goes while a tag cannot be read.

        Running ones stay, and those that a tag or a baseline names or that still have to go into a copy.
        """
        tags = self.tags()
        broken = next((tag for tag in tags if tag.problem), None)
        if broken is not None:
            message = f"tag {broken.name} {broken.problem}, so nobody knows which runs it keeps"
            raise StoreError(message)
        chosen = choose(
            self.runs(),
            {run for tag in tags for run in tag.runs}
            | {run for runs in self.baselines().values() for run in runs}
            | {one.run for one in read_pending(self.root)},
            keep=keep,
            older_than_days=older_than_days,
            now=now or datetime.now(UTC),
        )
        pruned = [Pruned(run, weigh(self.root / run)) for run in chosen]
        for row in [] if dry_run else pruned:
            remove(self.root / row.id)
        return pruned


def is_run(entry: os.DirEntry[str]) -> bool:
    """Tell whether a folder is a run; hidden ones are not."""
    if ID.fullmatch(entry.name):
        return True
    return (
        not entry.name.startswith(".")
        and entry.name not in {"tags", "gates", "compact", "baselines", "bridges", "known", "pending"}
        and (Path(entry.path) / "run.json").is_file()
    )


def way_out(error: OSError) -> str:
    """Say what to do about a store that cannot be used."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return "Make room (assay prune) or choose another store (store.url=DIR or ASSAY_STORE)"
    return "Choose a store that you may write (store.url=DIR or ASSAY_STORE)"
