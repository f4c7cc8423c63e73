"""A directory of immutable runs: made, listed, found by name, tagged, pruned. Standard library only, so listing is quick."""

from __future__ import annotations

import contextlib
import difflib
import fcntl
import getpass
import json
import os
import re
import secrets
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from assay.harness.errors import RefusalError, StoreError
from assay.harness.rundir import RunDir, write_atomic

ID = re.compile(r"\d{8}-\d{6}-\d{3}-[0-9a-f]{6}")
TAG = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
LATEST = re.compile(r"latest(?:~(\d+))?")
TRIES = 20


@dataclass(frozen=True)
class RunInfo:
    """One line of the list: ``status`` is that of ``run.json``, or ``incomplete`` (its door is dead) or ``unreadable``."""

    id: str
    status: str
    started: str = ""
    plan: str = ""
    session: str = ""
    nranks: int = 0
    exit_code: int | None = None
    hw_class: str = ""
    inject: bool = False
    summary: Mapping[str, Any] | None = None

    def as_dict(self) -> dict[str, Any]:
        """Give plain JSON types."""
        return asdict(self)

    def line(self) -> str:
        """Say it in one line."""
        counts = self.summary or {}
        measured = f"{counts.get('measured')}/{counts.get('planned')} measured, {counts.get('verdict')}" if counts else "not judged"
        planted = ", planted fault" if self.inject else ""
        code = "" if self.exit_code is None else f", exit {self.exit_code}"
        return f"{self.plan or '(no plan)':12} {self.nranks} ranks  {measured}{code}{planted}"


@dataclass(frozen=True)
class Tag:
    """A name for runs: who gave it, when."""

    name: str
    runs: tuple[str, ...]
    who: str
    when: str


@dataclass(frozen=True)
class Pruned:
    """One run to remove, with its size in bytes."""

    id: str
    nbytes: int


def locate(url: str | None, environ: Mapping[str, str]) -> Path:
    """Find the store: ``url`` (store.url), else ``ASSAY_STORE``, else ./runs. RefusalError for anything but a folder."""
    text = url or environ.get("ASSAY_STORE") or "runs"
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]*)://", text)
    if scheme and scheme.group(1) != "file":
        where = "store.url" if url else "ASSAY_STORE"
        message = f"{scheme.group(1)} stores are not built yet"
        raise RefusalError(message, value=text, where=where, fix="Name a folder.")
    return Path(text.removeprefix("file://")).expanduser()


