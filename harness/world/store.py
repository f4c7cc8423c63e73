"""The control world over torch's TCP store, for images without MPI: ranks that torchrun started."""

from __future__ import annotations

import contextlib
import os
import pickle
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, TypeVar

from assay.harness.errors import BrokenWorldError, NotApplicableError, RefusalError

T = TypeVar("T")
# Waits are cut into slices: between two of them a signal gets through, and a rank that ended the world is noticed.
SLICE = timedelta(seconds=1)
START_SECONDS = 120.0
FAREWELL_SECONDS = 10.0
LIBRARY = "none: control world over torch's TCP store"
NEEDED = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


class StoreWorld:
    """All ranks that share one key-value store.

    Every operation has a number of its own, equal on all ranks, because all of them make the same calls in the same order; barriers,
    objects and agreements are counted apart, since a rank in trouble agrees while others are still in a barrier. A key goes when everybody
    must have read it, so the store does not grow. Objects travel pickled: whoever can reach the store's port can run code here, exactly as
    with MPI's own ports, so both belong to the job's network alone.
    """

    def __init__(self, store: Any, *, rank: int, size: int, seconds: float = START_SECONDS) -> None:
        """Join; RefusalError if not all ranks come within ``seconds``.

        Args:
            store: a ``torch.distributed`` store that all ranks reach.
            rank: this rank's number.
            size: how many ranks were announced.
            seconds: patience with ranks that start slowly.

        """
        from torch.distributed import PrefixStore  # type: ignore[attr-defined] # public, and missing in its stubs

        self.rank, self.size = rank, size
        # A second program of the same ranks finds the first one's store: each joining of all of them is an epoch of its own.
        epoch = (store.add("assay/joined", 1) - 1) // size
        self._store: Any = PrefixStore(f"assay/{epoch}", store)
        self._barriers, self._objects, self._agreements = 0, 0, 0
        self._mine: list[str] = []
        try:
            self.agree(0, seconds=seconds)
        except BrokenWorldError as error:
            message = f"{size} ranks are announced, and not all of them came up within {seconds:g} s"
            raise RefusalError(message, value=size, where="WORLD_SIZE", fix="Start as many ranks as torchrun announces.") from error

    def barrier(self) -> None:
        """Align the ranks: everybody counts itself, and the last one opens the door for all."""
        self._barriers += 1
        key = f"b{self._barriers}"
        if self._asked(lambda: self._store.add(key, 1)) == self.size:
            self._set(f"{key}/open", b"1")
            if self._barriers > 1:  # all are here, so nobody is in the one before
                self._delete(f"b{self._barriers - 1}", f"b{self._barriers - 1}/open")
        else:
            self._wait([f"{key}/open"])

    def bcast(self, value: T, root: int = 0) -> T:
        """Give every rank what ``root`` has."""
        self._objects += 1
        key = f"o{self._objects}"
        if self.rank == root:
            self._give(key, value)
            return value
        result: T = self._take(key)
        return result

    def gather(self, value: T) -> list[T] | None:
        """Give rank 0 everybody's value."""
        self._objects += 1
        if self.rank:
            self._give(f"o{self._objects}/{self.rank}", value)
            return None
        return [value, *(self._take(f"o{self._objects}/{rank}") for rank in range(1, self.size))]

    def allgather(self, value: T) -> list[T]:
        """Give everybody everybody's value."""
        self._objects += 1
        before, self._mine = self._mine, []
        self._give(f"o{self._objects}/{self.rank}", value)
        found = [value if rank == self.rank else self._take(f"o{self._objects}/{rank}") for rank in range(self.size)]
        self._delete(*before)  # everybody is here, so everybody has read what came before
        return found

    def agree(self, value: int, *, seconds: float) -> list[int]:
        """Exchange one small integer a rank; BrokenWorldError if somebody stays away for ``seconds``."""
        self._agreements += 1
        before, self._mine = self._mine, []
        keys = [f"a{self._agreements}/{rank}" for rank in range(self.size)]
        self._set(keys[self.rank], str(value).encode())
        self._mine.append(keys[self.rank])
        self._wait(keys, seconds=seconds)
        found = [int(self._asked(lambda key=key: self._store.get(key))) for key in keys]  # type: ignore[misc]
        self._delete(*before)
        return found

    def communicator(self) -> Any:
        """Refuse: there is no MPI in this world."""
        message = "these ranks were started without MPI (torchrun); use another transport, or launch=mpiexec"
        raise NotApplicableError(message)

    def abort(self, code: int) -> None:
        """End every rank with ``code``: the others see the mark, or their launcher ends them."""
        try:
            self._store.set("abort", str(code))
        finally:
            os._exit(code)

    def close(self) -> None:
        """Take leave; rank 0 goes last, since the store may live in it."""
        self._set(f"bye/{self.rank}", b"1")
        if self.rank == 0:
            with contextlib.suppress(BrokenWorldError):  # whoever is gone already needs no store any more
                self._wait([f"bye/{rank}" for rank in range(self.size)], seconds=FAREWELL_SECONDS)

    def library(self) -> str:
        """Say that there is no MPI, and what stands in its place."""
        return LIBRARY

    def _give(self, key: str, value: object) -> None:
        """Put an object under a key of this rank's own."""
        self._set(key, pickle.dumps(value))
        self._mine.append(key)

    def _take(self, key: str) -> Any:
        """Wait for an object of another rank."""
        self._wait([key])
        return pickle.loads(self._asked(lambda: self._store.get(key)))  # noqa: S301 - from a rank of this job, see the class

    def _set(self, key: str, value: bytes) -> None:
        self._asked(lambda: self._store.set(key, value))

    def _delete(self, *keys: str) -> None:
        for key in keys:
            self._asked(lambda key=key: self._store.delete_key(key))  # type: ignore[misc]

    def _wait(self, keys: list[str], *, seconds: float = float("inf")) -> None:
        """Wait until all keys are there; BrokenWorldError after ``seconds``, the end of this rank if somebody ended the world."""
        import torch.distributed as dist

        deadline = time.monotonic() + seconds
        while True:
            left = max(deadline - time.monotonic(), 0.001)
            try:
                self._asked(lambda left=left: self._store.wait(keys, min(SLICE, timedelta(seconds=min(left, 60.0)))))  # type: ignore[misc]
            except dist.DistStoreError as error:
                if self._asked(lambda: self._store.check(["abort"])):
                    os._exit(int(self._store.get("abort")))
                if time.monotonic() >= deadline:
                    message = f"no agreement between ranks within {seconds:g} s"
                    raise BrokenWorldError(message) from error
            else:
                return

    def _asked(self, call: Callable[[], Any]) -> Any:
        """Talk to the store; BrokenWorldError if it is gone."""
        import torch.distributed as dist

        try:
            return call()
        except dist.DistNetworkError as error:
            message = f"the store that the ranks meet in is gone: {str(error).splitlines()[0]}"
            raise BrokenWorldError(message) from error


