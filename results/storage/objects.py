"""An object store or any file system that fsspec knows (s3, gs, abfs, memory, file): one object a file, and an index entry put last.

Putting an object is atomic there and nothing else is, so a run is known by its entry ``index/RUN~DIGEST``: written after all its files, and
found with a single listing. No two writers share an object: files lie under their run and digest.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from assay.harness.errors import StoreError
from assay.results.storage.shelf import digest, safe

MARK = "~"


class Objects:
    """Runs under one prefix of an fsspec file system."""

    def __init__(self, url: str, filesystem: Any, root: str) -> None:
        """Hold the file system and the prefix; nothing is asked of it yet."""
        self.url, self.fs, self.root = url, filesystem, root.rstrip("/")

    def digests(self) -> dict[str, str]:
        """List the index: of a run that is being replaced the newer entry may stand beside the older for a moment; either is whole."""
        entries = [entry.partition(MARK) for entry in sorted(self.names("index"))]
        return {run: mark for run, _, mark in entries if mark}

    def put(self, run: str, files: Mapping[str, bytes]) -> None:
        """Put files first, the entry then; older states go last."""
        mark = digest(files)
        entries = [entry for entry in self.names("index") if entry.startswith(run + MARK)]
        if f"{run}{MARK}{mark}" in entries:
            return
        with self.told("put", run):
            for name, content in files.items():
                self.pipe(f"runs/{run}/{mark}/{name}", content)
            self.pipe(f"index/{run}{MARK}{mark}", b"")
            for entry in entries:
                self.fs.rm_file(self.path(f"index/{entry}"))
                with contextlib.suppress(FileNotFoundError):
                    self.fs.rm(self.path(f"runs/{run}/{entry.split(MARK, 1)[1]}"), recursive=True)

    def get(self, run: str) -> dict[str, bytes]:
        """Read the state that the index names."""
        mark = self.digests().get(run)
        if mark is None:
            message = f"{run} is not in {self.url}"
            raise StoreError(message)
        folder = self.path(f"runs/{run}/{mark}")
        with self.told("get", run):
            paths = self.fs.find(folder)
            found = {path[len(folder) + 1 :]: bytes(self.fs.cat_file(path)) for path in paths}
        return checked(run, found, mark, self.url)

    def tags(self) -> dict[str, bytes]:
        """Read every tag."""
        with self.told("read tags of", "it"):
            return {name: bytes(self.fs.cat_file(self.path(f"tags/{name}"))) for name in self.names("tags")}

    def put_tag(self, name: str, content: bytes) -> None:
        """Put one tag."""
        with self.told("put tag", name):
            self.pipe(f"tags/{name}", content)

    def names(self, folder: str) -> list[str]:
        """List the names in a folder; one that is not there is empty."""
        with self.told("list", folder):
            self.fs.invalidate_cache()
            try:
                return [str(path).rstrip("/").rsplit("/", 1)[-1] for path in self.fs.ls(self.path(folder), detail=False)]
            except FileNotFoundError:
                return []

    def pipe(self, name: str, content: bytes) -> None:
        """Write one object."""
        path = self.path(name)
        with contextlib.suppress(FileExistsError):
            self.fs.makedirs(path.rsplit("/", 1)[0], exist_ok=True)
        self.fs.pipe_file(path, content)

    def path(self, name: str) -> str:
        """Give an object's full name."""
        return f"{self.root}/{name}"

    @contextlib.contextmanager
    def told(self, action: str, what: str) -> Any:
        """Turn whatever a file system raises into a StoreError that names the store; each library has errors of its own."""
        try:
            yield
        except StoreError:
            raise
        except Exception as error:
            message = f"cannot {action} {what} in {self.url}: {type(error).__name__}: {error}"
            raise StoreError(message) from error


def checked(run: str, found: Mapping[str, bytes], mark: str, url: str) -> dict[str, bytes]:
    """Refuse a run whose files are not those that were put there, or lie outside it."""
    strange = [name for name in found if not safe(name)]
    if strange or digest(found) != mark:
        message = f"{run} in {url} is not what was put there{f': {strange[0]!r}' if strange else ''}; push it again"
        raise StoreError(message)
    return dict(found)
