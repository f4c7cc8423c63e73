"""Real matrix units as black boxes: what torch multiplies with, by device and format, named by the API that is called."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assay.harness.errors import NotApplicableError, RefusalError
from assay.suites.numerics.absent import unsupported
from assay.suites.numerics.formats.format import FORMATS, Format
from assay.suites.numerics.probes.box import Gemm

if TYPE_CHECKING:
    import torch

# Operands in, once; what comes out computes their product each time it is called, where the device is, as a float32 tensor.
Bind = Callable[[Any, Any], Callable[[], Any]]
PLAIN = {"fp32": "float32", "tf32": "float32", "bf16": "bfloat16", "fp16": "float16"}
SCALED = ("e4m3", "e5m2", "e4m3fnuz", "e5m2fnuz")


@dataclass(frozen=True)
class Real:
    """One way to multiply on a real device.

    Attributes:
        bind: puts operands, float32 arrays of numbers of the formats, on the device and gives the product of them.
        a: format of A.
        b: format of B.
        api: what is called, with its options: the same GPU has several units, and an API is no unit.
        out: format that results come in.

    """

    bind: Bind
    a: Format
    b: Format
    api: str
    out: str

    @property
    def gemm(self) -> Gemm:
        """The black box: arrays in, float32 array out."""
        return lambda left, right: self.bind(left, right)().cpu().numpy()


def real_unit(device: str, a: str, b: str, *, fast: bool = True) -> Real:
    """Give the black box of torch on ``cpu`` or ``cuda`` for operands of two formats.

    ``fast``: FP8 on CUDA with ``use_fast_accum`` (the raw unit), else with whatever promotion the library does.
    NotApplicableError where torch or the device has no such product; RefusalError for formats that cannot meet.
    """
    if a in PLAIN and a == b:
        return plain(device, a)
    if a in SCALED and b in SCALED:
        return scaled(device, a, b, fast=fast)
    message = "torch multiplies two operands of one of fp32, tf32, bf16, fp16, or two of FP8 formats"
    raise RefusalError(message, value=f"{a} x {b}", where="format", fix=f"Choose from {', '.join((*PLAIN, *SCALED))}.")


def plain(device: str, name: str) -> Real:
    """Give torch.mm; results are float32 where the device gives them so, else of the operands' format."""
    import torch

    if name == "tf32" and device == "cpu":
        message = "no CPU multiplies in TF32"
        raise NotApplicableError(message)
    dtype = getattr(torch, PLAIN[name])
    wide = name in {"fp32", "tf32"} or takes_out_dtype(device, dtype)
    out = "fp32" if wide else name

    def multiply(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        if name in {"fp32", "tf32"}:
            with matmul_precision("tf32" if name == "tf32" else "ieee", device):
                return left @ right
        return torch.mm(left, right, out_dtype=torch.float32) if wide else left @ right

    api = f"torch.mm {name}" + ("" if name in {"fp32", "tf32"} else f", {'out_dtype=fp32' if wide else f'{name} results'}")
    return Real(on_device(multiply, device, (dtype, dtype)), FORMATS[name], FORMATS[name], f"{api} on {device}", out)


def takes_out_dtype(device: str, dtype: torch.dtype) -> bool:
    """Tell whether torch.mm gives float32 results of 16-bit operands here."""
    import torch

    one = torch.ones(16, 16, dtype=dtype, device=device)
    try:
        return bool(torch.mm(one, one, out_dtype=torch.float32).dtype == torch.float32)
    except (RuntimeError, TypeError, NotImplementedError):
        return False


class matmul_precision:  # noqa: N801 - reads as a function in a with statement
    """Set how float32 products are computed, and set it back."""

    def __init__(self, precision: str, device: str) -> None:
        """Take ``ieee`` or ``tf32``."""
        self.wanted, self.device = precision == "tf32", device

    def __enter__(self) -> None:
        """Set it."""
        import torch

        self.before = torch.backends.cuda.matmul.allow_tf32
        if self.device == "cuda":
            torch.backends.cuda.matmul.allow_tf32 = self.wanted

    def __exit__(self, *_: object) -> None:
        """Set it back."""
        import torch

        if self.device == "cuda":
            torch.backends.cuda.matmul.allow_tf32 = self.before


def scaled(device: str, a: str, b: str, *, fast: bool) -> Real:
    """Give the FP8 product with one scale of 1 for each operand, float32 results."""
    import torch
    from torch.nn import functional

    dtypes = tuple(getattr(torch, FORMATS[name].torch) for name in (a, b))
    use_fast = fast and device == "cuda"
    one = torch.ones((), device=device)
    if hasattr(functional, "scaled_mm"):
        tensorwise = functional.ScalingType.TensorWise
        api = "torch.nn.functional.scaled_mm, tensorwise"

        def multiply(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
            column = right.t().contiguous().t()  # Hopper takes B column-major only
            found: torch.Tensor = functional.scaled_mm(
                left, column, one, tensorwise, one, tensorwise, output_dtype=torch.float32, use_fast_accum=use_fast
            )
            return found
    elif hasattr(torch, "_scaled_mm"):
        api = "torch._scaled_mm, tensorwise"

        def multiply(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
            column = right.t().contiguous().t()
            found: torch.Tensor = torch._scaled_mm(left, column, scale_a=one, scale_b=one, out_dtype=torch.float32, use_fast_accum=use_fast)  # noqa: SLF001 - what exists before 2.10
            return found
    else:
        message = f"torch {torch.__version__} has no scaled product"
        raise NotApplicableError(message)
    bind = on_device(multiply, device, dtypes)
    try:
        import numpy as np

        bind(np.ones((16, 32), dtype=np.float32), np.ones((32, 16), dtype=np.float32))()
    except (RuntimeError, ValueError, NotImplementedError) as error:
        if not unsupported(error) and "could not create a primitive" not in str(error):
            raise
        message = f"torch {torch.__version__} has no FP8 product on this {device}: {str(error).splitlines()[0]}"
        raise NotApplicableError(message) from error
    accumulation = f", use_fast_accum={use_fast}" if device == "cuda" else ""
    return Real(bind, FORMATS[a], FORMATS[b], f"{api}{accumulation} on {device}", "fp32")


def on_device(multiply: Callable[[torch.Tensor, torch.Tensor], torch.Tensor], device: str, dtypes: tuple[torch.dtype, torch.dtype]) -> Bind:
    """Bind a product of tensors to a device: numbers in, which the formats hold exactly, float32 out."""
    import torch

    def bind(left: Any, right: Any) -> Callable[[], Any]:
        a, b = (torch.from_numpy(x).to(device).to(dtype) for x, dtype in zip((left, right), dtypes, strict=True))
        return lambda: multiply(a, b).float()

    return bind
