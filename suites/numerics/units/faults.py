"""Faults planted in an emulated unit: what breaks, where, and how often; deterministic, and each says what it did.

A fault is a kind and a region of the outputs. Kinds that change the arithmetic compute the region again with a unit or an operand that is
broken; kinds of the output change its words. The kinds are those that papers saw: dropped promotion and alignment bits (arXiv 2511.10909's
parameters off by one), stuck bits that repeat with the lanes of a warp, several bits and strides at once (arXiv 2605.04213).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from assay.harness.errors import RefusalError
from assay.suites.numerics.units.breaking import ARITHMETIC, OUTPUT, REGIONS, Fault, broken, broken_words, placed, region, told
from assay.suites.numerics.units.held import Float32, as_float32
from assay.suites.numerics.units.unit import Unit


@dataclass(frozen=True)
class Report:
    """What a fault did in one call: the fault with its positions, the outputs it covered and those whose words changed."""

    call: int
    fault: Fault
    what: str
    rows: tuple[int, ...]
    columns: tuple[int, ...]
    changed: tuple[tuple[int, int], ...]


NAMED: Mapping[str, Fault] = {
    "promotion_missing": Fault("promotion_missing"),
    "promotion_missing_one_output": Fault("promotion_missing", "one"),
    "alignment_bit_dead": Fault("alignment_bit_dead", bit=0),
    "alignment_bit_dead_one_column": Fault("alignment_bit_dead", "column", bit=0),
    "k_dropped": Fault("k_dropped"),
    "k_dropped_one_output": Fault("k_dropped", "one"),
    "subnormals_flushed": Fault("subnormals_flushed"),
    "operand_lsb_stuck": Fault("operand_bit_stuck", bit=0),
    "output_bit_flipped": Fault("output_flipped", "one"),
    "output_bits_flipped": Fault("output_flipped", "one", bits=(3, 11, 19)),
    "output_bit_flipped_strided": Fault("output_flipped", "strided"),
    "output_lane_stuck": Fault("output_stuck", "lane"),
    "wrong_tile": Fault("k_dropped", "tile", every=8),
}


def named(name: str, **options: Any) -> Fault:
    """Give a fault by name, with positions of your own; RefusalError for unknown names, kinds, regions and options."""
    if name not in NAMED:
        message = "no such fault of an emulated unit"
        raise RefusalError(message, value=name, where="unit.fault", fix=f"Faults: {', '.join(NAMED)}.")
    unknown = [key for key in options if key not in Fault.__dataclass_fields__]
    if unknown:
        message = "no such option of a fault"
        raise RefusalError(message, value=unknown[0], where=f"unit.fault.{name}", fix=f"Options: {', '.join(Fault.__dataclass_fields__)}.")
    fault = replace(NAMED[name], **options)
    for key, accepted in (("kind", ARITHMETIC + OUTPUT), ("where", REGIONS)):
        if getattr(fault, key) not in accepted:
            message = "not accepted"
            raise RefusalError(message, value=getattr(fault, key), where=f"unit.fault.{key}", fix=f"Accepted: {', '.join(accepted)}.")
    return fault


def planted(unit: Unit, name: str, **options: Any) -> FaultyUnit:
    """Give the unit with a fault of NAMED in it, at positions of your own or drawn ones."""
    return FaultyUnit(unit, named(name, **options))


class FaultyUnit:
    """A unit with one fault in it; ``reports`` tells of every call that the fault hit."""

    def __init__(self, unit: Unit, fault: Fault) -> None:
        """Plant ``fault`` in ``unit``; RefusalError where it could not change anything."""
        if fault.kind == "promotion_missing" and unit.promote is None:
            message = "the unit has no promotion that could be missing"
            raise RefusalError(message, where="unit.promote", fix="Set promote=128.")
        self.unit, self.fault = unit, fault
        self.calls = 0
        self.reports: list[Report] = []

    def gemm(self, a: Any, b: Any, c: Any = None, *, a_scales: Any = None, b_scales: Any = None) -> Float32:
        """Give A B + C with the fault in it; arguments as of product.gemm."""
        a, b = as_float32(a, where="A"), as_float32(b, where="B")
        healthy = self.unit.gemm(a, b, c, a_scales=a_scales, b_scales=b_scales)
        self.calls += 1
        if self.calls % self.fault.every:
            return healthy
        fault = placed(self.fault, healthy.shape, a.shape[1], self.unit)
        rows, columns = region(fault, healthy.shape)
        result = healthy.copy()
        if fault.kind in OUTPUT:
            result[np.ix_(rows, columns)] = broken_words(fault, healthy[np.ix_(rows, columns)])
        else:
            unit, left = broken(fault, self.unit, a[rows])
            own = [None if x is None else np.asarray(x)[index] for x, index in ((a_scales, rows), (b_scales, np.s_[:, columns]))]
            start = None if c is None else np.asarray(c)[np.ix_(rows, columns)]
            result[np.ix_(rows, columns)] = unit.gemm(left, b[:, columns], start, a_scales=own[0], b_scales=own[1])
        differ = np.argwhere(result.view(np.uint32) != healthy.view(np.uint32))
        hit = tuple((int(row), int(column)) for row, column in differ)
        self.reports.append(Report(self.calls, fault, told(fault), tuple(map(int, rows)), tuple(map(int, columns)), hit))
        return result

    def dot(self, a: Any, b: Any, c: Any = None) -> Float32:
        """Give dot products of rows as a GPU would be asked for them: the diagonal of one product."""
        start = None if c is None else np.broadcast_to(np.asarray(c)[:, None], (len(c), len(c)))
        return np.ascontiguousarray(np.diagonal(self.gemm(a, as_float32(b, where="B").T, start)))
