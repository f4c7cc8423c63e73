"""A product of fixed numbers as one hash: what makes two of them comparable, and the vote where they differ (numerics gate G5)."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.suites.numerics.formats.format import Format
from assay.suites.numerics.probes.named import Opened

Floats = NDArray[np.float32]
WIDEST = 12  # octaves of drawn numbers in wide formats
FIGURE_DIGITS = 13  # of the hash, hexadecimal: 52 bits, which a float64 figure holds exactly


def operands(opened: Opened, *, m: int, n: int, k: int, seed: int, tiny: bool = False) -> tuple[Floats, Floats]:
    """Draw A [m, k] and B [k, n], normal numbers of the formats over several octaves and of either sign: sums are rounded all the way.

    ``tiny``: every fourth row of A is of subnormal numbers, for checks that a unit which flushes them passes too.
    """
    source = np.random.default_rng(seed)
    room = (opened.result.emax - int(k).bit_length() - 2) // 2  # sums stay finite in a narrow result
    left, right = (drawn(source, of, shape, room) for of, shape in ((opened.a, (m, k)), (opened.b, (k, n))))
    if tiny:
        shape = left[3::4].shape
        left[3::4] = source.integers(1, 1 << opened.a.fraction, shape) * opened.a.smallest * source.choice([-1.0, 1.0], shape)
    return left, right


def drawn(source: np.random.Generator, of: Format, shape: tuple[int, int], room: int) -> Floats:
    """Draw one operand."""
    high = max(of.emin, min(of.emax - 1, WIDEST // 2, room))
    low = max(of.emin, high - WIDEST)
    steps = source.integers(1 << of.fraction, 2 << of.fraction, shape) * 2.0**-of.fraction
    found: Floats = (np.exp2(source.integers(low, high + 1, shape)) * steps * source.choice([-1.0, 1.0], shape)).astype(np.float32)
    return found


def digest(*arrays: Any) -> str:
    """Hash arrays: shape, type and every bit (SHA-256)."""
    found = hashlib.sha256()
    for array in arrays:
        whole = np.ascontiguousarray(array)
        found.update(f"{whole.dtype.str}{whole.shape}".encode())
        found.update(whole.tobytes())
    return found.hexdigest()


def figure(hashed: str) -> float:
    """Give the first 52 bits of a hash as a number that rules can hold to be equal."""
    return float(int(hashed[:FIGURE_DIGITS], 16))


@dataclass(frozen=True)
class Vote:
    """What the ranks of one key say of one rank.

    Attributes:
        ok: the rank agrees with the majority, or nobody has its key.
        reason: why not.
        reference: a rank whose result is taken to be right, or is held against; None where all agree.

    """

    ok: bool
    reason: str = ""
    reference: int | None = None


def vote(keys: Sequence[str], hashes: Sequence[str], rank: int) -> Vote:
    """Hold one rank's hash against those of all ranks with the same key; others are never compared.

    A minority is named by its ranks. Without a majority (two ranks that differ) nobody knows who is right, and that is said.
    """
    peers = [other for other, key in enumerate(keys) if key == keys[rank]]
    counts = Counter(hashes[other] for other in peers)
    if len(counts) == 1:
        return Vote(ok=True)
    most, votes = counts.most_common(1)[0]
    if 2 * votes > len(peers):
        suspects = [other for other in peers if hashes[other] != most]
        reference = next(other for other in peers if hashes[other] == most)
        said = f"{named(suspects)} of {len(peers)} ranks {'has' if len(suspects) == 1 else 'have'} another hash than the other {votes}"
        return Vote(ok=rank not in suspects, reason=said, reference=reference)
    groups = "; ".join(f"{value[:12]} on {named([o for o in peers if hashes[o] == value])}" for value, _ in counts.most_common())
    other = next(o for o in peers if hashes[o] != hashes[rank])
    return Vote(ok=False, reason=f"{len(peers)} ranks and no majority, so which is wrong cannot be told: {groups}", reference=other)


def named(ranks: Sequence[int]) -> str:
    """Name ranks."""
    return ("rank " if len(ranks) == 1 else "ranks ") + ", ".join(map(str, ranks))


def spelled(key: Mapping[str, Any]) -> str:
    """Write a key so that equal keys are equal text."""
    return json.dumps(dict(key), sort_keys=True, separators=(",", ":"))
