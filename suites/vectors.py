"""Published input and output vectors of real matrix units, held against every published unit's model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from assay.harness.errors import RefusalError
from assay.harness.work import Answer, Context, Needs, Volume, Work


def vectors(ctx: Context, *, file: str, seed: int = 0) -> Work:  # noqa: ARG001 - nothing is drawn, no device is used
    """Read a file of vectors and count, for each set, the results that each published unit gets wrong.

    The file is an ``.npz`` with ``GPU_format.a``, ``.b`` [rows, K], ``.c`` [rows], ``.d_fp32``, ``.d_fp16`` [rows]: uint32 words that hold
    float32. It is never unpickled. The step is one set computed by one unit; the check is over all of them.

    Args:
        ctx: the control world and this rank's device.
        file: path of the file.
        seed: of nothing; every suite has one.

    """
    from assay.suites.numerics.units.presets import preset
    from assay.suites.numerics.units.vectors import against_presets, mismatches, read

    sets = read(Path(file))
    counts = {one.name: against_presets(one) for one in sets}
    first = sets[0]
    unit = preset(next(iter(counts[first.name])))
    return Work(
        step=lambda: mismatches(unit, first),
        check=lambda: judged(counts, sum(len(one.d) for one in sets)),
        volume=Volume(flops=2.0 * first.a.size),
        notes={"file": file, "sets": json.dumps(counts, separators=(",", ":"))},
    )


def judged(counts: Mapping[str, Mapping[str, int]], rows: int) -> Answer:
    """Say whether every set is reproduced by some unit without one wrong row."""
    unknown = {name: found for name, found in counts.items() if not found or min(found.values())}
    scores = {"sets": float(len(counts)), "unmatched": float(len(unknown))}
    if not unknown:
        return Answer(ok=rows > 0, tested=rows, scores=scores)
    told = [
        f"{name}: nearest {min(found, key=lambda unit: found[unit])}, {min(found.values())} rows wrong"
        for name, found in unknown.items()
        if found
    ]
    told += [f"{name}: no published unit takes this format" for name, found in unknown.items() if not found]
    return Answer(ok=False, tested=rows, scores=scores, reason=f"no published unit gives {'; '.join(told)}")


def needs(*, file: str, seed: int, nranks: int) -> Needs:  # noqa: ARG001 - a suite's needs takes every parameter
    """Refuse a file that is not there."""
    if not Path(file).is_file():
        message = "there is no such file"
        raise RefusalError(message, value=file, where="file", fix="Give the path of an .npz of vectors.")
    return Needs(memory_nbytes=64 * Path(file).stat().st_size, seconds=60.0)
