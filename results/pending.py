"""Copies that a run still has to go into: one small file each, written before the copying begins and taken away when it is done."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from assay.harness.errors import StoreError
from assay.harness.rundir import write_atomic

FOLDER = "pending"


@dataclass(frozen=True)
class Pending:
    """One copy that is to be made.

    Attributes:
        run: its id.
        to: the copy as the configuration names it (``env:NAME`` stays that, so no password is kept); ``store`` for the store's own address.
        since: UTC, ISO 8601.
        why: what went wrong the last time; empty while nothing did, or where the process was ended in the middle.
        problem: why this note itself cannot be read.

    """

    run: str
    to: str
    since: str = ""
    why: str = ""
    problem: str = ""


def place(root: Path, run: str, to: str) -> Path:
    """Name the note of one run and one copy: the same two always share one, however often it is written."""
    return root / FOLDER / f"{run}~{hashlib.sha256(to.encode()).hexdigest()[:16]}.json"


def note(root: Path, run: str, to: str, *, why: str = "") -> None:
    """Write down that a copy is to be made, or why it was not; the first time stays. StoreError if it cannot be written."""
    path = place(root, run, to)
    since = read_one(path).since or datetime.now(UTC).isoformat(timespec="seconds")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, json.dumps(asdict(Pending(run, to, since, why)), indent=1) + "\n")
    except OSError as error:
        message = f"cannot write {path}: {error.strerror}"
        raise StoreError(message) from error


def clear(root: Path, runs: Iterable[str], to: str) -> None:
    """Take notes away: these copies are made."""
    for run in runs:
        place(root, run, to).unlink(missing_ok=True)


def read(root: Path) -> list[Pending]:
    """List every copy that is to be made, oldest run first."""
    folder = root / FOLDER
    return [read_one(path) for path in sorted(folder.glob("*.json"))] if folder.is_dir() else []


def read_one(path: Path) -> Pending:
    """Read one note; never raises: one that is damaged still names its run."""
    run = path.name.partition("~")[0]
    try:
        data = json.loads(path.read_bytes())
        return Pending(run, str(data["to"]), str(data["since"]), str(data["why"]))
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        return Pending(run, "", problem=f"{path} cannot be read: {error}")
