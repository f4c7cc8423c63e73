"""Number formats compared on one tensor: what each loses, what it needs on the wire, and how fast this device encodes and decodes it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from assay.harness.errors import RefusalError
from assay.harness.work import Answer, Context, Needs, Volume, Work

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

TILE = 128
# Of one core, for the estimate only: numbers drawn or read, encoded in LogFMT (the slowest), and scored and checked, a second.
DRAWN, ENCODED, SCORED = 3e7, 2e7, 5e6
CHECKED = 1 << 20  # numbers that one check looks at


def formats(
    ctx: Context,
    *,
    format: str = "e4m3",  # noqa: A002 - the word of the case key
    operation: Literal["encode", "decode"] = "encode",
    data: str = "normal",
    key: str = "",
    digest: str = "",
    elements: int = 4194304,
    columns: int = 4096,
    seed: int = 0,
) -> Work:
    """Encode a tensor in one format, or decode it again; every rank has the same numbers.

    Checks hold each code against the nearest number of its format (encode), or each decoded number against the code's definition (decode),
    computed apart from what is measured. What is lost is scored with ``encode``, from the exact float64 numbers of the codes.

    Args:
        ctx: the control world and this rank's device.
        format: name of a compared format (``suites/numerics/compared.py``).
        operation: what is timed; encode takes float32 and gives codes, decode takes codes and gives float32.
        data: name of a distribution, or path of a file that holds a tensor.
        key: which tensor of a file that holds several.
        digest: first 16 digits of the SHA-256 that the file must have; empty: any.
        elements: how many numbers are drawn from a distribution, a multiple of ``columns``; a file brings its own.
        columns: of each row that is drawn, a multiple of 128.
        seed: of what is drawn.

    """
    from assay.suites.numerics import compared

    given, what, count = numbers(data, key=key, digest=digest, elements=elements, columns=columns, seed=seed)
    to = compared.choice(format)
    on_device = given.to(ctx.device.torch_name)
    held = {"coded": compared.encode(on_device, to)}
    wire, stored = compared.wire_nbytes(held["coded"]), compared.stored_nbytes(held["coded"])
    notes = {
        "data": what,
        "scaled": to.scaled,
        "elements": str(count),
        "numbers": str(given.numel()),
        "stored": f"{stored / given.numel():.4g} B",
        "kernel": "Assay's own, torch operations" + (" in float64" if to.bits else ""),
    }
    volume = Volume(memory_nbytes=4 * given.numel() + stored)
    if operation == "decode":
        return decoding(held["coded"], volume, notes)
    scores = lost(given, held["coded"]) | {"wire_nbytes_per_element": wire / count}

    def step() -> None:
        held["coded"] = compared.encode(on_device, to)

    return Work(
        step=step,
        check=lambda: encoded(given, held["coded"], scores),
        volume=volume,
        result=lambda: compared.words(held["coded"]),
        notes=notes,
    )


def decoding(coded: Any, volume: Volume, notes: dict[str, str]) -> Work:
    """Give the work of decoding: codes in, float32 out."""
    import numpy as np
    import torch

    from assay.suites.numerics import compared
    from assay.suites.numerics.nearest import SINGLE, TINY
    from assay.suites.numerics.nearest import numbers as by_definition

    held = {"back": compared.decode(coded, torch.float32)}
    rows = some_rows(held["back"])
    wanted = by_definition(compared.rows_of(coded, rows))

    def step() -> None:
        held["back"] = compared.decode(coded, torch.float32)

    def check() -> Answer:
        got = held["back"].cpu().numpy()[rows].astype(np.float64)
        wrong = ~(np.abs(got - wanted) <= SINGLE * np.abs(wanted) + TINY)
        return counted(wrong, rows, lambda place: f"decoded to {got[place]:.7g}, the code says {wanted[place]:.7g}", {})

    return Work(step=step, check=check, volume=volume, result=lambda: held["back"], notes=notes)


def numbers(data: str, *, key: str, digest: str, elements: int, columns: int, seed: int) -> tuple[torch.Tensor, str, int]:
    """Give float32 rows x a multiple of 128, in words what they are, and how many were given; zeros pad rows that do not divide."""
    import torch

    from assay.suites.numerics.distributions import DISTRIBUTIONS, drawn
    from assay.suites.numerics.tensors import load

    if data in DISTRIBUTIONS:
        return drawn(data, elements // columns, columns, seed), f"{DISTRIBUTIONS[data]}, seed {seed}", elements
    found, what = load(data, key, digest)
    lacking = -found.shape[1] % TILE
    if not lacking:
        return found, what, found.numel()
    padded = torch.nn.functional.pad(found, (0, lacking))
    return padded, f"{what}, each row padded with {lacking} zeros to {padded.shape[1]}", found.numel()


def lost(given: torch.Tensor, coded: Any) -> dict[str, float]:
    """Score what the codes lost, and how far they reach."""
    import torch

    from assay.suites.numerics import compared
    from assay.suites.numerics.fidelity import fidelity

    smallest, largest, octaves = compared.reach(coded)
    back = compared.decode(coded, torch.float64).cpu()
    return fidelity(given, back) | {"smallest": smallest, "largest": largest, "octaves": octaves}


def encoded(given: torch.Tensor, coded: Any, scores: dict[str, float]) -> Answer:
    """Hold the codes of as many rows as one check looks at against the nearest."""
    import numpy as np

    from assay.suites.numerics.compared import rows_of
    from assay.suites.numerics.nearest import misplaced
    from assay.suites.numerics.nearest import numbers as by_definition

    rows = some_rows(given)
    part, exact = rows_of(coded, rows), given[rows].numpy().astype(np.float64)
    said = by_definition(part)
    wrong = misplaced(exact, part)
    return counted(wrong, rows, lambda place: f"{exact[place]:.7g} became {said[place]:.7g}, which is not its nearest", scores)


def some_rows(values: torch.Tensor) -> slice:
    """Choose evenly spaced rows of at most as many numbers as one check looks at."""
    return slice(0, len(values), max(1, math.ceil(values.numel() / CHECKED)))


def counted(wrong: NDArray[Any], rows: slice, told: Any, scores: dict[str, float]) -> Answer:
    """Make an answer of a mask, naming the first wrong place."""
    import numpy as np

    if not wrong.any():
        return Answer(ok=True, tested=wrong.size, scores=scores)
    first = tuple(int(i) for i in np.argwhere(wrong)[0])
    where = f"row {first[0] * rows.step}, column {first[1]}"
    reason = f"{int(wrong.sum())} of {wrong.size} numbers are wrong; first {where}: {told(first)}"
    return Answer(ok=False, tested=wrong.size, reason=reason, where=where, scores=scores)


def needs(
    *,
    format: str,  # noqa: A002 - the suite's own parameter
    operation: str,  # noqa: ARG001 - a suite's needs takes every parameter
    data: str,
    key: str,
    digest: str,
    elements: int,
    columns: int,
    seed: int,  # noqa: ARG001
    nranks: int,  # noqa: ARG001
) -> Needs:
    """Refuse what cannot be compared, before anything is launched; a file is read for that."""
    from assay.suites.numerics.compared import choice
    from assay.suites.numerics.distributions import DISTRIBUTIONS, known

    choice(format)
    if data not in DISTRIBUTIONS:
        if not Path(data).suffix:
            known(data)
        from assay.suites.numerics.tensors import load

        count = load(data, key, digest)[0].numel()
    else:
        if columns < TILE or columns % TILE:
            message = f"columns must be a positive multiple of {TILE}: tiles are 1x{TILE}"
            raise RefusalError(message, value=columns, where="columns", fix=f"Take {max(1, round(columns / TILE)) * TILE}.")
        if elements < columns or elements % columns:
            message = f"elements must be a positive multiple of columns={columns}"
            raise RefusalError(message, value=elements, where="elements", fix=f"Take {max(1, round(elements / columns)) * columns}.")
        count = elements
    looked = min(count, CHECKED)
    seconds = count / DRAWN + 2 * count / SCORED + 2 * looked / SCORED
    return Needs(memory_nbytes=64 * count, seconds=seconds, step_seconds=count / ENCODED)
