"""Formats on one tensor: codes held against the nearest, one wrong code found, scores against hand-made ones, bytes against the formula."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from assay.harness.errors import RefusalError
from assay.suites.numerics.compared import CHOICES, choice, codes, decode, encode, reach, rows_of, wire_nbytes
from assay.suites.numerics.distributions import DISTRIBUTIONS, drawn, known
from assay.suites.numerics.fidelity import bias, fidelity
from assay.suites.numerics.formats.format import FORMATS
from assay.suites.numerics.nearest import grid_of, misplaced, numbers
from assay.suites.numerics.quantise import Quantised

ROWS, K = 16, 512


def tensors() -> Iterator[torch.Tensor]:
    """Give every distribution, and one with tiles of zeros, one magnitude, and numbers at both ends of what tiles can span."""
    for name in DISTRIBUTIONS:
        yield drawn(name, ROWS, K, 3)
    odd = drawn("normal", ROWS, K, 4)
    odd[2, :128], odd[3, 128:256] = 0.0, -0.75
    odd[4] *= torch.exp2(torch.linspace(-40, 0, K))
    odd[5], odd[6] = odd[5] * 1e30, odd[6] * 1e-30
    odd[7, ::2] = -0.0
    yield odd


@pytest.mark.parametrize("name", CHOICES)
def test_every_code_is_the_nearest_and_one_that_is_not_is_found(name: str) -> None:
    for values in tensors():
        coded, given = encode(values, choice(name)), values.double().numpy()
        assert not misplaced(given, coded).any()
        np.testing.assert_allclose(numbers(coded), decode(coded, torch.float64).numpy(), rtol=1e-12, atol=0)
        held = codes(coded)
        place = (9, 77)
        before = float(held[place])
        held[place] = held[place] - 1 if held.dtype == torch.int32 else before / 2 if before else 1.0
        assert float(held[place]) != before
        assert bool(misplaced(given, coded)[place])


@pytest.mark.parametrize("name", [name for name, one in CHOICES.items() if one.recipe])
def test_a_wrong_scale_is_found_in_all_of_its_block_and_nowhere_else(name: str) -> None:
    values = drawn("normal", ROWS, K, 5)
    coded = encode(values, choice(name))
    assert isinstance(coded, Quantised)
    coded.scales[3, 1] *= 2
    wrong = misplaced(values.double().numpy(), coded)
    width = coded.columns
    assert wrong[3, width : 2 * width].all()
    assert wrong.sum() == width


def test_a_wrong_sign_and_a_lost_zero_are_found_in_logfmt() -> None:
    values = drawn("normal", 2, 128, 6)
    values[0, 3] = 0.0
    for place, change in (((1, 7), 1 << 7), ((0, 3), 1)):
        coded: Any = encode(values, choice("logfmt8"))
        coded.codes[place] ^= change
        assert np.argwhere(misplaced(values.double().numpy(), coded)).tolist() == [list(place)]


def test_scores_are_those_of_their_formulas() -> None:
    x = drawn("normal", 4, 256, 1)
    x[0, 5] = 0.0
    y = x.double() * 0.75
    y[1, 2] = 0.0
    found = fidelity(x, y)
    exact = x.double()
    error = y - exact
    assert found["rel_rmse"] == pytest.approx(float(error.norm() / exact.norm()))
    assert found["calc_diff"] == pytest.approx(float(1 - 2 * (exact * y).sum() / (exact.square().sum() + y.square().sum())))
    assert found["max_rel_error"] == 1
    assert found["flushed"] == pytest.approx(1 / (4 * 256 - 1))
    assert found["bias"] == pytest.approx(float((y.abs().sum() - exact.abs().sum()) / exact.abs().sum()))
    same = fidelity(x, exact)
    assert (same["rel_rmse"], same["calc_diff"], same["bias"], same["flushed"]) == (0, 0, 0, 0)


def test_the_interval_of_the_bias_holds_the_truth_as_often_as_it_says() -> None:
    # 400 samples of 60 tiles, ratio of means 0.01: 95 % of the intervals; the binomial's own 99.9 % is 91 to 98.
    source = np.random.default_rng(7)
    hits = 0
    for _ in range(400):
        size = torch.from_numpy(source.gamma(20, 5, 60))
        shrunk = 0.01 * size + torch.from_numpy(source.normal(0, 0.5, 60))
        found = bias(shrunk, size)
        hits += found["bias_low"] <= 0.01 <= found["bias_high"]
    assert 364 <= hits <= 392


def test_a_single_tile_and_tiles_of_zeros() -> None:
    assert set(bias(torch.tensor([1.0, 0.0]), torch.tensor([10.0, 0.0]))) == {"bias"}
    assert bias(torch.tensor([1.0, 0.0, 1.0]), torch.tensor([10.0, 0.0, 10.0])) == {"bias": 0.1, "bias_low": 0.1, "bias_high": 0.1}


def test_bytes_on_the_wire_are_those_of_the_formula() -> None:
    values = drawn("normal", ROWS, K, 2)
    wanted = {f"logfmt{n}": n / 8 + 4 / 128 for n in range(6, 11)} | {
        "e4m3": 1 + 4 / 128,
        "e5m2": 1 + 4 / 128,
        "e5m6": 12 / 8 + 1 / 128,
        "bf16": 2,
        "mxfp8": 1 + 1 / 32,
        "mxfp6_e2m3": 6 / 8 + 1 / 32,
        "mxfp6_e3m2": 6 / 8 + 1 / 32,
        "mxfp4": 4 / 8 + 1 / 32,
        "nvfp4": 4 / 8 + 1 / 16 + 4 / (ROWS * K),
    }
    assert {name: wire_nbytes(encode(values, one)) / values.numel() for name, one in CHOICES.items()} == wanted


def test_reach_is_from_the_smallest_to_the_largest_that_codes_can_say() -> None:
    values = torch.zeros(3, 256)
    values[0, :128], values[0, 1] = 2.0, 1.0  # levels from 1 to 2
    values[1, :128] = 448.0  # scale 1
    low, high, octaves = reach(encode(values[:1], choice("logfmt8")))
    assert (low, high, octaves) == tuple(pytest.approx(one) for one in (1, 2, 1))
    assert reach(encode(values[1:], choice("e4m3"))) == (2.0**-9, 448.0, math.log2(448 * 2**9))
    assert reach(encode(values, choice("bf16")))[:2] == (2.0**-133, FORMATS["bf16"].largest)


@pytest.mark.parametrize("name", ["e4m3", "e5m2", "e3m2", "e2m3", "e2m1"])
def test_the_grid_holds_every_finite_number(name: str) -> None:
    from assay.suites.numerics.formats.codec import decode as of_codes

    of = FORMATS[name]
    values = of_codes(np.arange(1 << of.bits, dtype=np.uint8), of)
    assert grid_of(of).tolist() == sorted({float(one) for one in values if np.isfinite(one)})


def test_rows_of_codes_are_the_codes_of_rows() -> None:
    values = drawn("heavy_tails", ROWS, K, 8)
    for one in CHOICES.values():
        coded = encode(values, one)
        assert torch.equal(decode(rows_of(coded, slice(2, 16, 5)), torch.float64), decode(coded, torch.float64)[2:16:5])


def test_distributions_are_what_they_say() -> None:
    drawings = {name: drawn(name, 400, 2048, 0) for name in DISTRIBUTIONS}
    assert 0 <= float(drawings["uniform"].min()) <= float(drawings["uniform"].max()) < 1
    # Student's t with 4 degrees of freedom: variance 2, and 0.2 % beyond 8.61 / 2 (its 99.9 % point is 7.17, two-sided 8.61).
    assert float((drawings["heavy_tails"].abs() > 8.610).float().mean()) == pytest.approx(0.001, rel=0.15)
    assert float(drawings["lognormal"].log().mean()) == pytest.approx(0, abs=0.01)
    spread = drawings["outlier_channels"].std(dim=0)
    assert int((spread > 50).sum()) == 2  # 0.1 % of 2048
    assert float(drawings["normal"].std()) == pytest.approx(1, abs=0.01)
    assert torch.equal(drawings["normal"], drawn("normal", 400, 2048, 0))
    assert not torch.equal(drawings["normal"], drawn("normal", 400, 2048, 1))


def test_unknown_names_are_refused_with_those_there_are() -> None:
    with pytest.raises(RefusalError, match="no format") as refused:
        choice("fp7")
    assert "logfmt10" in refused.value.fix
    with pytest.raises(RefusalError, match="no distribution"):
        known("cauchy")
