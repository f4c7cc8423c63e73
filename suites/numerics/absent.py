"""Telling a kernel that a library does not have from one that failed: the first is not applicable, the second is an error."""

from __future__ import annotations

import re

# How torch says that a build, a device or a shape has no such kernel (aten/src/ATen/native/cuda/Blas.cpp and its CPU and HIP siblings).
UNSUPPORTED = re.compile(
    r"not (?:yet )?(?:implemented|supported|available|compiled)|unsupported|only supported|no kernel image|requires? (?:CUDA|compute)"
    # What it has is listed then; a recipe in 1x128 tiles that is listed and refused was called wrongly.
    r"|Invalid scaling configuration(?!.*(?:1x128|BlockWise|DeepSeek))"
    r"|is only (?:supported|available)|CUBLAS_STATUS_NOT_SUPPORTED|HIPBLAS_STATUS_NOT_SUPPORTED|could not run '",
    re.IGNORECASE | re.DOTALL,
)


def unsupported(error: BaseException) -> bool:
    """Tell whether an error says that there is no such kernel; a device that fails or runs out of memory never does."""
    if "out of memory" in str(error).lower() or "illegal" in str(error).lower():
        return False
    return isinstance(error, NotImplementedError) or (isinstance(error, RuntimeError | ValueError) and bool(UNSUPPORTED.search(str(error))))
