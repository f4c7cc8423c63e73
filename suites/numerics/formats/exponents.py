"""E8M0 scales: which power of two a block of numbers shares, by integer arithmetic on the float32 of its largest magnitude.

A cast to E8M0 is no such rule: torch's rounds to nearest with ties up, and maps zero and negative numbers without a word.
"""

from __future__ import annotations

import struct
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
WITHOUT_SIGN = 0x7FFFFFFF
INFINITY = 0x7F800000  # the bits of float32 infinity; NaN lies above


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
    bits = amax.float().contiguous().view(torch.int32) & WITHOUT_SIGN  # NaN has either sign
    # What is added carries into the exponent where the mantissa says so. A subnormal amax has the exponent field 0, and so code 0, which is
    # right: the largest number of every format is at least 2^2, and its own code would be 0 or below.
    codes = (bits + carry(target, rule)).bitwise_right_shift_(MANTISSA_BITS).sub_(target.emax).clamp_(0, NAN - 1)
    if bits.numel() and bits.max() >= INFINITY:
        codes.masked_fill_(bits >= INFINITY, NAN)
    return codes.to(torch.uint8)


def carry(target: Format, rule: Rule) -> int:
    """Give what makes a mantissa overflow where the rule takes the next power of two."""
    if rule == "ceil":
        return MANTISSA
    if rule == "rceil":
        return MANTISSA - (int.from_bytes(struct.pack("<f", target.largest), "little") & MANTISSA)
    return 1 << (MANTISSA_BITS - target.fraction - 1) if rule == "even" else 0


def scale_values(codes: torch.Tensor) -> torch.Tensor:
    """Give the float32 power of two of each E8M0 code; NaN for the code of NaN. 2^-127 is a subnormal float32, and exact."""
    import torch

    bits = codes.to(torch.int32).bitwise_left_shift_(MANTISSA_BITS).clamp_(min=1 << (MANTISSA_BITS - 1))
    values = bits.view(torch.float32)
    return values.masked_fill_(codes == NAN, torch.nan) if codes.numel() and codes.max() == NAN else values
