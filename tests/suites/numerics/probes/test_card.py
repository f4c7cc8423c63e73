"""Fingerprints of emulated units, whose truth is known, and of this CPU's own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from assay.harness.errors import NotApplicableError, RefusalError
from assay.suites.numerics.formats.format import FORMATS
from assay.suites.numerics.probes.box import Box
from assay.suites.numerics.probes.card import Card, fingerprint
from assay.suites.numerics.probes.published import FIELDS, expected, matches, verdict
from assay.suites.numerics.probes.real import real_unit
from assay.suites.numerics.probes.tree import canonical, find_order, leaves_of
from assay.suites.numerics.units.options import changed, make
from assay.suites.numerics.units.presets import preset
from assay.suites.numerics.units.unit import Unit
from tests.calibration import probes as blind

QUICK = (
    "v100_fp16",
    "a100_bf16",
    "h100_tf32",
    "ada_fp8",
    "h100_fp8",
    "b200_fp8",
    "mi100_bf16",
    "mi250_bf16_old",
    "mi300_fp8",
    "mi300_xf32",
)


def card_of(unit: Unit, k: int = 64, **more: Any) -> Card:
    """Take the fingerprint of an emulated unit."""
    return fingerprint(Box(unit.gemm, FORMATS[unit.a], FORMATS[unit.b], k=k, **more))


@pytest.mark.parametrize("name", QUICK)
def test_published_units_are_read_back_in_every_field(name: str) -> None:
    unit = preset(name)
    card, wanted = card_of(unit), expected(unit)
    assert {one: getattr(card, one) for one in FIELDS} == wanted
    assert card.deterministic
    assert verdict(card, unit.a, unit.b).startswith("conforms to ")
    assert name in verdict(card, unit.a, unit.b)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"bits": 12}, "bits"),
        ({"fused": 8}, "fused"),
        ({"align": "rne"}, "align"),
        ({"round": "rne"}, "out_round"),
        ({"out": "e8m12"}, "out_bits"),
    ],
)
def test_a_unit_that_differs_in_one_thing_is_told_by_that_thing(change: dict[str, Any], field: str) -> None:
    unit = changed(preset("h100_fp8"), **change)
    card = card_of(unit)
    assert getattr(card, field) == change.get(field, {"out_bits": 12, "out_round": "rne"}.get(field))
    said = verdict(card, "e4m3", "e4m3")
    assert said.startswith("unknown unit: recorded")
    nearest = matches(card, "e4m3", "e4m3")[0]
    assert field in nearest.differs


def test_promotion_and_split_k_are_told_apart_by_a_longer_k() -> None:
    promoted, divided = (card_of(make(fused=8, bits=13, out="e8m13", **how)) for how in ({"promote": 32}, {"split": 2}))
    assert (promoted.parts, promoted.split, promoted.join_bits, promoted.join_round) == (32, 0, 23, "rne")
    assert (divided.parts, divided.split) == (0, 2)


def test_random_units_are_never_misread() -> None:
    tally = blind.random_units(seed=3, size=2)
    assert tally.units == 2
    assert tally.wrong == []
    assert tally.fields["right"] > 20


def test_padding_moves_nothing_and_a_permutation_of_k_shows_in_the_tree() -> None:
    # More bits than results have: with fewer, a block of padding after the last one truncates the result once more, and that is what is seen.
    unit = make(fused=8, bits=25)
    source = np.random.default_rng(4)
    order = source.permutation(32)

    def padded(left: Any, right: Any) -> Any:
        return unit.gemm(np.pad(left, ((0, 3), (0, 7))), np.pad(right, ((0, 7), (0, 5))))[: len(left), : right.shape[1]]

    def permuted(left: Any, right: Any) -> Any:
        return unit.gemm(np.ascontiguousarray(left[:, order]), np.ascontiguousarray(right[order]))

    plain = card_of(unit, k=32)
    same = fingerprint(Box(padded, FORMATS["e4m3"], FORMATS["e4m3"], k=32))
    assert {one: getattr(same, one) for one in FIELDS} == {one: getattr(plain, one) for one in FIELDS}
    found = fingerprint(Box(permuted, FORMATS["e4m3"], FORMATS["e4m3"], k=32))
    assert {one: getattr(found, one) for one in FIELDS} == {one: getattr(plain, one) for one in FIELDS}
    # Position p of the caller is taken at order^-1: the first group holds the positions that the permutation puts first.
    assert plain.tree is not None
    tree = found.tree
    while isinstance(tree, tuple) and any(isinstance(child, tuple) for child in tree):
        tree = next(child for child in tree if isinstance(child, tuple))
    assert tree is not None
    assert set(leaves_of(tree)) == {int(position) for position in order[:8]}


def test_where_masking_cannot_work_the_order_is_undetermined() -> None:
    unit = make(fused=16, bits=27, align="rne")
    card = card_of(unit, k=256)
    assert (card.kind, card.bits) == (None, None)
    assert "no order of addition fits" in card.reasons["kind"]
    assert verdict(card, "e4m3", "e4m3").startswith("undetermined")
    tiny = make(a="e2m1", fused=8, bits=25)
    assert card_of(tiny, k=32).kind is None


@pytest.mark.parametrize("name", ["fp32", "bf16", "fp16", "e4m3"])
def test_this_cpus_own_units_are_read_without_contradiction(name: str) -> None:
    try:
        real = real_unit("cpu", name, name)
    except NotApplicableError as error:
        pytest.skip(str(error))
    card = fingerprint(Box(real.gemm, real.a, real.b, k=32, side=32, out=FORMATS[real.out]))
    assert card.deterministic
    if name == "fp32" and card.kind == "chain":
        assert (card.out_bits, card.out_round) == (23, "rne")
    # Whatever order was found must explain the sums themselves: computed along the tree they are equal to the last bit.
    if card.kind == "chain" and name == "fp32" and not card.parts:
        assert card.tree is not None
        source = np.random.default_rng(1)
        # Eight significant bits a factor: products and their sums with float32 are exact in float64, so each step is a fused multiply-add.
        left, right = (source.integers(-255, 256, (32, 32)).astype(np.float32) / 64 for _ in range(2))
        left[:, ::3] *= np.float32(2.0**-11)
        wanted = np.zeros((32, 32), dtype=np.float32)
        for k in leaves_of(card.tree):
            wanted = (wanted.astype(np.float64) + np.outer(left[:, k], right[k]).astype(np.float64)).astype(np.float32)
        assert np.array_equal(real.gemm(left, right), wanted)


def test_no_tf32_on_a_cpu_and_no_formats_that_cannot_meet() -> None:
    with pytest.raises(NotApplicableError):
        real_unit("cpu", "tf32", "tf32")
    with pytest.raises(RefusalError):
        real_unit("cpu", "bf16", "fp16")


def test_the_order_is_found_from_products_alone() -> None:
    # Brute force: the tree of a known addition in plain float32.
    def paired(left: Any, right: Any) -> Any:
        terms = [np.outer(left[:, k], right[k]).astype(np.float32) for k in range(left.shape[1])]
        while len(terms) > 1:
            terms = [a + b for a, b in zip(terms[::2], terms[1::2], strict=True)]
        return terms[0]

    order = find_order(Box(paired, FORMATS["bf16"], FORMATS["bf16"], k=8, side=4))
    assert order.tree is not None
    assert canonical(order.tree) == (((0, 1), (2, 3)), ((4, 5), (6, 7)))
