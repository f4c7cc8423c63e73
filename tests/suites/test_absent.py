"""A kernel that a library does not have is not applicable; one that failed is an error, and never hidden as an absence."""

from __future__ import annotations

import pytest
import torch

from assay.suites.numerics.absent import unsupported


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("torch._scaled_mm is only supported on CUDA devices with compute capability >= 9.0 or 8.9, or ROCm MI300+"),
        NotImplementedError("\"addmm_impl_cpu_\" not implemented for 'Float8_e4m3fn'"),
        RuntimeError("CUDA error: CUBLAS_STATUS_NOT_SUPPORTED when calling cublasLtMatmulAlgoGetHeuristic"),
        ValueError("Invalid scaling configuration.\n- For TensorWise scaling, a and b should be float8\n- For RowWise scaling, ..."),
    ],
)
def test_absent(error: Exception) -> None:
    assert unsupported(error)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("CUDA error: an illegal memory access was encountered"),
        torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("CUDA error: uncorrectable ECC error encountered"),
        RuntimeError("mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)"),
        TypeError("_scaled_mm() got an unexpected keyword argument 'scale'"),
        ValueError("Invalid scaling configuration.\n- For BlockWise 1x128 scaling, scales should be float and column-major"),
    ],
)
def test_failed(error: Exception) -> None:
    assert not unsupported(error)
