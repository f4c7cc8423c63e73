"""The number formats that matrix units take, as parameters; and which of them a role means on which device.

Sources: OCP 8-bit floating point specification 1.0 (E4M3, E5M2), OCP microscaling formats 1.0 (E3M2, E2M3, E2M1, E8M0), the FNUZ formats of
Graphcore, AMD and Qualcomm (arXiv 2206.02915), DeepSeek-V3 technical report 3.3.3 (E5M6), IEEE 754 (FP16, FP32), NVIDIA's TF32.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from assay.harness.errors import RefusalError

Specials = Literal["ieee", "fn", "fnuz", "finite"]


@dataclass(frozen=True)
class Format:
    """One binary floating-point format.

    Attributes:
        name: as it is written in configuration and records.
        bits: of one number.
        fraction: explicit fraction bits; a normal number has one more significant bit.
        bias: of the exponent field.
        largest: largest finite value.
        specials: ``ieee`` (infinities and NaN), ``fn`` (NaN only, at the all-ones code), ``fnuz`` (NaN at the code of -0, so no -0),
            ``finite`` (neither).
        library: name of its dtype in ml_dtypes, empty where it has none.
        torch: name of its dtype in torch, empty where it has none.

    """

    name: str
    bits: int
    fraction: int
    bias: int
    largest: float
    specials: Specials
    library: str = ""
    torch: str = ""

    @property
    def emin(self) -> int:
        """Exponent of the smallest normal number; subnormals share it."""
        return 1 - self.bias

    @property
    def emax(self) -> int:
        """Exponent of the largest finite number."""
        return int(self.largest).bit_length() - 1 if self.largest >= 1 else 0

    @property
    def smallest(self) -> float:
        """Smallest positive number, a subnormal one."""
        return float(2.0 ** (self.emin - self.fraction))

    @property
    def least_normal(self) -> float:
        """Smallest positive normal number."""
        return float(2.0**self.emin)

    @property
    def has_nan(self) -> bool:
        """Whether there is a code for NaN."""
        return self.specials != "finite"


FORMATS = MappingProxyType(
    {
        one.name: one
        for one in (
            Format("e4m3", 8, 3, 7, 448.0, "fn", "float8_e4m3fn", "float8_e4m3fn"),
            Format("e5m2", 8, 2, 15, 57344.0, "ieee", "float8_e5m2", "float8_e5m2"),
            Format("e4m3fnuz", 8, 3, 8, 240.0, "fnuz", "float8_e4m3fnuz", "float8_e4m3fnuz"),
            Format("e5m2fnuz", 8, 2, 16, 57344.0, "fnuz", "float8_e5m2fnuz", "float8_e5m2fnuz"),
            Format("e3m2", 6, 2, 3, 28.0, "finite", "float6_e3m2fn"),
            Format("e2m3", 6, 3, 1, 7.5, "finite", "float6_e2m3fn"),
            Format("e2m1", 4, 1, 1, 6.0, "finite", "float4_e2m1fn"),
            Format("e5m6", 12, 6, 15, 65024.0, "ieee"),
            Format("fp16", 16, 10, 15, 65504.0, "ieee", "", "float16"),
            Format("bf16", 16, 7, 127, float.fromhex("0x1.fep+127"), "ieee", "bfloat16", "bfloat16"),
            Format("tf32", 19, 10, 127, float.fromhex("0x1.ffcp+127"), "ieee"),
            Format("fp32", 32, 23, 127, float.fromhex("0x1.fffffep+127"), "ieee", "", "float32"),
        )
    }
)

# Scales only. It has neither sign nor fraction nor subnormal numbers: code 0 is 2**-127, a normal number, which is why its bias is one more
# here than the specification's, whose field counts from 2**-127 on.
E8M0 = Format("e8m0", 8, 0, 128, 2.0**127, "fn", "float8_e8m0fnu", "float8_e8m0fnu")

# What a role means where hardware has its own form of it: AMD's CDNA 3 computes in FNUZ formats, everything since in OCP's.
FNUZ_ARCHITECTURES = ("gfx940", "gfx941", "gfx942")
ROLES = MappingProxyType({"fp8": ("e4m3", "e4m3fnuz"), "fp8_gradient": ("e5m2", "e5m2fnuz")})


def ieee(name: str, exponent_bits: int, fraction: int) -> Format:
    """Make a format with IEEE 754's layout: bias 2**(exponent_bits - 1) - 1, which is the largest exponent too."""
    top: int = 2 ** (exponent_bits - 1) - 1
    return Format(name, 1 + exponent_bits + fraction, fraction, top, (2 - 2.0**-fraction) * 2.0**top, "ieee")


def format_named(name: str, *, where: str = "format") -> Format:
    """Give a format by its name; RefusalError names the ones there are."""
    if name not in FORMATS:
        message = "is no number format"
        raise RefusalError(message, value=name, where=where, fix=f"Choose one of {', '.join(FORMATS)}.")
    return FORMATS[name]


def format_of_role(role: str, architecture: str, *, where: str = "format") -> Format:
    """Give the format that a device of this architecture (``gfx942``, ``sm_90``, ``x86_64``) has for a role; a format's name is itself."""
    if role in FORMATS:
        return FORMATS[role]
    if role not in ROLES:
        message = "is neither a number format nor a role"
        raise RefusalError(message, value=role, where=where, fix=f"Roles are {', '.join(ROLES)}; formats {', '.join(FORMATS)}.")
    ocp, fnuz = ROLES[role]
    return FORMATS[fnuz if architecture.partition(":")[0] in FNUZ_ARCHITECTURES else ocp]
