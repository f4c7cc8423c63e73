"""Shared exponents against exact fractions: every rule at, just below and just above the edges where it changes."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import gfloat
import numpy as np
import pytest
import torch
from gfloat.formats import format_info_ocp_e8m0

from assay.harness.errors import RefusalError
from assay.suites.numerics.formats.exponents import NAN, RULES, scale_codes, scale_values
from assay.suites.numerics.formats.format import FORMATS, Format

TARGETS = ("e4m3", "e5m2", "e3m2", "e2m3", "e2m1")


def floor_log2(number: Fraction) -> int:
    """Give floor(log2) of a positive number, exactly."""
    guess = math.floor(math.log2(number.numerator) - math.log2(number.denominator))
    while Fraction(2) ** guess > number:
        guess -= 1
    while Fraction(2) ** (guess + 1) <= number:
        guess += 1
    return guess


def ceil_log2(number: Fraction) -> int:
    """Give ceil(log2) of a positive number, exactly."""
    low = floor_log2(number)
    return low if Fraction(2) ** low == number else low + 1


def by_definition(amax: float, target: Format, rule: str) -> int:
    """Give the exponent of the scale from the rule's words."""
    whole = Fraction(amax)
    if rule == "floor":
        return floor_log2(whole) - target.emax
    if rule == "ceil":
        return ceil_log2(whole) - target.emax
    if rule == "rceil":
        return ceil_log2(whole / Fraction(target.largest))
    grid = Fraction(2) ** (floor_log2(whole) - target.fraction)
    return floor_log2((whole / grid + Fraction(1, 2)).__floor__() * grid) - target.emax


def amaxes() -> list[float]:
    """List magnitudes around every edge, ordinary ones, and the ends of float32."""
    edges = [m * 2.0**e for e in (-20, -1, 0, 3, 9) for m in (1.0, 1.25, 1.5, 1.75, 1.875, 1.9375)]
    near = [float(np.nextafter(np.float32(edge), np.float32(towards))) for edge in edges for towards in (0.0, np.inf)]
    drawn = np.exp2(np.random.default_rng(3).uniform(-40, 40, 500)).astype(np.float32).tolist()
    return [*edges, *near, *drawn, 2.0**-149, 2.0**-126, 3 * 2.0**-140, float(np.finfo(np.float32).max)]


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", TARGETS)
def test_every_rule_is_what_its_words_say(name: str, rule: Any) -> None:
    target, given = FORMATS[name], amaxes()
    codes = scale_codes(torch.tensor(given, dtype=torch.float32), target, rule)
    wanted = [min(max(by_definition(amax, target, rule) + 127, 0), 254) for amax in given]
    assert codes.tolist() == wanted


@pytest.mark.parametrize("name", TARGETS)
def test_rceil_is_the_smallest_scale_with_which_nothing_saturates(name: str) -> None:
    target = FORMATS[name]
    amax = torch.tensor([a for a in amaxes() if 2.0**-100 < a < 2.0**100], dtype=torch.float32)
    scales = scale_values(scale_codes(amax, target, "rceil")).double()
    assert bool((amax.double() <= scales * target.largest).all())
    assert bool((amax.double() > scales / 2 * target.largest).all())


@pytest.mark.parametrize("rule", RULES)
def test_blocks_of_zeros_and_of_what_is_no_number(rule: Any) -> None:
    codes = scale_codes(torch.tensor([0.0, math.nan, math.inf]), FORMATS["e4m3"], rule)
    assert codes.tolist() == [0, NAN, NAN]
    values = scale_values(codes).tolist()
    assert values[0] == 2.0**-127
    assert all(math.isnan(value) for value in values[1:])


def test_every_code_is_its_power_of_two() -> None:
    values = scale_values(torch.arange(255, dtype=torch.uint8)).tolist()
    assert values == [2.0 ** (code - 127) for code in range(255)]


def test_every_code_is_what_gfloat_says() -> None:
    values = scale_values(torch.arange(256, dtype=torch.int32).to(torch.uint8)).double().numpy()
    wanted = np.array([gfloat.decode_float(format_info_ocp_e8m0, code).fval for code in range(256)])
    np.testing.assert_array_equal(values, wanted)


def wide(precision: int) -> gfloat.FormatInfo:
    """Describe numbers of a precision with more exponents than float32 has."""
    rest = {"is_signed": True, "has_subnormals": True, "is_twos_complement": False}
    return gfloat.FormatInfo(
        "wide", 10 + precision, precision, bias=511, domain=gfloat.Domain.Extended, has_nz=True, num_high_nans=1, **rest
    )


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", TARGETS)
def test_every_positive_bf16_number_has_the_scale_that_gfloat_rounds_to(name: str, rule: Any) -> None:
    target = FORMATS[name]
    given = torch.arange(1, 0x7F80, dtype=torch.int16).view(torch.bfloat16).float()
    amax, towards = given.double().numpy(), gfloat.RoundMode.TowardZero
    if rule in {"ceil", "rceil"}:
        towards = gfloat.RoundMode.TowardPositive
    if rule == "rceil":
        amax = amax / target.largest * 2.0**target.emax  # a quotient that is no power of two is 2^-9 and more away from one
    elif rule == "even":
        amax = gfloat.round_ndarray(wide(target.fraction + 1), amax, gfloat.RoundMode.TiesToAway)
    powers = gfloat.round_ndarray(wide(1), amax, towards)
    codes = np.clip(np.log2(powers) - target.emax + 127, 0, 254)
    assert scale_codes(given, target, rule).tolist() == codes.tolist()


@pytest.mark.parametrize("rule", RULES)
def test_a_negative_nan_is_no_number_either(rule: Any) -> None:
    amax = torch.tensor([-(1 << 22), 0x7F800001], dtype=torch.int32).view(torch.float32)
    assert bool(amax.isnan().all())
    assert scale_codes(amax, FORMATS["e4m3"], rule).tolist() == [NAN, NAN]


def test_a_subnormal_amax_has_code_0_for_every_format() -> None:
    # What the integer arithmetic relies on: the largest number of each format is 2^2 or more.
    assert min(one.emax for one in FORMATS.values()) >= 2


def test_an_unknown_rule_is_refused() -> None:
    with pytest.raises(RefusalError):
        scale_codes(torch.ones(1), FORMATS["e4m3"], "nearest")  # type: ignore[arg-type]
