"""Codes and rounding, exhaustively, against gfloat (decoding, rounding), ml_dtypes and exact fractions."""

from __future__ import annotations

import math
from bisect import bisect
from fractions import Fraction
from itertools import pairwise
from typing import Any

import gfloat
import gfloat.formats as published
import numpy as np
import pytest
import torch

from assay.harness.errors import RefusalError
from assay.suites.numerics.formats.codec import decode, encode
from assay.suites.numerics.formats.format import FORMATS, Format, format_named, format_of_role
from assay.suites.numerics.formats.rounding import round_to


def fnuz(name: str, precision: int, bias: int) -> gfloat.FormatInfo:
    """Describe a FNUZ format to gfloat (arXiv 2206.02915): no infinity, no -0, and NaN where -0 would be."""
    rest = {"is_signed": True, "has_subnormals": True, "is_twos_complement": False}
    return gfloat.FormatInfo(name, 8, precision, bias=bias, domain=gfloat.Domain.Finite, has_nz=False, num_high_nans=0, **rest)


CODED = {
    "e4m3": published.format_info_ocp_e4m3,
    "e5m2": published.format_info_ocp_e5m2,
    "e4m3fnuz": fnuz("e4m3fnuz", 4, 8),
    "e5m2fnuz": fnuz("e5m2fnuz", 3, 16),
    "e3m2": published.format_info_ocp_e3m2,
    "e2m3": published.format_info_ocp_e2m3,
    "e2m1": published.format_info_ocp_e2m1,
}
FAR = -20  # below this smallest exponent a format's numbers are too many to list: from 2^-6 on will do
ALL_BF16 = torch.arange(1 << 16, dtype=torch.int32).to(torch.int16).view(torch.bfloat16).float()


def exact_value(code: int, of: Format) -> float:
    """Give the number of a code from the format's definition alone."""
    sign, body = code >> (of.bits - 1), code & ((1 << (of.bits - 1)) - 1)
    field, fraction = body >> of.fraction, body & ((1 << of.fraction) - 1)
    top = (1 << (of.bits - 1 - of.fraction)) - 1
    if of.specials == "fnuz" and sign and not body:
        return math.nan
    if of.specials == "fn" and body == (1 << (of.bits - 1)) - 1:
        return math.nan
    if of.specials == "ieee" and field == top:
        return math.nan if fraction else (-math.inf if sign else math.inf)
    magnitude = Fraction(fraction + (1 << of.fraction if field else 0)) * Fraction(2) ** (max(field, 1) - of.bias - of.fraction)
    return -float(magnitude) if sign else float(magnitude)


def same(a: Any, b: Any) -> bool:
    """Tell whether two arrays hold the same numbers, signs of zero included."""
    left, right = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    number = ~np.isnan(left)
    return bool(np.array_equal(left, right, equal_nan=True) and np.array_equal(np.signbit(left[number]), np.signbit(right[number])))


@pytest.mark.parametrize("name", CODED)
def test_every_code_is_the_number_that_the_format_says(name: str) -> None:
    of = FORMATS[name]
    codes = np.arange(1 << of.bits, dtype=np.uint8)
    decoded = decode(codes, of)
    assert same(decoded, [exact_value(int(code), of) for code in codes])
    assert same(decoded, [gfloat.decode_float(CODED[name], int(code)).fval for code in codes])
    finite = decoded[np.isfinite(decoded)]
    assert (finite.max(), finite[finite > 0].min()) == (of.largest, of.smallest)


@pytest.mark.parametrize("overflow", ["saturate", "special"])
@pytest.mark.parametrize("name", CODED)
def test_every_bf16_number_is_encoded_as_gfloat_rounds_it(name: str, overflow: Any) -> None:
    of = FORMATS[name]
    given = ALL_BF16 if of.has_nan else ALL_BF16[~ALL_BF16.isnan()]
    mode = gfloat.RoundMode.TiesToEven
    wanted = gfloat.round_ndarray(CODED[name], given.double().numpy(), mode, sat=overflow == "saturate" or not of.has_nan)
    assert same(decode(encode(given, of, overflow=overflow), of), wanted)


@pytest.mark.parametrize("name", ["e4m3fnuz", "e5m2fnuz"])
def test_every_bf16_number_is_encoded_as_ml_dtypes_does_where_it_overflows_to_nan(name: str) -> None:
    import ml_dtypes

    of = FORMATS[name]
    with np.errstate(all="ignore"):
        wanted = ALL_BF16.numpy().astype(getattr(ml_dtypes, of.library)).astype(np.float32)
    assert same(decode(encode(ALL_BF16, of, overflow="special"), of), wanted)


@pytest.mark.parametrize("name", ["fp16", "bf16"])
def test_rounding_to_sixteen_bits_is_torchs_own_conversion(name: str) -> None:
    source = torch.Generator().manual_seed(5)
    bits = torch.randint(-(1 << 31), (1 << 31) - 1, (200_000,), generator=source, dtype=torch.int64).to(torch.int32)
    values = bits.view(torch.float32)
    values = values[~values.isnan()]
    assert same(round_to(values, FORMATS[name], overflow="special"), values.to(getattr(torch, FORMATS[name].torch)).float())


