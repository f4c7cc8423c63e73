"""What a product's bits depend on besides its operands: hashes of results are compared only where all of it is the same.

cuBLAS promises equal bits from run to run for one version of the toolkit on GPUs of one architecture and the same number of SMs; on a CPU
the instruction set that the library picks decides the order of addition, and so does the number of threads.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assay.suites.numerics.probes.named import Opened

# Variables by which a library is told to use less than the processor has; nothing else of the environment is read.
ISA_SETTINGS = (
    "ONEDNN_MAX_CPU_ISA",
    "DNNL_MAX_CPU_ISA",
    "ATEN_CPU_CAPABILITY",
    "MKL_ENABLE_INSTRUCTIONS",
    "MKL_CBWR",
    "NPY_DISABLE_CPU_FEATURES",
)
ISA_FLAGS = re.compile(r"avx|amx|sse4|fma|sve|asimd|bf16")


def key_of(opened: Opened, facts: Mapping[str, Any], *, device: str, operands: str) -> dict[str, str]:
    """Give the key of a result: architecture, units, driver, library, kernel, instruction set, and the hash of the operands.

    An emulated unit has the same bits everywhere: its key is what it is.
    """
    common = {"unit": opened.what, "formats": f"{opened.a.name}x{opened.b.name}", "operands": operands[:16]}
    if opened.emulated:
        return common
    return common | (accelerator(facts, device) if device != "cpu" else processor())


def processor() -> dict[str, str]:
    """Describe the CPU, the libraries that multiply on it, and the instructions that they may use."""
    import torch

    build = torch.__config__.show()
    libraries = re.findall(r"(?:Intel\(R\) (?:oneAPI Math Kernel Library|MKL-DNN)|OpenBLAS) (?:Version |v)?([\w.]+)", build)
    settings = [f"{name}={os.environ[name]}" for name in ISA_SETTINGS if name in os.environ]
    return {
        "architecture": model(),
        "library": f"torch {torch.__version__} {' '.join(libraries)}".strip(),
        "isa": " ".join([torch.backends.cpu.get_cpu_capability(), *flags(), *settings]),
        "threads": str(torch.get_num_threads()),
    }


def accelerator(facts: Mapping[str, Any], device: str) -> dict[str, str]:
    """Describe a GPU: its chip, how many multiprocessors it has (a slice of one has fewer), driver and libraries."""
    import torch

    properties: Any = torch.get_device_module(device.partition(":")[0]).get_device_properties(device)
    chip = str(getattr(properties, "gcnArchName", "")) or f"sm_{getattr(properties, 'major', '')}{getattr(properties, 'minor', '')}"
    return {
        "architecture": f"{facts.get('name', '')} {chip}".strip(),
        "units": str(getattr(properties, "multi_processor_count", "")),
        "driver": str(facts.get("driver") or driver()),
        "library": f"torch {torch.__version__} {facts.get('runtime', '')}".strip(),
    }


def driver() -> str:
    """Read the version of NVIDIA's driver where the device does not tell it."""
    return lines("/proc/driver/nvidia/version", r"Kernel Module.*?\s(\d+\.[\d.]+)")


def model() -> str:
    """Name the processor as Linux names it."""
    return lines("/proc/cpuinfo", r"^model name\s*:\s*(.+)$")


def flags() -> list[str]:
    """List what the processor says it has, as far as it can change sums."""
    return sorted(flag for flag in lines("/proc/cpuinfo", r"^(?:flags|Features)\s*:\s*(.+)$").split() if ISA_FLAGS.search(flag))


def lines(path: str, wanted: str) -> str:
    """Find a line of a file of the system; empty where it is not."""
    try:
        found = re.search(wanted, Path(path).read_text(encoding="utf-8", errors="replace"), re.MULTILINE)
    except OSError:
        return ""
    return found.group(1).strip() if found else ""


def kernel_of(compute: Any, device: str) -> str:
    """Name the kernels that a GPU ran for one product, by torch's profiler; empty where it cannot tell."""
    import torch
    from torch.profiler import ProfilerActivity, profile

    try:
        with profile(activities=[ProfilerActivity.CUDA]) as seen:
            compute()
            torch.get_device_module(device.partition(":")[0]).synchronize()
        return ", ".join(sorted({event.name for event in seen.events() if "memcpy" not in event.name.lower()}))
    except (RuntimeError, AttributeError, AssertionError):
        return ""
