"""FP8 products of other libraries as black boxes, where they can be imported: DeepGEMM and Transformer Engine.

Called as their documents say (DeepGEMM 2: docs/API_REFERENCE.md; Transformer Engine: pytorch/cpp_extensions/gemm.py), with every scale 1,
so that what comes back is the unit's own arithmetic and the library's promotion. Neither has been run by us.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from importlib import metadata
from types import ModuleType
from typing import TYPE_CHECKING

from assay.harness.errors import NotApplicableError, RefusalError
from assay.suites.numerics.formats.format import FORMATS
from assay.suites.numerics.probes.real import Real, on_device

if TYPE_CHECKING:
    import torch

BLOCK = 128  # of K that share a scale in DeepGEMM
LIBRARIES = ("deep_gemm", "transformer_engine")
WORKSPACE_NBYTES = 32 << 20  # what cuBLASLt wants on Hopper (Transformer Engine, module/base.py)


def library_unit(name: str, device: str, a: str, b: str, *, fast: bool) -> Real:
    """Give the black box of a library; NotApplicableError where it is not here, RefusalError for formats that it does not multiply."""
    if device != "cuda":
        message = f"unit={name} multiplies on CUDA devices only, this case's device is {device}: set device=cuda"
        raise NotApplicableError(message)
    takes = {"deep_gemm": ("e4m3",), "transformer_engine": ("e4m3", "e5m2")}[name]
    for where, value in (("a", a), ("b", b)):
        if value not in takes:
            message = f"{name} takes no operand of this format"
            raise RefusalError(message, value=value, where=where, fix=f"It takes {' and '.join(takes)}.")
    multiply, api = {"deep_gemm": deep_gemm, "transformer_engine": transformer_engine}[name](a, b, fast)
    import torch

    dtypes = (getattr(torch, FORMATS[a].torch), getattr(torch, FORMATS[b].torch))
    return Real(on_device(multiply, device, dtypes), FORMATS[a], FORMATS[b], f"{api} on {device}", "fp32")


def found(name: str, module: str) -> tuple[ModuleType, str]:
    """Import a library; returns it with name and version, NotApplicableError with what went wrong."""
    try:
        return importlib.import_module(module), f"{name} {version(name)}"
    except (ImportError, OSError, RuntimeError) as error:  # built for another torch or CUDA
        message = f"{name} cannot be imported here: {error}"
        raise NotApplicableError(message) from error


def version(name: str) -> str:
    """Give a distribution's version, or a word where it does not tell."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "of an unknown version"


Multiply = Callable[["torch.Tensor", "torch.Tensor"], "torch.Tensor"]


def deep_gemm(a: str, b: str, fast: bool) -> tuple[Multiply, str]:  # noqa: ARG001, FBT001 - the same for both libraries
    """Give DeepGEMM's product with a scale for each 1x128 of both operands, which is the kernel with float32 results."""
    import torch

    library, named = found("deep_gemm", "deep_gemm")

    def multiply(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        (rows, k), columns = left.shape, right.shape[1]
        if k % BLOCK:
            message = f"DeepGEMM has a scale for each {BLOCK} of K"
            raise RefusalError(message, value=k, where="k", fix=f"Set k to a multiple of {BLOCK}.")
        scales = [torch.ones(size, k // BLOCK, device=left.device) for size in (rows, columns)]
        result = torch.zeros(rows, columns, device=left.device)
        library.fp8_gemm_nt((left, scales[0]), (right.t().contiguous(), scales[1]), result, recipe=(1, 1, BLOCK))
        return result

    return multiply, f"{named}, fp8_gemm_nt, scales of 1x{BLOCK}"


def transformer_engine(a: str, b: str, fast: bool) -> tuple[Multiply, str]:  # noqa: FBT001 - the same
    """Give Transformer Engine's product of tensorwise operands; its split accumulator is the promotion that ``fast`` leaves out."""
    import torch

    gemm, named = found("transformer_engine", "transformer_engine.pytorch.cpp_extensions")
    tensors, _ = found("transformer_engine", "transformer_engine.pytorch.tensor.float8_tensor")
    types, _ = found("transformer_engine", "transformer_engine_torch")
    kinds = {"e4m3": types.DType.kFloat8E4M3, "e5m2": types.DType.kFloat8E5M2}
    general = gemm.general_gemm

    def operand(values: torch.Tensor, kind: str) -> torch.Tensor:
        one = torch.ones(1, device=values.device)
        quantizer = tensors.Float8Quantizer(scale=one, amax=torch.zeros_like(one), fp8_dtype=kinds[kind])
        quantised: torch.Tensor = quantizer(values.float())
        return quantised

    def multiply(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        # Its first operand is the weight, rows x K, and its layout TN gives second x first^T.
        words = [operand(right.t().contiguous(), b), operand(left, a)]
        extra = {}
        if "workspace" in inspect.signature(general).parameters:  # older versions leave it to the caller
            extra["workspace"] = torch.empty(WORKSPACE_NBYTES, dtype=torch.uint8, device=left.device)
        result: torch.Tensor = general(*words, **extra, out_dtype=torch.float32, layout="TN", use_split_accumulator=not fast)[0]
        return result

    return multiply, f"{named}, general_gemm, use_split_accumulator={not fast}"
