"""Any accelerator that torch knows (cuda with HIP, xpu, npu, PrivateUse1), through ``torch.get_device_module``.

Not yet run on a GPU: see docs/measured. The torch module is a parameter, so that a hand-written fake can stand in for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from assay.harness.device.formats import formats_of
from assay.harness.device.nearness import numa_node, pci_address
from assay.harness.device.stopwatch import Stopwatch, choose
from assay.harness.errors import NotApplicableError, RefusalError

# Names under which torch's back ends tell the size of the last cache before memory; 128 MiB where none does.
CACHE_NAMES = ("L2_cache_size", "l2_cache_size", "last_level_cache_size")
CACHE_NBYTES = 128 << 20
PROBE_COUNT = 1 << 16


@dataclass(frozen=True)
class Accelerator:
    """What a stopwatch needs of a device: torch, its module for this kind, the index, and the buffer that empties the cache."""

    torch: Any
    module: Any
    index: int
    flush: Any


class AcceleratorDevice:
    """Device ``index`` among those that this process sees."""

    def __init__(self, kind: str, index: int, torch: ModuleType, *, timing: Mapping[str, Any] | None = None) -> None:
        """Select the device.

        NotApplicableError if torch sees no device of this kind or the asked way of timing is not to be had; RefusalError if there is no
        device of that index.
        """
        module = module_of(kind, torch)
        if module is None or not module.is_available():
            message = f"device={kind}, but torch sees no such device (assay doctor says more)"
            raise NotApplicableError(message)
        if index >= module.device_count():
            message = f"local rank {index} has no device of its own"
            fix = "Start at most one rank a device."
            raise RefusalError(message, value=module.device_count(), where="site.ranks_per_node", fix=fix)
        self.kind, self.index, self.torch, self.module, self.torch_name = kind, index, torch, module, f"{kind}:{index}"
        module.set_device(index)
        self.properties = module.get_device_properties(index)
        self.formats, self.formats_by = formats_of(kind, self.torch_name, torch, self.properties)
        cache = next((size for name in CACHE_NAMES if (size := getattr(self.properties, name, 0))), CACHE_NBYTES)
        # Twice the cache, so that a step finds nothing of the step before in it.
        flush = torch.empty(2 * cache, dtype=torch.uint8, device=self.torch_name)
        self.accelerator = Accelerator(torch, module, index, flush)
        self.stopwatch: Stopwatch = choose(self.accelerator, timing or {})

    def timed_by(self, timing: Mapping[str, Any]) -> Stopwatch:
        """Give the stopwatch that a case asks for; NotApplicableError with its reason where this device cannot have it."""
        return choose(self.accelerator, timing)

    def timer(self) -> Mapping[str, Any]:
        """Name the clock, with resolution and overhead in seconds."""
        return self.stopwatch.timer()

    def time(
        self,
        step: Callable[[], object],
        reps: range,
        *,
        before: Callable[[int], None] | None = None,
        after: Callable[[int], None] | None = None,
    ) -> list[float]:
        """Time each repetition in seconds, with a cold cache."""
        return self.stopwatch.time(step, reps, before=before, after=after)

    def sync(self) -> None:
        """Wait for the device."""
        self.module.synchronize(self.index)

    def free_nbytes(self) -> int | None:
        """Tell the bytes of device memory that are free for anybody; None where this back end cannot say."""
        ask = getattr(self.module, "mem_get_info", None)
        if ask is None:
            return None
        empty = getattr(self.module, "empty_cache", None)
        if empty is not None:
            empty()  # what torch keeps for later is not lost
        return int(ask(self.index)[0])

    def probe(self) -> str:
        """Allocate, compute something whose answer is known, and look at it; gives what is wrong, empty if nothing is.

        The sum of 3 i + 1 over i < n is 3 n (n - 1) / 2 + n, exact in 64-bit integers.
        """
        try:
            numbers = self.torch.arange(PROBE_COUNT, dtype=self.torch.int64, device=self.torch_name)
            got = int((numbers * 3 + 1).sum().item())
            self.sync()
        except Exception as error:  # noqa: BLE001 - whatever a sick device raises is its answer
            return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
        wanted = 3 * PROBE_COUNT * (PROBE_COUNT - 1) // 2 + PROBE_COUNT
        return "" if got == wanted else f"it computed {got} where {wanted} is right"

    def facts(self) -> Mapping[str, Any]:
        """Describe the device; what the back end does not tell is empty."""
        pci = pci_address(self.properties)
        version = getattr(self.torch, "version", None)
        return {
            "kind": self.kind,
            "name": str(getattr(self.properties, "name", "")),
            "memory_nbytes": int(getattr(self.properties, "total_memory", 0)),
            "uuid": str(getattr(self.properties, "uuid", "")),
            "pci": pci,
            "numa": numa_node(pci),
            "index": self.index,
            "driver": str(getattr(self.properties, "driver_version", "")),
            "runtime": next((str(text) for name in ("cuda", "hip", self.kind) if (text := getattr(version, name, None))), ""),
            "formats": sorted(self.formats),
            "formats_by": self.formats_by,
        }


def module_of(kind: str, torch: Any) -> Any:
    """Find torch's module for a kind of device (``torch.cuda``, ``torch.xpu``, a PrivateUse1's own); None if it has none."""
    try:
        return torch.get_device_module(kind)
    except (RuntimeError, AttributeError):  # an unknown kind; one whose package is not installed
        return None
