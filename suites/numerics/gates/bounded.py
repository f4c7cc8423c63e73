"""How far a unit's sums may be off, as a share of (|A||B|)_ij: of an emulated unit by its parameters, else the widest published one."""

from __future__ import annotations

from assay.suites.numerics.bounds import FP32_ROUNDOFF, FP64_ROUNDOFF, fused_chain, gamma
from assay.suites.numerics.gates.integers import ALIGNED
from assay.suites.numerics.probes.named import Opened
from assay.suites.numerics.probes.published import takes
from assay.suites.numerics.units.options import output
from assay.suites.numerics.units.presets import PRESETS, preset
from assay.suites.numerics.units.unit import Unit

JOINS = 8  # further roundings in float32 that joining split sums may take


def of_unit(unit: Unit, k: int) -> float:
    """Bound |E_ij| / (|A||B|)_ij of a unit at length k (numerics bound of a fused chain, bounds.fused_chain; of rounded sums, Higham).

    CDNA3 aligns products and then their sum with C: two grids, so one bit less is counted. Block scales double what exponents can hide.
    """
    fraction = output(unit.out).fraction
    length = min(k, unit.promote) if unit.promote else k
    if unit.family in ALIGNED:
        two_grids = unit.family in {"tr_fdpa", "gtr_fdpa", "gst_fdpa"}
        bits = min([unit.bits, *([unit.c_bits, unit.join_bits] if two_grids else [])]) - two_grids
        chain = fused_chain(length, lanes=unit.fused, fraction_bits=bits, output_bits=fraction)
    else:
        # Directed roundings lose up to a whole unit in the last place, nearest half of it.
        chain = gamma(length + JOINS, 2.0 ** -(fraction + (unit.round == "rne")))
    after = gamma(-(-k // unit.promote) + 2, FP32_ROUNDOFF) if unit.promote else 0.0
    return chain + after + gamma(JOINS, 2.0 ** -(fraction + 1))


def of_opened(opened: Opened, k: int) -> tuple[float, float, str]:
    """Give (bound of the sums, relative error of the conversion to the result's format, why).

    A real unit may be any published one of its formats, or a library's float32 sums in any order.
    """
    own = gamma(k + 2, FP64_ROUNDOFF)  # of the float64 reference itself
    if opened.unit is not None:
        return of_unit(opened.unit, k) + own, 0.0, f"{opened.unit.family} of its own parameters"
    names = [name for name in PRESETS if takes(name, opened.a.name, opened.b.name)]
    widest = {name: of_unit(preset(name, a=opened.a.name, b=opened.b.name), k) for name in names}
    chain = gamma(k + JOINS, FP32_ROUNDOFF)
    name = max(widest, key=lambda one: widest[one], default="")
    bound = max([chain, *widest.values()])
    conversion = 2.0 ** -(opened.result.fraction + 1) if opened.result.fraction < opened.a.fraction + opened.b.fraction + 1 else 0.0
    why = f"sums as wide off as {name}'s" if bound > chain else "float32 sums in any order"
    return bound + own, conversion if opened.result.name != "fp32" else 0.0, why
