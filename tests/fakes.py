"""Hand-written stand-ins for a world and a device: ranks are threads, the device is this processor with formats of our choice."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, TypeVar

from assay.harness.errors import BrokenWorldError, NotApplicableError
from assay.harness.work import Answer, Context, Work

T = TypeVar("T")
PATIENCE = 60.0  # seconds after which a rank that never comes breaks the world instead of hanging the test


class FakeDevice:
    """A processor that claims the formats it is given."""

    def __init__(self, formats: Sequence[str] = ("fp32", "bf16"), *, kind: str = "cpu", torch_name: str = "cpu") -> None:
        """Claim ``formats`` under the name ``kind``; tensors lie on ``torch_name``."""
        self.kind, self.torch_name, self.formats = kind, torch_name, frozenset(formats)

    def timer(self) -> Mapping[str, Any]:
        """Name the clock."""
        return {"name": "fake", "resolution": 1e-9, "overhead": 0.0}

    def time(
        self,
        step: Callable[[], object],
        reps: Sequence[int],
        *,
        before: Callable[[int], None] | None = None,
        after: Callable[[int], None] | None = None,
    ) -> list[float]:
        """Time each repetition."""
        seconds = []
        for i in reps:
            if before:
                before(i)
            start = perf_counter()
            step()
            seconds.append(perf_counter() - start)
            if after:
                after(i)
        return seconds

    def sync(self) -> None:
        """Do nothing: calls have ended when they return."""

    def facts(self) -> Mapping[str, Any]:
        """Describe nothing that exists."""
        return {"kind": self.kind, "memory_nbytes": 1 << 30}


@dataclass
class Meeting:
    """What the threads of one fake world share."""

    size: int
    slots: list[Any] = field(init=False)
    door: threading.Barrier = field(init=False)

    def __post_init__(self) -> None:
        """Make one slot a rank."""
        self.slots = [None] * self.size
        self.door = threading.Barrier(self.size)


class FakeWorld:
    """One rank of a world whose ranks are threads; alone, a world of one."""

    def __init__(self, rank: int = 0, meeting: Meeting | None = None) -> None:
        """Join ``meeting`` as ``rank``."""
        self._meeting = meeting or Meeting(1)
        self.rank, self.size = rank, self._meeting.size

    def barrier(self) -> None:
        """Wait for all; BrokenWorldError if one never comes."""
        try:
            self._meeting.door.wait(PATIENCE)
        except threading.BrokenBarrierError as error:
            message = "a rank did not come"
            raise BrokenWorldError(message) from error

    def allgather(self, value: T) -> list[T]:
        """Exchange one value a rank."""
        self._meeting.slots[self.rank] = value
        self.barrier()
        everyone = list(self._meeting.slots)
        self.barrier()
        return everyone

    def bcast(self, value: T, root: int = 0) -> T:
        """Take the root's value."""
        return self.allgather(value)[root]

    def gather(self, value: T) -> list[T] | None:
        """Give rank 0 everybody's value."""
        everyone = self.allgather(value)
        return everyone if self.rank == 0 else None

    def agree(self, value: int, *, seconds: float) -> list[int]:
        """Exchange small integers; the deadline is the barrier's own."""
        assert seconds > 0
        return self.allgather(value)

    def communicator(self) -> Any:
        """Refuse: threads are no MPI."""
        message = "this fake world has no MPI"
        raise NotApplicableError(message)

    def abort(self, code: int) -> None:
        """End the world for every rank."""
        self._meeting.door.abort()
        raise SystemExit(code)

    def close(self) -> None:
        """Leave nothing behind."""

    def library(self) -> str:
        """Say that there is none."""
        return "none: threads"


def context(formats: Sequence[str] = ("fp32", "bf16"), *, kind: str = "cpu") -> Context:
    """Make the context of a single rank."""
    return Context(FakeWorld(), FakeDevice(formats, kind=kind))


def on_ranks(size: int, action: Callable[[Context], T], formats: Sequence[str] = ("fp32", "bf16")) -> list[T]:
    """Run ``action`` on ``size`` ranks as threads and give their results by rank; the first error of any rank is raised."""
    meeting, results, errors = Meeting(size), [None] * size, []

    def rank(number: int) -> None:
        try:
            results[number] = action(Context(FakeWorld(number, meeting), FakeDevice(formats)))  # type: ignore[call-overload]
        except BaseException as error:  # noqa: BLE001 - handed to the test that waits
            errors.append(error)
            meeting.door.abort()

    threads = [threading.Thread(target=rank, args=(number,), daemon=True) for number in range(size)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(2 * PATIENCE)
        assert not thread.is_alive(), "a rank hangs"
    if errors:
        raise errors[0]
    return results  # type: ignore[return-value]


def run_once(work: Work, repetition: int = 0) -> Answer:
    """Do what the harness does for one checked step: fresh data, poisoned answer, one step, check."""
    if work.refresh:
        work.refresh(repetition)
    if work.result:
        poison(work.result())
    work.step()
    return work.check()


def poison(result: Any) -> None:
    """Fill a live answer with bytes 0xFF."""
    if hasattr(result, "data_ptr"):
        import torch

        result.view(torch.uint8).fill_(0xFF)
    else:
        result.view("u1").fill(0xFF)
