"""One CUDA or HIP device through torch, timed by device events (not yet run on a GPU: see docs/measured)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import median
from types import ModuleType
from typing import Any

from assay.harness.errors import NotApplicableError, RefusalError

FP8_CAPABILITY = (8, 9)  # Ada is the first NVIDIA generation whose tensor cores take FP8


class CudaDevice:
    """Device ``index`` of this process. The torch module is a parameter, so that a hand-written fake can stand in for it."""

    kind = "cuda"

    def __init__(self, index: int, torch: ModuleType) -> None:
        """Select the device; RefusalError if this process has no device of that index."""
        if not torch.cuda.is_available():
            message = "device=cuda, but torch sees no such device (assay doctor says more)"
            raise NotApplicableError(message)
        if index >= torch.cuda.device_count():
            message = f"local rank {index} has no device of its own"
            raise RefusalError(
                message, value=torch.cuda.device_count(), where="site.ranks_per_node", fix="Start at most one rank a device."
            )
        self.torch, self.index, self.torch_name = torch, index, f"cuda:{index}"
        torch.cuda.set_device(index)
        properties = torch.cuda.get_device_properties(index)
        fp8 = {"fp8"} if (properties.major, properties.minor) >= FP8_CAPABILITY else set()
        self.formats = frozenset({"fp32", "bf16"} | fp8)
        # Twice the L2, so that a step finds nothing of the step before in it.
        self.flush = torch.empty(2 * getattr(properties, "L2_cache_size", 128 << 20), dtype=torch.uint8, device=self.torch_name)
        self.properties = properties

    def timer(self) -> Mapping[str, Any]:
        """Name the clock: events have half a microsecond of resolution (CUDA runtime API, cudaEventElapsedTime)."""
        empty = self.time(lambda: None, range(20))
        return {"name": "cuda events, L2 flushed before each step", "resolution": 0.5e-6, "overhead": median(empty)}

    def time(
        self,
        step: Callable[[], object],
        reps: range,
        *,
        before: Callable[[int], None] | None = None,
        after: Callable[[int], None] | None = None,
    ) -> list[float]:
        """Time each repetition in seconds between two events on the current stream, with a cold L2."""
        seconds = []
        for i in reps:
            if before is not None:
                before(i)
            self.flush.zero_()
            start, end = (self.torch.cuda.Event(enable_timing=True) for _ in range(2))
            start.record()
            step()
            end.record()
            end.synchronize()
            seconds.append(start.elapsed_time(end) / 1e3)
            if after is not None:
                after(i)
        return seconds

    def sync(self) -> None:
        """Wait for the device."""
        self.torch.cuda.synchronize(self.index)

    def facts(self) -> Mapping[str, Any]:
        """Describe the device."""
        return {
            "kind": self.kind,
            "name": self.properties.name,
            "memory_nbytes": self.properties.total_memory,
            "uuid": str(getattr(self.properties, "uuid", "")),
            "driver": self.torch.version.cuda or self.torch.version.hip,
        }
