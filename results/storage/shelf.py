"""A copy of a store elsewhere: what it must be able to do, and what a run is there."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from assay.harness.errors import StoreError
from assay.harness.rundir import RunDir

# What only the machine that measures needs: its lock, and heartbeats that are memory-mapped while ranks live.
LOCAL = ("door.lock", "beats")


class Shelf(Protocol):
    """A place that holds whole runs under their ids. A run is there entirely or not at all, whoever else writes at the same time."""

    url: str

    def digests(self) -> dict[str, str]:
        """Give the digest of every run by id."""
        ...

    def put(self, run: str, files: Mapping[str, bytes]) -> None:
        """Put a run there; the same run again changes nothing, another state of it takes its place."""
        ...

    def get(self, run: str) -> dict[str, bytes]:
        """Give a run's files by their path inside it; StoreError if it is not there."""
        ...

    def tags(self) -> dict[str, bytes]:
        """Give the files of all tags by name."""
        ...

    def put_tag(self, name: str, content: bytes) -> None:
        """Put a tag there."""
        ...


def files_of(run: RunDir) -> dict[str, bytes]:
    """Read all files of a run; StoreError names one that cannot be read."""
    found = {}
    try:
        for path in sorted(run.path.rglob("*")):
            inside = path.relative_to(run.path)
            if inside.parts[0] not in LOCAL and path.is_file() and not path.is_symlink():
                found[inside.as_posix()] = path.read_bytes()
    except OSError as error:
        message = f"cannot read {error.filename}: {error.strerror}"
        raise StoreError(message) from error
    return found


def digest(files: Mapping[str, bytes]) -> str:
    """Hash paths and contents (SHA-256): two states of a run have different digests."""
    whole = hashlib.sha256()
    for name in sorted(files):
        whole.update(f"{len(name.encode())}:{name}:{len(files[name])}:".encode())
        whole.update(hashlib.sha256(files[name]).digest())
    return whole.hexdigest()


def safe(name: str) -> bool:
    """Tell whether a path from a copy stays inside its run."""
    path = Path(name)
    return bool(name) and not path.is_absolute() and ".." not in path.parts and "\0" not in name
