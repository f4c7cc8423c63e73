"""E8M0 scales: which power of two a block of numbers shares, by integer arithmetic on the float32 of its largest magnitude.

A cast to E8M0 is no such rule: torch's rounds to nearest with ties up, and maps zero and negative numbers without a word.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from assay.harness.errors import RefusalError
from assay.suites.numerics.formats.format import Format

if TYPE_CHECKING:
    import torch

Rule = Literal["floor", "ceil", "rceil", "even"]
RULES: tuple[Rule, ...] = ("floor", "ceil", "rceil", "even")
BIAS, NAN = 127, 255  # of E8M0: code 0 is 2^-127, 254 is 2^127
MANTISSA_BITS = 23
MANTISSA = (1 << MANTISSA_BITS) - 1


def scale_codes(amax: torch.Tensor, target: Format, rule: Rule) -> torch.Tensor:
    """Give the E8M0 code (uint8) of each block's scale from its largest magnitude ``amax`` (float32, >= 0).

    - ``floor``: 2^(floor(log2 amax) - emax), OCP MX 1.0 section 6.3; saturates where amax has a larger mantissa than the largest number
    - ``ceil``: 2^(ceil(log2 amax) - emax)
    - ``rceil``: 2^ceil(log2(amax / largest)), the smallest power of two with which nothing saturates (cuBLAS, DeepGEMM)
    - ``even``: amax rounded to the format's significand first (ties away from zero), then floor

    A block of zeros gets 2^-127; a block with NaN or infinity the code of NaN. RefusalError for an unknown rule.
    """
    import torch

    if rule not in RULES:
        message = "is no rule for a shared exponent"
        raise RefusalError(message, value=rule, where="scale", fix=f"Choose one of {', '.join(RULES)}.")
    plain = amax.float().contiguous()
    # Subnormal float32 are lifted so that exponent and mantissa lie in their fields.
    small = plain < 2.0**-126
    bits = torch.where(small, plain * 2.0**32, plain).view(torch.int32)
    if rule == "even":
        bits = bits + (1 << (MANTISSA_BITS - target.fraction - 1))
    exponent = (bits >> MANTISSA_BITS) - BIAS - torch.where(small, 32, 0)
    mantissa = bits & MANTISSA
    if rule == "ceil":
        exponent = exponent + (mantissa != 0).int()
    if rule == "rceil":
        whole = int(torch.tensor([target.largest], dtype=torch.float32).view(torch.int32)[0]) & MANTISSA
        exponent = exponent + (mantissa > whole).int()
    codes = (exponent - target.emax + BIAS).clamp_(0, NAN - 1)
    codes = torch.where(plain == 0, 0, codes)
    return torch.where(plain.isfinite(), codes, NAN).to(torch.uint8)


def scale_values(codes: torch.Tensor) -> torch.Tensor:
    """Give the float32 power of two of each E8M0 code; NaN for the code of NaN. 2^-127 is a subnormal float32, and exact."""
    import torch

    whole = codes.to(torch.int32)
    bits = torch.where(whole == 0, 1 << (MANTISSA_BITS - 1), whole << MANTISSA_BITS)
    values = bits.view(torch.float32)
    return torch.where(whole == NAN, torch.full_like(values, torch.nan), values)
