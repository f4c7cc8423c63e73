"""Tensors from files: .npy, .npz, .safetensors, .pt. Nothing is unpickled that could run code, and what cannot be meant is refused."""

from __future__ import annotations

import functools
import hashlib
import importlib
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.harness.errors import RefusalError

if TYPE_CHECKING:
    import torch

SUFFIXES = (".npy", ".npz", ".safetensors", ".pt", ".pth")
NUMBERS = ("float16", "bfloat16", "float32", "float64")
SHOWN = 8  # names that a message lists
LONGEST = 200  # letters of a library's error
AGAIN = "It is damaged, or it holds Python objects, which are never unpickled. Save the bare tensor again (numpy.save)."
BROKEN = (OSError, ValueError, RuntimeError, EOFError, KeyError, TypeError, pickle.UnpicklingError, zipfile.BadZipFile)


def refused(path: str, message: str, fix: str, value: object = None) -> RefusalError:
    """Say what is wrong with a file."""
    return RefusalError(f"{path} {message}", value=value, where="data", fix=fix)


def said(error: Exception) -> str:
    """Give the first line of a library's error, without what could drive a terminal; torch's own advice about pickles is left out."""
    if isinstance(error, pickle.UnpicklingError):
        return "it holds pickled objects that are neither tensors nor plain containers"
    first = (str(error).strip() or type(error).__name__).splitlines()[0]
    return "".join(letter for letter in first if letter.isprintable())[:LONGEST]


def digest_of(path: str) -> str:
    """Give the first 16 hexadecimal digits of a file's SHA-256; RefusalError if it cannot be read."""
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:16]
    except OSError as error:
        message = f"cannot be read: {error.strerror}"
        raise refused(path, message, f"Give a file of numbers: {', '.join(SUFFIXES)}.") from error


@functools.lru_cache(maxsize=1)
def load(path: str, key: str, digest: str) -> tuple[torch.Tensor, str]:
    """Give a file's numbers as float32, rows x the last axis, and in words what they were.

    Args:
        path: the file.
        key: name of the tensor, for files that hold several.
        digest: what `digest_of` the file must give; empty: whatever it holds now.

    RefusalError names the file, what is wrong with it and the way out: unknown suffix, damaged file, pickled objects, no such key, a dtype
    that is no float of 16 bits or more, nothing in it, NaN or infinity in it, zeros only.

    """
    import torch

    if digest and digest_of(path) != digest:
        message = "is not the file that was planned: its contents have changed"
        raise refused(path, message, "Start again.", digest)
    found = chosen(read(path), key, path)
    kind = str(found.dtype).removeprefix("torch.")
    if kind not in NUMBERS or found.layout != torch.strided:
        message = "holds no plain floating-point numbers of 16 bits or more"
        raise refused(path, message, f"Convert it to one of {', '.join(NUMBERS)}.", kind)
    if not found.numel():
        message = "holds no numbers"
        raise refused(path, message, "Give a tensor with at least one.", tuple(found.shape))
    single = found.detach().float()
    refuse_unusable(single, path)
    shape = "x".join(map(str, found.shape)) or "one number"
    rounded = ", rounded to float32" if found.dtype == torch.float64 else ""
    return single.reshape(-1, single.shape[-1] if single.ndim else 1), f"{shape} {kind}{rounded}"


def refuse_unusable(values: torch.Tensor, path: str) -> None:
    """Refuse NaN and infinity, naming the first, and zeros only: no relative error of them has a meaning."""
    bad = (~values.isfinite()).nonzero()
    if len(bad):
        where = bad[0].tolist()
        message = f"holds {len(bad)} of {values.numel()} numbers that are NaN or infinite in float32, first at {where}"
        fix = "Replace them first (numpy.nan_to_num); one spoils its whole block in every scaled format."
        raise refused(path, message, fix, float(values[tuple(where)]))
    if not bool(values.any()):
        message = "holds zeros only: relative errors have no meaning"
        raise refused(path, message, "Give a tensor with other numbers too.")


