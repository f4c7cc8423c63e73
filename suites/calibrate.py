"""What this machine gives at most, measured in the run itself: the limits that a CPU's figures are held against."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Literal

from assay.harness.errors import RefusalError
from assay.harness.work import Answer, Context, Needs, Volume, Work

if TYPE_CHECKING:
    import torch

ELEMENT_NBYTES = 4


def calibrate(
    ctx: Context,
    *,
    resource: Literal["memory", "link", "matrix_fp32", "matrix_bf16", "matrix_fp8"] = "memory",
    bytes: int = 67108864,  # noqa: A002 - same word as in the collectives
    size: int = 1024,
    seed: int = 0,
) -> Work:
    """Reach for one limit on every rank at once, with the answer checked.

    Args:
        ctx: the control world and this rank's device.
        resource: ``memory``: copy between two buffers, reads and writes counted; ``link``: one message through the loopback transport;
            ``matrix_*``: square matrix product of that format.
        bytes: of one buffer or message; larger than a core's share of the last cache, or it is the cache that is measured.
        size: rows, columns and depth of the matrix product.
        seed: of the data.

    """
    if resource == "memory":
        return memory(ctx, nbytes=bytes, seed=seed)
    if resource == "link":
        from assay.suites.all_reduce import all_reduce

        return dataclasses.replace(all_reduce(ctx, bytes=bytes, transport="loopback", seed=seed), scope="device")
    from assay.suites.gemm import gemm

    formats: dict[str, Literal["fp32", "bf16", "fp8"]] = {"matrix_fp32": "fp32", "matrix_bf16": "bf16", "matrix_fp8": "fp8"}
    return gemm(ctx, m=size, n=size, k=size, layer="calibration", dtype=formats[resource], seed=seed)


def memory(ctx: Context, *, nbytes: int, seed: int) -> Work:
    """Copy a buffer of random words to another; each step reads and writes ``nbytes``."""
    import torch

    from assay.suites.numerics.draws import generator

    source = torch.empty(nbytes // ELEMENT_NBYTES, dtype=torch.int32)
    source.random_(generator=generator(seed, rank=ctx.rank, operand="memory"))
    kept, target = source.numpy().copy(), torch.zeros_like(source, device=ctx.device.torch_name)
    source = source.to(ctx.device.torch_name)

    def check() -> Answer:
        return same(target, torch.from_numpy(kept))

    volume = Volume(memory_nbytes=2 * source.numel() * ELEMENT_NBYTES)
    return Work(
        step=lambda: target.copy_(source), check=check, volume=volume, result=lambda: target, notes={"kernel": "torch copy_ of int32"}
    )


def same(found: torch.Tensor, expected: torch.Tensor) -> Answer:
    """Compare two vectors for equality; the first difference is named."""
    import torch

    found = found.cpu()
    if torch.equal(found, expected):
        return Answer(ok=True, tested=len(expected))
    places = (found != expected).nonzero()
    place = int(places[0])
    where = f"element {place}"
    reason = f"{len(places)} of {len(expected)} words differ; first {where}: got {int(found[place])}, expected {int(expected[place])}"
    return Answer(ok=False, tested=len(expected), reason=reason, where=where)


def needs(*, resource: str, bytes: int, size: int, seed: int, nranks: int) -> Needs:  # noqa: A002 - the suite's own parameters
    """Refuse sizes that are none; estimate bytes and seconds of one rank."""
    if bytes < ELEMENT_NBYTES or bytes % ELEMENT_NBYTES:
        message = f"bytes must be a positive multiple of {ELEMENT_NBYTES}"
        raise RefusalError(message, value=bytes, where="bytes", fix=f"Take {max(1, round(bytes / ELEMENT_NBYTES)) * ELEMENT_NBYTES}.")
    if resource.startswith("matrix_"):
        from assay.suites.gemm import needs as gemm_needs

        if size < 1 or (resource == "matrix_fp8" and size % 16):
            message = "size must be positive, and a multiple of 16 for matrix_fp8"
            raise RefusalError(message, value=size, where="size", fix=f"Take size={max(1, round(size / 16)) * 16}.")
        return gemm_needs(m=size, n=size, k=size, layer="", dtype=resource.removeprefix("matrix_"), layout="nt", seed=seed, nranks=nranks)
    return Needs(memory_nbytes=4 * bytes, seconds=0.2 + bytes / 1e8)