def join(environ: Mapping[str, str], *, seconds: float = START_SECONDS) -> StoreWorld:
    """Join the ranks that torchrun started, through its own store (``torch.distributed``'s env rendezvous).

    RefusalError names the variable that is missing, or the store's address if nobody answers there.
    """
    import torch.distributed as dist
    from torch.distributed import rendezvous  # type: ignore[attr-defined] # public, and missing in its stubs

    missing = [name for name in NEEDED if not environ.get(name)]
    if missing:
        message = f"torchrun announces ranks, but {', '.join(missing)} is not set"
        raise RefusalError(message, where=missing[0], fix="Start through torchrun --no-python assay run ...")
    rank, size = int(environ["RANK"]), int(environ["WORLD_SIZE"])
    try:
        store, _, _ = next(rendezvous("env://", rank, size, timeout=timedelta(seconds=seconds)))
    except (dist.DistError, ValueError, OSError) as error:
        where = f"{environ['MASTER_ADDR']}:{environ['MASTER_PORT']}"
        message = f"no store answers there: {str(error).splitlines()[0]}"
        raise RefusalError(message, value=where, where="MASTER_ADDR", fix="Let torchrun set it, or name the host of rank 0.") from error
    return StoreWorld(store, rank=rank, size=size, seconds=seconds)
