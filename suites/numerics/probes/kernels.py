"""Which kernels a call really starts on a device: the same API has many, and a card is that of one of them."""

from __future__ import annotations

from collections.abc import Callable

# Of a black box: operands going over and coming back, conversions, fills. None of them multiplies.
BESIDE = ("memcpy", "memset", "elementwise", "copy_kernel", "fillfunctor")


def kernels(call: Callable[[], object]) -> tuple[str, ...]:
    """Name the kernels that a call starts on CUDA devices (torch's profiler), those that only move or convert left out; sorted."""
    import torch
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CUDA]) as seen:
        call()
        torch.cuda.synchronize()
    names = {event.name for event in seen.events() or [] if str(event.device_type).endswith("CUDA")}
    return tuple(sorted(name for name in names if not any(word in name.lower() for word in BESIDE)))


def told(call: Callable[[], object], device: str) -> str:
    """Name the kernels in one line; where they cannot be named, say why: the call is measured all the same."""
    if device != "cuda":
        return "not told: on this device the library does not say"
    try:
        return ", ".join(kernels(call)) or "not told: the profiler saw none (is CUPTI taken by another tool?)"
    except (RuntimeError, AttributeError, ImportError) as error:
        return f"not told: {error}"
