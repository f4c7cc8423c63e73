"""Published units by name, with where their parameters come from and whether this project holds them against hardware's own results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from assay.harness.errors import RefusalError
from assay.suites.numerics.units.options import make
from assay.suites.numerics.units.unit import NVIDIA_NAN_FP16, QUIET_NAN, Unit

KM = "Khattak and Mikaitis, arXiv 2512.07004"
MMASIM = "Xie et al. (MMA-Sim), arXiv 2511.10909"
LEAN = "tc-lean-mp's table of arXiv 2512.07004 v4"
INTEL = "Intel SDM, TDPBF16PS"
VECTORS = "no mismatch on the published vectors of "
UNCHECKED = "not held against hardware by this project"


@dataclass(frozen=True)
class Preset:
    """A published unit.

    Attributes:
        path: the instruction or interface it stands for; one GPU has several units.
        options: for `make`.
        source: who published the parameters.
        checked: what they were held against.
        vectors: sets of the vectors' file that the unit must reproduce, with out=fp16 where the set has that output.

    """

    path: str
    options: Mapping[str, Any]
    source: str
    checked: str = UNCHECKED
    vectors: tuple[str, ...] = field(default=())


def hmma(form: str, fused: int, bits: int, **more: Any) -> dict[str, Any]:
    """Options of an NVIDIA unit that truncates to FP32; products of 8-bit exponents align to a least exponent."""
    wide = form in {"bf16", "tf32"}
    floor = {24: -132, 25: -133}.get(bits) if wide else None  # arXiv 2512.07004
    return {"family": "t_fdpa", "a": form, "fused": fused, "bits": bits, "floor": floor, **more}


HOPPER_FP8 = {"family": "t_fdpa", "a": "e4m3", "fused": 32, "bits": 13, "out": "e8m13"}
ADA_FP8 = {**HOPPER_FP8, "fused": 16}
# FP8 mma.sync on Hopper and Blackwell: converted to FP16, two FP16 instructions over k mod 4 < 2 and k mod 4 >= 2, C added last.
SOFTWARE_FP8 = {"family": "t_fdpa", "a": "e4m3", "fused": 16, "bits": 25, "order": "pairs", "period": 32, "late": True}
CDNA = {"nan": QUIET_NAN, "round": "rne"}
CDNA3 = {**CDNA, "bits": 24, "join_bits": 31, "c_bits": 24, "join": "rd", "limit": 128}
BOTH_FP8 = "k 32, both FP8 formats, one each too"

PRESETS: dict[str, Preset] = {
    "v100_fp16": Preset("HMMA.884", hmma("fp16", 4, 23), f"{KM}; {MMASIM}", VECTORS + "V100", ("V100_fp16",)),
    "t4_fp16": Preset("HMMA.1688", hmma("fp16", 8, 24), MMASIM),
    "a100_fp16": Preset("HMMA.16816, two blocks", hmma("fp16", 8, 24), f"{KM}; {MMASIM}", VECTORS + "A100, A2", ("A100_fp16", "A2_fp16")),
    "a100_bf16": Preset("HMMA.16816, two blocks", hmma("bf16", 8, 24), f"{KM}; {MMASIM}", VECTORS + "A100, A2", ("A100_bf16", "A2_bf16")),
    "a100_tf32": Preset("HMMA.1688.TF32", hmma("tf32", 4, 24), f"{KM}; {MMASIM}", VECTORS + "A100, A2", ("A100_tf32", "A2_tf32")),
    "ada_fp16": Preset("HMMA, also L40S", hmma("fp16", 8, 24), f"{KM}; {MMASIM}", VECTORS + "Ada, L40S", ("Ada_fp16", "L40S_fp16")),
    "ada_bf16": Preset("HMMA, also L40S", hmma("bf16", 8, 24), f"{KM}; {MMASIM}", VECTORS + "Ada, L40S", ("Ada_bf16", "L40S_bf16")),
    "ada_tf32": Preset("HMMA, also L40S", hmma("tf32", 4, 24), f"{KM}; {MMASIM}", VECTORS + "Ada, L40S", ("Ada_tf32", "L40S_tf32")),
    "ada_fp8": Preset(
        "QMMA.16832, two blocks, also L40S", ADA_FP8, f"{KM}; {MMASIM}", VECTORS + "Ada, L40S", ("Ada_e4m3", "Ada_e5m2", "L40S_e4m3", "L40S_e5m2")
    ),
    "h100_fp16": Preset("wgmma, mma.sync", hmma("fp16", 16, 25), f"{KM}; {MMASIM}", VECTORS + "H100, H200", ("H100_fp16", "H200_fp16")),
    "h100_bf16": Preset("wgmma, mma.sync", hmma("bf16", 16, 25), f"{KM}; {MMASIM}", VECTORS + "H100, H200", ("H100_bf16", "H200_bf16")),
    "h100_tf32": Preset("WMMA (HMMA.1684)", hmma("tf32", 4, 25), f"{KM}; {MMASIM}", VECTORS + "H100, H200", ("H100_tf32", "H200_tf32")),
    "h100_tf32_mma": Preset("mma.sync m16n8k8", hmma("tf32", 8, 25), LEAN),
}