@pytest.mark.parametrize("name", ["e5m6", "tf32", "e4m3", "e5m2fnuz", "e2m1"])
def test_rounding_is_to_the_nearest_of_all_numbers_ties_to_even(name: str) -> None:
    of = FORMATS[name]
    grid = sorted({sign * exact for sign in (-1.0, 1.0) for exact in positive(of)})
    source = np.random.default_rng(11)
    between = [(a + b) / 2 for a, b in pairwise(grid) if of.emin > FAR or min(abs(a), abs(b)) > 0.02]
    picked = source.choice(len(between), 300)
    values = (
        [between[i] for i in picked]
        + list(source.uniform(0.02, 2, 300) * source.choice([-1, 1], 300))
        + [grid[i] for i in source.choice(len(grid), 100)]
    )
    rounded = round_to(torch.tensor(values, dtype=torch.float32), of).tolist()
    for given, got in zip(torch.tensor(values, dtype=torch.float32).tolist(), rounded, strict=True):
        place = bisect(grid, given)
        beside = grid[max(place - 1, 0) : place + 1]
        distances = [(abs(Fraction(one) - Fraction(given)), odd(one, of), one) for one in beside]
        assert got == min(distances)[2], (given, got, beside)


def positive(of: Format) -> list[float]:
    """List numbers of a format from 0 on, as far as 4 where it reaches farther."""
    found = [0.0]
    step = Fraction(2) ** (of.emin - of.fraction) if of.emin > FAR else Fraction(2) ** (-6 - of.fraction)
    start = of.emin if of.emin > FAR else -6
    found += [float(step * i) for i in range(1, 1 << of.fraction)]
    for exponent in range(start, min(of.emax, 1) + 1):
        found += [float(Fraction((1 << of.fraction) + i) * Fraction(2) ** (exponent - of.fraction)) for i in range(1 << of.fraction)]
    return [one for one in found if one <= of.largest]


def odd(number: float, of: Format) -> int:
    """Give the last bit of a number's significand."""
    exponent = max(math.frexp(number)[1] - 1, of.emin) if number else of.emin
    return int(Fraction(abs(number)) / Fraction(2) ** (exponent - of.fraction)) & 1


def test_float64_is_rounded_once() -> None:
    tie = np.array([1.0625 + 2.0**-40, 1.0625, 1.0625 - 2.0**-40])  # between 1.0 and 1.125
    assert decode(encode(tie, FORMATS["e4m3"]), FORMATS["e4m3"]).tolist() == [1.125, 1.0, 1.0]


@pytest.mark.parametrize("overflow", ["saturate", "special"])
@pytest.mark.parametrize("name", CODED)
def test_every_tie_and_its_neighbours_are_rounded_as_gfloat_does(name: str, overflow: Any) -> None:
    # bf16 has no number halfway between two of E4M3's subnormal ones and their like; float32 has all of them.
    of = FORMATS[name]
    finite = sorted({float(x) for x in decode(np.arange(1 << of.bits, dtype=np.uint8), of) if np.isfinite(x)})
    step = finite[-1] - finite[-2]
    ties = [(a + b) / 2 for a, b in pairwise(finite)] + [sign * (of.largest + step * part) for sign in (-1, 1) for part in (0.5, 1.0, 2.0)]
    exact = np.array(ties, dtype=np.float32)
    assert same(exact, ties)
    given = np.concatenate([exact, np.nextafter(exact, np.float32(np.inf)), np.nextafter(exact, np.float32(-np.inf))])
    mode = gfloat.RoundMode.TiesToEven
    wanted = gfloat.round_ndarray(CODED[name], given.astype(np.float64), mode, sat=overflow == "saturate" or not of.has_nan)
    assert same(decode(encode(given, of, overflow=overflow), of), wanted)


def test_the_edges_of_overflow() -> None:
    e4m3, e5m2 = FORMATS["e4m3"], FORMATS["e5m2"]
    edge = np.array([464.0, 464.5, math.inf, -math.inf, math.nan], dtype=np.float32)
    assert same(decode(encode(edge, e4m3, overflow="special"), e4m3), [448.0, math.nan, math.nan, math.nan, math.nan])
    assert same(decode(encode(edge, e4m3), e4m3), [448.0, 448.0, 448.0, -448.0, math.nan])
    edge = np.array([61439.0, 61440.0], dtype=np.float32)
    assert same(decode(encode(edge, e5m2, overflow="special"), e5m2), [57344.0, math.inf])


def test_a_code_of_one_format_read_as_another_is_half_the_number() -> None:
    codes = encode(np.array([1.0, 3.5, -240.0], dtype=np.float32), FORMATS["e4m3"])
    assert decode(codes, FORMATS["e4m3fnuz"]).tolist() == [0.5, 1.75, -120.0]


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="has no NaN"):
        encode(np.array([math.nan], dtype=np.float32), FORMATS["e2m1"])
    with pytest.raises(ValueError, match="float16"):
        encode(np.array([1.0], dtype=np.float16), FORMATS["e4m3"])
    with pytest.raises(ValueError, match="no codes of one byte"):
        decode(np.array([1], dtype=np.uint8), FORMATS["bf16"])
    with pytest.raises(RefusalError):
        format_named("e4m4")
    with pytest.raises(RefusalError):
        format_of_role("fp9", "sm_90")


def test_a_role_is_the_format_that_the_device_has() -> None:
    assert format_of_role("fp8", "gfx942:sramecc+:xnack-").name == "e4m3fnuz"
    assert [format_of_role("fp8", name).name for name in ("gfx950", "sm_90", "x86_64")] == ["e4m3"] * 3
    assert format_of_role("fp8_gradient", "sm_90").name == "e5m2"
    assert format_of_role("e4m3", "gfx942").name == "e4m3"
