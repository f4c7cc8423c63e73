"""Object stores that are not here, as fsspec shows them: flat names, no folders, whole objects; each scheme a class of its own."""

from __future__ import annotations

from typing import Any, ClassVar

from fsspec import AbstractFileSystem


class Flat(AbstractFileSystem):  # type: ignore[misc] - fsspec ships no annotations
    """Objects by their full name. What a bucket cannot do (append, rename, folders) is not there."""

    blobs: ClassVar[dict[str, bytes]] = {}

    def ls(self, path: str, detail: bool = True, **_: Any) -> list[Any]:  # noqa: FBT001, FBT002 - fsspec's own signature
        """List one level; FileNotFoundError where no object's name begins so, as a bucket has no empty folder."""
        folder = self._strip_protocol(path).rstrip("/")
        found = {}
        for name, content in self.blobs.items():
            if name == folder:
                found[name] = {"name": name, "size": len(content), "type": "file"}
            elif name.startswith(f"{folder}/"):
                first, more, _rest = name[len(folder) + 1 :].partition("/")
                whole = f"{folder}/{first}"
                found[whole] = {"name": whole, "size": 0 if more else len(content), "type": "directory" if more else "file"}
        if not found:
            raise FileNotFoundError(path)
        return list(found.values()) if detail else list(found)

    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **_: Any) -> None:  # noqa: ARG002 - fsspec's own signature
        """Put one object."""
        self.blobs[self._strip_protocol(path)] = bytes(value)

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **_: Any) -> bytes:
        """Get one object."""
        try:
            return self.blobs[self._strip_protocol(path)][start:end]
        except KeyError:
            raise FileNotFoundError(path) from None

    def rm_file(self, path: str) -> None:
        """Delete one object."""
        if self.blobs.pop(self._strip_protocol(path), None) is None:
            raise FileNotFoundError(path)


class Gs(Flat):
    """In the place of gcsfs."""

    protocol = ("gs", "gcs")
    blobs: ClassVar[dict[str, bytes]] = {}


class Abfs(Flat):
    """In the place of adlfs."""

    protocol = ("abfs", "az")
    blobs: ClassVar[dict[str, bytes]] = {}