@dataclass(frozen=True)
class Store:
    """The folder that holds the runs."""

    root: Path

    def create(self, now: datetime | None = None) -> RunDir:
        """Make a run directory with a fresh id; StoreError if the store cannot be written."""
        error: OSError | None = None
        for _ in range(TRIES):
            moment = (now or datetime.now(UTC)).astimezone(UTC)
            name = f"{moment:%Y%m%d-%H%M%S}-{moment.microsecond // 1000:03d}-{secrets.token_hex(3)}"
            try:
                self.root.mkdir(parents=True, exist_ok=True)
                (self.root / name).mkdir()
                return RunDir(self.root / name)
            except FileExistsError as taken:
                error = taken
                if not self.root.is_dir():
                    break
            except OSError as other:
                error = other
                break
        message = f"cannot write to the store {self.root}: {error.strerror if error else 'no free name'}. Choose another (store.url=DIR or ASSAY_STORE)"
        raise StoreError(message)

    def ids(self) -> list[str]:
        """List the ids, oldest first."""
        try:
            return sorted(entry.name for entry in os.scandir(self.root) if ID.fullmatch(entry.name))
        except FileNotFoundError:
            return []
        except OSError as error:
            message = f"cannot read the store {self.root}: {error.strerror}"
            raise StoreError(message) from error

    def runs(self) -> list[RunInfo]:
        """List the runs, oldest first; one that cannot be read is listed as such, never hidden."""
        return [self.info(name) for name in self.ids()]

    def info(self, name: str) -> RunInfo:
        """Read one run's line."""
        path = self.root / name
        try:
            data = json.loads((path / "run.json").read_bytes())
            status = str(data["status"])
        except (OSError, ValueError, KeyError, TypeError):
            return RunInfo(name, "running" if alive(path) else "unreadable")
        if status == "running" and not alive(path):
            status = "incomplete"
        known = {field: data[field] for field in RunInfo.__dataclass_fields__ if field in data and field not in ("id", "status")}
        return RunInfo(name, status, **known)

    def resolve(self, text: str) -> list[RunDir]:
        """Find runs by id, unique prefix, tag, ``latest`` or ``latest~N`` (of any status), or several joined by commas.

        RefusalError lists close matches of an unknown name, and the candidates of an ambiguous one.
        """
        found: list[str] = []
        for part in text.split(","):
            found += [name for name in self.one(part.strip()) if name not in found]
        return [RunDir(self.root / name) for name in found]

    def one(self, text: str) -> list[str]:
        """Find the ids that one name stands for."""
        ids = self.ids()
        latest = LATEST.fullmatch(text)
        if latest:
            back = int(latest.group(1) or 0)
            if back < len(ids):
                return [ids[-1 - back]]
            message = f"the store {self.root} holds {len(ids)} runs"
            raise RefusalError(message, value=text, where="RUN", fix="assay runs lists them.")
        tags = {tag.name: tag for tag in self.tags()}
        if text in tags:
            gone = [name for name in tags[text].runs if name not in ids]
            if gone:
                message = f"the tag names a run that is gone: {gone[0]}"
                raise RefusalError(message, value=text, where="RUN", fix="Tag other runs with --force.")
            return list(tags[text].runs)
        fitting = [name for name in ids if text and name.startswith(text)]
        if len(fitting) == 1:
            return fitting
        if fitting:
            message = f"fits {len(fitting)} runs: {', '.join(fitting[:5])}{' ...' if len(fitting) > 5 else ''}"  # noqa: PLR2004 - a line's worth
            raise RefusalError(message, value=text, where="RUN", fix="Give more of the id.")
        near = difflib.get_close_matches(text, [*tags, *ids], n=2)
        message = f"no run of the store {self.root} has this name"
        raise RefusalError(message, value=text, where="RUN", fix=f"Did you mean {' or '.join(near)}?" if near else "assay runs lists them.")

    def tag(self, runs: Sequence[str], name: str, *, force: bool = False) -> Tag:
        """Give runs a name; RefusalError for a name that reads like something else, or is taken."""
        if not TAG.fullmatch(name) or LATEST.fullmatch(name):
            message = "is no name for a tag"
            raise RefusalError(
                message, value=name, where="NAME", fix="Begin with a letter; letters, digits, dot, dash, underscore; not latest."
            )
        taken = next((tag for tag in self.tags() if tag.name == name), None)
        if taken and not force:
            message = f"is taken by {', '.join(taken.runs)}"
            raise RefusalError(message, value=name, where="NAME", fix="Choose another, or move it with --force.")
        (self.root / "tags").mkdir(exist_ok=True)
        made = Tag(name, tuple(runs), who(), datetime.now(UTC).isoformat(timespec="seconds"))
        write_atomic(self.root / "tags" / f"{name}.json", json.dumps(asdict(made), indent=1) + "\n")
        return made

    def tags(self) -> list[Tag]:
        """List the tags by name; one that cannot be read is passed over."""
        found = []
        for path in sorted((self.root / "tags").glob("*.json")):
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
                data = json.loads(path.read_bytes())
                found.append(Tag(data["name"], tuple(data["runs"]), data.get("who", ""), data.get("when", "")))
        return found

    def prune(self, *, keep: int | None, older_than_days: float | None, dry_run: bool = True, now: datetime | None = None) -> list[Pruned]:
        """Remove old runs, or only say which: never a tagged or a running one, never the newest ``keep``."""
        tagged = {name for tag in self.tags() for name in tag.runs}
        ids = self.ids()
        kept = set(ids[len(ids) - keep :]) if keep else set()
        limit = None if older_than_days is None else (now or datetime.now(UTC)) - timedelta(days=older_than_days)
        removed = []
        for name in ids:
            young = limit is not None and born(name) > limit
            if name in tagged or name in kept or young or alive(self.root / name):
                continue
            removed.append(Pruned(name, size_of(self.root / name)))
            if not dry_run:
                shutil.rmtree(self.root / name)
        return removed


def born(name: str) -> datetime:
    """Read the time of birth from an id."""
    return datetime.strptime(name[:15], "%Y%m%d-%H%M%S").replace(tzinfo=UTC)


def who() -> str:
    """Name the user; a uid without a name stays a number."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def size_of(path: Path) -> int:
    """Add up the bytes below a folder."""
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


def alive(path: Path) -> bool:
    """Tell whether a door still holds the run's lock."""
    try:
        with (path / "door.lock").open("r") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False
