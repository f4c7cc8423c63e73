"""Message buffers: numpy vectors on the host, tensors on a device; filled and read through numpy in both cases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NUMPY_NAMES = {"fp32": "float32", "int32": "int32", "uint8": "uint8"}
SIZES = {"fp32": 4, "int32": 4, "uint8": 1}  # bytes of one element


def host_buffer(count: int, dtype: str) -> NDArray[Any]:
    """Allocate ``count`` elements on the host, every page touched, so that no timed step meets a fresh one."""
    import numpy as np

    return np.full(count, 0, dtype=NUMPY_NAMES[dtype])


def device_buffer(count: int, dtype: str, *, device: str) -> Any:
    """Allocate ``count`` elements on a torch device."""
    import torch

    return torch.zeros(count, dtype=getattr(torch, NUMPY_NAMES[dtype]), device=device)


def load(buffer: Any, values: NDArray[Any]) -> None:
    """Copy host values into a buffer."""
    import numpy as np

    if isinstance(buffer, np.ndarray):
        np.copyto(buffer, values)
    else:
        import torch

        buffer.copy_(torch.from_numpy(values))


def on_host(buffer: Any) -> NDArray[Any]:
    """Give a buffer's present content as a numpy vector: the buffer itself on the host, a copy from a device."""
    import numpy as np

    array: np.ndarray[Any, Any] = buffer if isinstance(buffer, np.ndarray) else buffer.cpu().numpy()
    return array
