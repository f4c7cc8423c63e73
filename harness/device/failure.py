"""Errors of a device itself, told from errors of a program by their kind and their words."""

from __future__ import annotations

# How CUDA, HIP, Ascend's ACL, Level Zero and NCCL's watchdog speak of a device that failed (their runtimes' error texts).
DEVICE_MARKS = (
    "CUDA error:",
    "HIP error:",
    "NPU error",
    "NPU function error",
    "ACL stream synchronize failed",
    "device lost",
    "DEVICE_LOST",
    "UR_RESULT_ERROR",
    "CUBLAS_STATUS_EXECUTION_FAILED",
    "CUBLAS_STATUS_INTERNAL_ERROR",
    "unspecified launch failure",
    "illegal memory access",
)


def is_device_error(error: BaseException) -> bool:
    """Tell an error of the device itself, after which its process cannot use it any more, from an error of the program.

    torch.AcceleratorError (torch 2.8 and later) is one; older versions and other back ends tell it in words only. Running out of memory is
    none: the device goes on.
    """
    names = {kind.__name__ for kind in type(error).__mro__}
    if "OutOfMemoryError" in names:
        return False
    text = str(error)
    return "AcceleratorError" in names or ("RuntimeError" in names and any(mark in text for mark in DEVICE_MARKS))
