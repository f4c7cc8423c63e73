"""How steps on an accelerator are timed: events, graph replay, CUPTI's kernel records, or the host's clock; burst or sustained.

In a burst (the default) every repetition finds a cold cache, and a pause between them may be asked for. Sustained, steps run back to
back with nothing between them, so that clocks and temperature settle; caches are then as the step itself leaves them, unless it uses
several sets of operands in turn (``rotation.py``). How long it takes to settle is the warm-up's business, since all ranks must agree on
the number of steps.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Mapping
from statistics import median
from time import get_clock_info, perf_counter
from typing import TYPE_CHECKING, Any

from assay.harness.errors import NotApplicableError

if TYPE_CHECKING:
    from assay.harness.device.accelerator import Accelerator

Hook = Callable[[int], None] | None
EVENT_RESOLUTION = 0.5e-6  # seconds: CUDA runtime API, cudaEventElapsedTime


class Stopwatch:
    """Times steps by one method; the methods differ in how one repetition is made and measured."""

    name, resolution = "", 0.0

    def __init__(self, device: Accelerator, timing: Mapping[str, Any]) -> None:
        """Take the device, and of ``timing`` the mode and ``pace_seconds``."""
        self.device, self.sustained = device, timing.get("mode") == "sustained"
        self.pace_seconds = float(timing.get("pace_seconds", 0.0))

    def timer(self) -> Mapping[str, Any]:
        """Name the clock; its overhead is the median time of an empty step, in seconds."""
        empty = [self.one(lambda: None) for _ in range(20)]
        how = ", back to back" if self.sustained else ", L2 flushed before each step"
        paced = f", {self.pace_seconds:g} s apart" if self.pace_seconds else ""
        return {"name": self.name + how + paced, "resolution": self.resolution, "overhead": median(empty)}

    def time(self, step: Callable[[], object], reps: range, *, before: Hook = None, after: Hook = None) -> list[float]:
        """Time each repetition of ``step`` in seconds; hooks stay outside the timed part."""
        run = self.ready(step)
        if self.sustained and before is None and after is None:
            return self.many(run, len(reps))
        seconds = []
        for i in reps:
            if self.pace_seconds:
                time.sleep(self.pace_seconds)
            if before is not None:
                before(i)
            if not self.sustained:
                self.device.flush.zero_()
            seconds.append(self.one(run))
            if after is not None:
                after(i)
        return seconds

    def many(self, step: Callable[[], object], count: int) -> list[float]:
        """Make repetitions back to back; a method that has to wait for the device between them does."""
        return [self.one(step) for _ in range(count)]

    def ready(self, step: Callable[[], object]) -> Callable[[], object]:
        """Make of a step what is repeated."""
        return step

    def one(self, step: Callable[[], object]) -> float:
        """Make one repetition and give its seconds."""
        raise NotImplementedError


class Events(Stopwatch):
    """Two events around the step on the current stream."""

    resolution = EVENT_RESOLUTION

    @property
    def name(self) -> str:  # type: ignore[override]
        """Say whose events they are."""
        return f"{getattr(self.device.module, '__name__', 'device').rpartition('.')[2]} events"

    def one(self, step: Callable[[], object]) -> float:
        """Time between the events: what the device did, the launch included only where the device waits for it."""
        event = self.device.module.Event
        start, end = event(enable_timing=True), event(enable_timing=True)
        start.record()
        step()
        end.record()
        end.synchronize()
        return float(start.elapsed_time(end)) / 1e3

    def many(self, step: Callable[[], object], count: int) -> list[float]:
        """Give the device all repetitions before waiting for the last one, so that it never idles between them."""
        marks = [self.device.module.Event(enable_timing=True) for _ in range(count + 1)]
        marks[0].record()
        for mark in marks[1:]:
            step()
            mark.record()
        marks[-1].synchronize()
        return [float(start.elapsed_time(end)) / 1e3 for start, end in itertools.pairwise(marks)]


class Graph(Events):
    """The step is captured once a block and replayed between events: no launch of single kernels is left in the time."""

    @property
    def name(self) -> str:  # type: ignore[override]
        """Say that a graph is replayed."""
        return f"{super().name} around a graph's replay"

    def ready(self, step: Callable[[], object]) -> Callable[[], object]:
        """Capture the step; NotApplicableError for one that cannot be (it waits for the host, or allocates)."""
        module = self.device.module
        graph = module.CUDAGraph()
        module.synchronize(self.device.index)
        try:
            with module.graph(graph):
                step()
        except RuntimeError as error:
            message = f"timer.method=graph: this step cannot be captured: {error}"
            raise NotApplicableError(message) from error
        replay: Callable[[], object] = graph.replay
        return replay


class Host(Stopwatch):
    """The host's monotonic clock, the device waited for before and after: launch and waiting are part of the time."""

    name = "time.perf_counter around a synchronised step"
    resolution = get_clock_info("perf_counter").resolution

    def one(self, step: Callable[[], object]) -> float:
        """Time from an idle device to an idle device."""
        wait = self.device.module.synchronize
        wait(self.device.index)
        start = perf_counter()
        step()
        wait(self.device.index)
        return perf_counter() - start


