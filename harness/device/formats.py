"""Which number formats a device has a matrix unit for, and how that is known."""

from __future__ import annotations

from typing import Any

FP8_CAPABILITY = (8, 9)  # Ada is the first NVIDIA generation whose tensor cores take FP8
# MI300 (CDNA 3) and MI350 (CDNA 4) have FP8 matrix cores; MI200 (gfx90a) has none (AMD's ISA documents).
FP8_ARCHITECTURES = ("gfx940", "gfx941", "gfx942", "gfx950")


def formats_of(kind: str, torch_name: str, torch: Any, properties: Any) -> tuple[frozenset[str], str]:
    """Give the formats and how they are known: from the chip's generation (cuda, HIP) or by trying each of them (all others)."""
    if kind == "cuda" and getattr(torch.version, "hip", None):
        architecture = str(getattr(properties, "gcnArchName", "")).split(":")[0]
        return known(architecture in FP8_ARCHITECTURES), f"architecture {architecture}"
    if kind == "cuda":
        capability = (properties.major, properties.minor)
        return known(capability >= FP8_CAPABILITY), f"compute capability {capability[0]}.{capability[1]}"
    return frozenset(name for name, tries in TRIES.items() if works(tries, torch, torch_name)), "each format was tried"


def known(fp8: bool) -> frozenset[str]:  # noqa: FBT001 - the only thing that differs
    """Give the formats of a chip that has or lacks FP8."""
    return frozenset({"fp32", "bf16"} | ({"fp8"} if fp8 else set()))


def works(tries: Any, torch: Any, torch_name: str) -> bool:
    """Tell whether a product of that format comes out; whatever it raises is a no."""
    try:
        return bool(tries(torch, torch_name))
    except Exception:  # noqa: BLE001 - back ends refuse formats in every way there is
        return False


def product(torch: Any, torch_name: str, dtype: Any) -> bool:
    """Multiply matrices of ones: every element of the product is the inner dimension."""
    a = torch.ones((16, 16), dtype=dtype, device=torch_name)
    return float((a @ a).float().sum().item()) == 16.0**3


def scaled_product(torch: Any, torch_name: str) -> bool:
    """Multiply FP8 matrices of ones through torch's scaled product."""
    a = torch.ones((16, 16), device=torch_name).to(torch.float8_e4m3fn)
    one = torch.ones((), dtype=torch.float32, device=torch_name)
    c = torch._scaled_mm(a, a.t(), scale_a=one, scale_b=one, out_dtype=torch.bfloat16)  # noqa: SLF001 - it has no public name
    return float(c.float().sum().item()) == 16.0**3


TRIES = {
    "fp32": lambda torch, name: product(torch, name, torch.float32),
    "bf16": lambda torch, name: product(torch, name, torch.bfloat16),
    "fp8": scaled_product,
}
