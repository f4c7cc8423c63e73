"""Every code of a number format decoded, and numbers encoded, held against integer arithmetic (gate G1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from assay.harness.errors import NotApplicableError, RefusalError
from assay.harness.work import Answer, Context, Needs, Volume, Work

if TYPE_CHECKING:
    from collections.abc import Callable

    from assay.suites.numerics.formats.format import Format

BYTE = 8


def codec(ctx: Context, *, format: str = "e4m3", impl: Literal["library", "torch"] = "library", seed: int = 0) -> Work:  # noqa: A002 - the field's word
    """Decode all codes and encode all BF16 numbers, all ties and their neighbours, and random float32 numbers; every one is compared.

    Numbers are clamped to the largest finite one before each cast, since torch's versions differ beyond it. NaN must become a NaN.

    Args:
        ctx: the control world and this rank's device.
        format: of the codes, or a role such as fp8.
        impl: ``library``: this project's own, over ml_dtypes; ``torch``: casts of torch on this rank's device.
        seed: of the random numbers.

    """
    import numpy as np

    from assay.suites.numerics.formats.format import format_of_role
    from assay.suites.numerics.gates.codes import decoded, encoded, trial_inputs
    from assay.suites.numerics.gates.difference import difference
    from assay.suites.numerics.gates.subject import held_up
    from assay.suites.numerics.probes.named import architecture

    of = format_of_role(format, architecture(ctx.device.facts()))
    given = trial_inputs(of, seed=seed)
    given = given[: given.size // 256 * 256]
    wanted = encoded(given, of).reshape(-1, 256)
    right = decoded(of).astype(np.float32)
    decode, encode, what = (of_library if impl == "library" else of_torch)(of, ctx.device.torch_name)
    # The live answer: codes as small as they are, 256 a row.
    codes = np.zeros(wanted.shape, dtype=np.uint8 if of.bits <= BYTE else np.uint16)
    numbers = np.zeros((1, right.size), dtype=np.float32)
    nan = [0]
    inputs = f"{right.size} codes decoded, {given.size} numbers encoded"

    def step() -> None:
        codes[...] = np.asarray(encode(given)).reshape(codes.shape)
        numbers[...] = decode(np.arange(right.size, dtype=codes.dtype)).reshape(numbers.shape)

        if of.has_nan:
            nan[0] = int(np.asarray(encode(np.full(1, np.nan, dtype=np.float32)))[0])

    def check() -> Answer:
        tested = codes.size + right.size + 1
        if of.has_nan and not np.isnan(right[nan[0]]):
            said = f"{what}: NaN became 0x{nan[0]:0{of.bits // 4}x}, which is {right[nan[0]]:g} in {of.name}"
            return Answer(ok=False, tested=tested, reason=said, where="NaN", scores={"wrong_words": 1.0})
        found = difference(codes, wanted.astype(codes.dtype))
        if found is not None:
            number = given[found.rows[0] * 256 + found.columns[0]]
            return held_up(found, tested=tested, device=what, what=f"encoding {float(number)!r} to {of.name}: ")
        lost = np.isnan(numbers) != np.isnan(right)
        found = difference(np.where(lost, numbers, np.nan_to_num(numbers, posinf=np.inf, neginf=-np.inf)), settled(right, lost))
        return held_up(found, tested=tested, device=what, what=f"decoding {of.name}, a column a code: ")

    return Work(step=step, check=check, volume=Volume(), result=lambda: codes, notes={"codec": what, "format": of.name, "compared": inputs})


def settled(right: Any, lost: Any) -> Any:
    """Give the right numbers as one row, with NaN put away where both sides have it."""
    import numpy as np

    row = right.reshape(1, -1)
    return np.where(lost, row, np.nan_to_num(row, posinf=np.inf, neginf=-np.inf))


def of_library(of: Format, _device: str) -> tuple[Callable[[Any], Any], Callable[[Any], Any], str]:
    """Give this project's own codec; NotApplicableError for formats of more than a byte."""
    from assay.suites.numerics.formats import codec as own

    if of.bits > BYTE:
        message = f"codes of {of.name} are more than a byte: this project computes with its numbers only"
        raise NotApplicableError(message)
    return (lambda codes: own.decode(codes, of)), (lambda values: own.encode(values, of)), "ml_dtypes after rounding of our own"


def of_torch(of: Format, device: str) -> tuple[Callable[[Any], Any], Callable[[Any], Any], str]:
    """Give the casts of torch on a device; NotApplicableError where it has no such format or no cast."""
    import torch

    dtype = getattr(torch, of.torch, None) if of.torch else None
    if dtype is None or of.bits > 2 * BYTE:
        message = f"torch {torch.__version__} has no casts to {of.name}"
        raise NotApplicableError(message)
    whole = torch.uint8 if of.bits <= BYTE else torch.int16

    def encode(values: Any) -> Any:
        there = torch.from_numpy(values).to(device).clamp(-of.largest, of.largest)
        found = there.to(dtype).view(whole).cpu().numpy()
        return found.view("u1" if of.bits <= BYTE else "u2")

    def decode(codes: Any) -> Any:
        there = torch.from_numpy(codes.view("u1" if of.bits <= BYTE else "i2")).to(device)
        return there.view(dtype).float().cpu().numpy()

    try:
        encode(torch.ones(1).numpy())
    except (RuntimeError, NotImplementedError) as error:
        message = f"torch {torch.__version__} does not cast to {of.name} on {device}: {str(error).splitlines()[0]}"
        raise NotApplicableError(message) from error
    return decode, encode, f"casts of torch {torch.__version__} on {device}"


def needs(*, format: str, impl: str, seed: int, nranks: int) -> Needs:  # noqa: A002, ARG001
    """Refuse what is no format that has codes."""
    from assay.suites.numerics.formats.format import format_of_role

    if format_of_role(format, "").bits > 2 * BYTE:
        message = "has too many codes to be tried all"
        raise RefusalError(message, value=format, where="format", fix="Choose a format of at most 16 bits, such as fp8 or bf16.")
    return Needs(memory_nbytes=1 << 25, seconds=1.0)
