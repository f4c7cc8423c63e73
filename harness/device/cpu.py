"""The processor as a device, timed by the host's monotonic clock."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from statistics import median
from time import get_clock_info, perf_counter
from typing import Any

import psutil


class CpuDevice:
    """The host's processor: FP32 and BF16 run everywhere, FP8 has no unit here (it is emulated, so it has no peak)."""

    kind = "cpu"
    torch_name = "cpu"
    formats = frozenset({"fp32", "bf16"})

    def timer(self) -> Mapping[str, Any]:
        """Name the clock; its overhead is the median time of an empty step, in seconds."""
        empty = self.time(lambda: None, range(1000))
        return {"name": "time.perf_counter", "resolution": get_clock_info("perf_counter").resolution, "overhead": median(empty)}

    def time(
        self,
        step: Callable[[], object],
        reps: range,
        *,
        before: Callable[[int], None] | None = None,
        after: Callable[[int], None] | None = None,
    ) -> list[float]:
        """Time each repetition of ``step`` in seconds; hooks stay outside the timed part."""
        clock = perf_counter
        seconds: list[float] = []
        append = seconds.append
        if before is None and after is None:  # the tightest loop there is, for back-to-back blocks
            for _ in reps:
                start = clock()
                step()
                append(clock() - start)
            return seconds
        enter, leave = before or ignore, after or ignore
        for i in reps:
            enter(i)
            start = clock()
            step()
            append(clock() - start)
            leave(i)
        return seconds

    def sync(self) -> None:
        """Do nothing: calls on the host have ended when they return."""

    def facts(self) -> Mapping[str, Any]:
        """Describe what this rank may use of the processor."""
        return {
            "kind": self.kind,
            "cores": sorted(os.sched_getaffinity(0)),
            "memory_nbytes": psutil.virtual_memory().total,
            "threads": os.environ.get("OMP_NUM_THREADS", ""),
        }


def ignore(_repetition: int) -> None:
    """Stand in for a hook that is not wanted."""