def read(path: str) -> Any:
    """Give what a file holds: one tensor, or tensors by name."""
    suffix = Path(path).suffix
    if suffix not in SUFFIXES:
        message = "is no kind of file that is read"
        raise refused(path, message, f"Use one of {', '.join(SUFFIXES)}.", suffix or Path(path).name)
    try:
        if suffix in {".npy", ".npz"}:
            return from_numpy(path)
        return from_safetensors(path) if suffix == ".safetensors" else from_torch(path)
    except BROKEN as error:
        message = f"cannot be read as {suffix}: {said(error)}"
        raise refused(path, message, AGAIN) from error


def from_numpy(path: str) -> Any:
    """Read .npy and .npz; object arrays raise ValueError."""
    import numpy as np

    with Path(path).open("rb") as file:  # opened here: numpy leaves a damaged one open
        found = np.load(file, allow_pickle=False)
        return as_tensor(found, path) if isinstance(found, np.ndarray) else Arrays(path, found.files)


class Arrays(Mapping[str, Any]):
    """The arrays of an .npz; each is read when it is asked for."""

    def __init__(self, path: str, names: list[str]) -> None:
        """Remember the names."""
        self.path, self.names = path, names

    def __getitem__(self, name: str) -> Any:
        """Read one."""
        import numpy as np

        with Path(self.path).open("rb") as file:
            return as_tensor(np.load(file, allow_pickle=False)[name], self.path)

    def __iter__(self) -> Any:
        """Give the names."""
        return iter(self.names)

    def __len__(self) -> int:
        """Count them."""
        return len(self.names)


def as_tensor(array: Any, path: str) -> torch.Tensor:
    """Make a tensor of an array in whatever byte order; RefusalError for what torch has no dtype for."""
    import torch

    try:
        return torch.from_numpy(array.astype(array.dtype.newbyteorder("="), copy=True))
    except TypeError as error:
        message = "holds no plain numbers"
        raise refused(path, message, f"Convert it to one of {', '.join(NUMBERS)}.", str(array.dtype)) from error


def from_safetensors(path: str) -> Any:
    """Read .safetensors, where the package is installed."""
    try:
        package = importlib.import_module("safetensors.torch")
    except ImportError as error:
        message = "cannot be read: safetensors is not installed"
        raise refused(path, message, "pip install safetensors, or save the tensor with numpy.save.") from error
    return package.load_file(path)


def from_torch(path: str) -> Any:
    """Read .pt with torch's restricted unpickler, which makes tensors and plain containers only."""
    import torch

    return torch.load(path, map_location="cpu", weights_only=True)


def chosen(held: Any, key: str, path: str) -> torch.Tensor:
    """Take the tensor that is meant."""
    import torch

    if isinstance(held, torch.Tensor):
        if key:
            message = "holds one tensor without a name"
            raise refused(path, message, "Leave --key out.", key)
        return held
    names = [name for name in held if isinstance(name, str)] if isinstance(held, Mapping) else []
    if not names:
        message = "holds neither a tensor nor tensors by name"
        raise refused(path, message, "Save the bare tensor.", type(held).__name__)
    listed = ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
    if not key and len(names) > 1:
        message = f"holds {len(names)} tensors"
        raise refused(path, message, f"Choose one with --key: {listed}.")
    name = key or names[0]
    if name not in names:
        message = "holds no tensor of this name"
        raise refused(path, message, f"There are {listed}.", name)
    try:
        found = held[name]
    except BROKEN as error:
        message = f"holds {name}, which cannot be read: {said(error)}"
        raise refused(path, message, AGAIN) from error
    if not isinstance(found, torch.Tensor):
        message = f"holds {name}, which is no tensor"
        raise refused(path, message, "Save the bare tensor.", type(found).__name__)
    return found
