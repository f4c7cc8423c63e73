"""Published units by name, with where their parameters come from and whether this project holds them against hardware's own results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from assay.harness.errors import RefusalError
from assay.suites.numerics.units.options import make
from assay.suites.numerics.units.unit import QUIET_NAN, Unit

KM = "arXiv 2512.07004 (Khattak and Mikaitis)"
MMASIM = "arXiv 2511.10909 (MMA-Sim)"
LEAN = "tc-lean-mp's table of arXiv 2512.07004 v4"
INTEL = "Intel's instruction reference, TDPBF16PS"
BOTH = f"{KM}; {MMASIM}"


@dataclass(frozen=True)
class Preset:
    """A published unit.

    Attributes:
        path: the instruction it stands for; one GPU has several units behind one name.
        options: for `make`.
        source: who published the parameters.
        vectors: published results of real hardware (GPU_format.output of vectors.py) that it has to reproduce; none: not checked here.

    """

    path: str
    options: Mapping[str, Any]
    source: str
    vectors: tuple[str, ...] = ()


def truncating(form: str, fused: int, bits: int, **more: Any) -> dict[str, Any]:
    """Options of an NVIDIA unit; where exponents have 8 bits, terms align to a least exponent of their own (arXiv 2512.07004)."""
    floor = {24: -132, 25: -133}[bits] if form in {"bf16", "tf32"} else None
    return {"family": "t_fdpa", "a": form, "fused": fused, "bits": bits, "floor": floor, **more}


def of(*gpus: str, form: str, outputs: str = "fp32 fp16") -> tuple[str, ...]:
    """Name sets of vectors."""
    return tuple(f"{gpu}_{form}.{output}" for gpu in gpus for output in outputs.split())


# FP8 mma.sync on Hopper and Blackwell is software: FP16 instructions over k mod 4 < 2, then over the rest, and C added last (NVIDIA/cutlass
# issue 1986 says that it is emulated; the order is the one that the vectors accept).
SOFTWARE_FP8 = {"family": "t_fdpa", "a": "e4m3", "fused": 16, "bits": 25, "order": "pairs", "period": 32, "late": True}
CDNA1: Mapping[str, Any] = {"family": "e_fdpa", "round": "rne", "nan": QUIET_NAN}
CDNA2: Mapping[str, Any] = {"family": "pairwise", "round": "rne", "nan": QUIET_NAN, "flush_in": True, "flush_out": True}
CDNA3: Mapping[str, Any] = {"family": "tr_fdpa", "bits": 24, "join_bits": 31, "c_bits": 24, "round": "rne", "limit": 128, "nan": QUIET_NAN}
AMX = {
    "family": "fma", "a": "bf16", "fused": 1, "order": "strided", "stride": 2, "ways": 2, "period": 32, "late": True, "round": "rne",
    "flush_in": True, "flush_out": True, "nan": QUIET_NAN,
}  # fmt: skip

PRESETS: Mapping[str, Preset] = {
    "v100_fp16": Preset("HMMA.884", truncating("fp16", 4, 23), BOTH, of("V100", form="fp16")),
    "t4_fp16": Preset("HMMA.1688", truncating("fp16", 8, 24), MMASIM),
    "a100_fp16": Preset("HMMA.16816, two blocks", truncating("fp16", 8, 24), BOTH, of("A100", "A2", form="fp16")),
    "a100_bf16": Preset("HMMA.16816, two blocks", truncating("bf16", 8, 24), BOTH, of("A100", "A2", form="bf16", outputs="fp32")),
    "a100_tf32": Preset("HMMA.1684", truncating("tf32", 4, 24), BOTH, of("A100", "A2", form="tf32", outputs="fp32")),
    "ada_fp16": Preset("HMMA.16816, L40S too", truncating("fp16", 8, 24), BOTH, of("Ada", "L40S", form="fp16")),
    "ada_bf16": Preset("HMMA.16816, L40S too", truncating("bf16", 8, 24), BOTH, of("Ada", "L40S", form="bf16", outputs="fp32")),
    "ada_tf32": Preset("HMMA.1684, L40S too", truncating("tf32", 4, 24), BOTH, of("Ada", "L40S", form="tf32", outputs="fp32")),
    "ada_fp8": Preset(
        "QMMA.16832, two blocks, L40S too",
        {"family": "t_fdpa", "a": "e4m3", "fused": 16, "bits": 13, "out": "e8m13"},
        BOTH,
        of("Ada", "L40S", form="e4m3") + of("Ada", "L40S", form="e5m2"),
    ),
    "h100_fp16": Preset("wgmma and mma.sync, H200 too", truncating("fp16", 16, 25), BOTH, of("H100", "H200", form="fp16")),
    "h100_bf16": Preset("wgmma and mma.sync, H200 too", truncating("bf16", 16, 25), BOTH, of("H100", "H200", form="bf16", outputs="fp32")),
    "h100_tf32": Preset("HMMA.1684, H200 too", truncating("tf32", 4, 25), BOTH, of("H100", "H200", form="tf32", outputs="fp32")),
    "h100_tf32_mma": Preset("mma.sync m16n8k8, H200 too", truncating("tf32", 8, 25), LEAN),
    "h100_fp8": Preset(
        "wgmma, H200 too",
        {"family": "t_fdpa", "a": "e4m3", "fused": 32, "bits": 13, "out": "e8m13"},
        BOTH,
        of("H100", "H200", form="e4m3", outputs="fp32") + of("H100", "H200", form="e5m2", outputs="fp32"),
    ),
    "h100_fp8_mma": Preset(
        "mma.sync, software on FP16, H200 too",
        SOFTWARE_FP8,
        BOTH,
        of("H100", "H200", form="e4m3", outputs="fp16") + of("H100", "H200", form="e5m2", outputs="fp16"),
    ),
    "b200_fp16": Preset("tcgen05 and mma.sync", truncating("fp16", 16, 25), BOTH, of("B200", form="fp16")),
    "b200_bf16": Preset("tcgen05 and mma.sync", truncating("bf16", 16, 25), BOTH, of("B200", form="bf16", outputs="fp32")),
    "b200_tf32": Preset("HMMA.1684", truncating("tf32", 4, 25), BOTH, of("B200", form="tf32", outputs="fp32")),
    "b200_tf32_tcgen05": Preset("tcgen05 kind::tf32", truncating("tf32", 8, 25), MMASIM),
    "b200_fp8": Preset("tcgen05 kind::f8f6f4", {"family": "t_fdpa", "a": "e4m3", "fused": 32, "bits": 25}, f"{MMASIM}; {LEAN}"),
    "b200_fp8_mma": Preset("mma.sync, software on FP16", SOFTWARE_FP8, BOTH, of("B200", form="e4m3") + of("B200", form="e5m2")),
    "b200_mxf8": Preset(
        "tcgen05 kind::mxf8f6f4",
        {"family": "st_fdpa", "a": "e4m3", "fused": 32, "bits": 25, "scale": "e8m0", "scale_block": 32},
        MMASIM,
    ),
    "b200_mxf4": Preset(
        "tcgen05 kind::mxf4",
        {"family": "gst_fdpa", "a": "e2m1", "fused": 64, "bits": 35, "scale": "e8m0", "scale_block": 32, "group": 16},
        MMASIM,
    ),
    "b200_nvf4": Preset(
        "tcgen05 kind::mxf4nvf4",
        {"family": "gst_fdpa", "a": "e2m1", "fused": 64, "bits": 35, "scale": "e4m3", "scale_block": 16, "group": 16},
        MMASIM,
    ),
    "mi100_fp16": Preset("v_mfma CDNA1", {**CDNA1, "a": "fp16", "fused": 4}, BOTH),
    "mi100_bf16": Preset("v_mfma CDNA1", {**CDNA1, "a": "bf16", "fused": 2}, BOTH),
    "mi250_fp16": Preset("v_mfma CDNA2", {**CDNA2, "a": "fp16", "fused": 4}, BOTH),
    "mi250_bf16": Preset("v_mfma CDNA2, _1k", {**CDNA2, "a": "bf16", "fused": 4}, BOTH),
    "mi250_bf16_old": Preset("v_mfma CDNA2, without _1k", {**CDNA2, "a": "bf16", "fused": 2}, BOTH),
    "mi300_fp32": Preset(
        "v_mfma, MI100 and MI250 too", {"family": "fma", "a": "fp32", "fused": 1, "round": "rne", "nan": QUIET_NAN}, MMASIM
    ),
    "mi300_fp16": Preset("v_mfma", {**CDNA3, "a": "fp16", "fused": 8}, BOTH),
    "mi300_bf16": Preset("v_mfma", {**CDNA3, "a": "bf16", "fused": 8}, BOTH),
    "mi300_xf32": Preset("v_mfma, xf32", {**CDNA3, "a": "tf32", "fused": 4}, BOTH),
    "mi300_fp8": Preset("v_mfma, FNUZ", {**CDNA3, "family": "gtr_fdpa", "a": "e4m3fnuz", "fused": 16, "c_drop": 25}, BOTH),
    "amx_bf16": Preset("TDPBF16PS, 32 products an instruction", AMX, INTEL),
}


def preset(name: str, **options: Any) -> Unit:
    """Give a published unit, with ``options`` in place of its own (``a="e5m2"``, ``out="fp16"``); RefusalError for other names."""
    found = PRESETS.get(name)
    if found is None:
        message = "no published unit of that name"
        raise RefusalError(
            message, value=name, where="unit", fix=f"Units: {', '.join(PRESETS)}; or unit=emulated with options of your own."
        )
    # One option for both operands, unless the second is named too.
    same = {"b": options["a"]} if "a" in options and "b" not in options else {}
    return make(**{**found.options, **same, **options})