class Cupti(Stopwatch):
    """From the first kernel's start to the last one's end, as CUPTI's activity records tell it (cupti-python, Activity API)."""

    name, resolution = "CUPTI kernel activity, first start to last end", 1e-9

    def __init__(self, device: Accelerator, timing: Mapping[str, Any], cupti: Any) -> None:
        """Ask CUPTI for a record of every kernel from here on."""
        super().__init__(device, timing)
        self.cupti, self.kernels = cupti, list[tuple[int, int]]()
        cupti.activity_register_callbacks(lambda: (8 << 20, 0), self.take)  # a buffer of 8 MiB, as many records as it holds
        cupti.activity_enable(cupti.ActivityKind.CONCURRENT_KERNEL)

    def take(self, activities: list[Any]) -> None:
        """Keep start and end in nanoseconds of each kernel."""
        wanted = self.cupti.ActivityKind.CONCURRENT_KERNEL
        self.kernels.extend((activity.start, activity.end) for activity in activities if activity.kind == wanted)

    def one(self, step: Callable[[], object]) -> float:
        """Time the kernels of this repetition alone: those before it, the flush's too, are handed over and forgotten first.

        NaN where no kernel was seen: such a case is an error, never a fast one.
        """
        self.hand_over()
        self.kernels.clear()
        step()
        self.hand_over()
        starts, ends = [start for start, _ in self.kernels], [end for _, end in self.kernels]
        return (max(ends) - min(starts)) / 1e9 if starts else math.nan

    def hand_over(self) -> None:
        """Wait for the device and for its records."""
        self.device.module.synchronize(self.device.index)
        self.cupti.activity_flush_all(1)


def choose(device: Accelerator, timing: Mapping[str, Any]) -> Stopwatch:
    """Give the stopwatch that ``timing["method"]`` names; NotApplicableError with the reason where it is not to be had.

    ``auto``: events where the back end has events that time, else the host's clock.
    """
    method, module = timing.get("method", "auto"), device.module
    if method == "auto":
        return (Events if times_events(module) else Host)(device, timing)
    if method == "host":
        return Host(device, timing)
    if method in ("events", "graph") and not times_events(module):
        raise NotApplicableError(missing(method, "this back end has no events that time"))
    if method == "events":
        return Events(device, timing)
    if method == "graph":
        if not (hasattr(module, "CUDAGraph") and hasattr(module, "graph")):
            raise NotApplicableError(missing(method, "this back end captures no graphs"))
        return Graph(device, timing)
    try:
        from cupti import cupti
    except ImportError as error:
        raise NotApplicableError(missing(method, f"the package cupti-python cannot be imported ({error})")) from error
    return Cupti(device, timing, cupti)


def missing(method: str, why: str) -> str:
    """Say in one sentence why a method is not to be had."""
    return f"timer.method={method} is not to be had: {why}"


def times_events(module: Any) -> bool:
    """Tell whether a back end's events can tell elapsed time."""
    try:
        return hasattr(module.Event(enable_timing=True), "elapsed_time")
    except (AttributeError, TypeError, RuntimeError):
        return False
