"""Trees made by hand, and what they say of hardware."""

from __future__ import annotations

from typing import Any

import pytest

from assay.suites.numerics.probes.rounding import MODES, modes_that_fit
from assay.suites.numerics.probes.structure import Structure, structure_of
from assay.suites.numerics.probes.tree import Order, Tree


def chain(groups: list[list[int]]) -> Tree:
    """Chain groups: each is added to the sum so far in one rounding."""
    tree: Any = tuple(groups[0]) if len(groups[0]) > 1 else groups[0][0]
    for group in groups[1:]:
        tree = (tree, *group)
    return tree  # type: ignore[no-any-return]


def cut(count: int, size: int, start: int = 0) -> list[list[int]]:
    """Cut positions into groups."""
    return [list(range(i, min(i + size, start + count))) for i in range(start, start + count, size)]


def read(tree: Tree) -> Structure:
    """Read a tree."""
    found = structure_of(Order(tree=tree))
    assert found is not None
    return found


@pytest.mark.parametrize("fused", [2, 4, 8, 16])
def test_a_chain_of_fused_groups(fused: int) -> None:
    found = read(chain(cut(64, fused)))
    assert (found.kind, found.fused, len(found.groups), len(found.parts)) == ("fused", fused, 64 // fused, 1)


def test_the_last_group_may_be_shorter() -> None:
    assert read(chain(cut(20, 8))).fused == 8


def test_one_product_at_a_time() -> None:
    found = read(chain(cut(16, 1)))
    assert (found.kind, found.fused, len(found.groups)) == ("chain", 1, 16)


def test_promotion_joins_parts_one_after_the_other() -> None:
    parts = [chain(cut(32, 8, start)) for start in (0, 32, 64, 96)]
    total: Tree = parts[0]
    for part in parts[1:]:
        total = (total, part)
    found = read(total)
    assert (found.kind, found.fused, found.joined, len(found.parts)) == ("fused", 8, 32, 4)
    assert found.parts[1] == tuple(range(32, 64))
    assert read(tuple(parts)).joined == 32  # all parts joined at once


def test_pairs_are_a_part_where_later_ones_have_their_size_and_one_tree_otherwise() -> None:
    quads = [((i, i + 1), (i + 2, i + 3)) for i in range(0, 16, 4)]
    total: Tree = quads[0]
    for quad in quads[1:]:
        total = (total, quad)
    found = read(total)
    assert (found.kind, found.fused, found.joined) == ("pairs", 4, 4)
    alone = read(((quads[0], quads[1]), (quads[2], quads[3])))
    assert (alone.kind, alone.fused, len(alone.parts)) == ("pairs", 16, 1)


def test_two_interleaved_chains() -> None:
    even, odd = (chain([[i] for i in range(first, 32, 2)]) for first in (0, 1))
    found = read((even, odd))
    assert (found.kind, found.fused, found.joined) == ("chain", 1, 16)
    assert found.parts == (tuple(range(0, 32, 2)), tuple(range(1, 32, 2)))


def test_what_fits_no_words_is_other() -> None:
    assert read((((0, 1), (2, 3, 4)), 5)).kind == "other"
    assert structure_of(Order(reason="nothing")) is None


@pytest.mark.parametrize("name", MODES)
def test_every_rounding_is_told_from_the_others(name: str) -> None:
    seen = {x: MODES[name](x) for part in (0.25, 0.5, 0.75, 1.5) for x in (part, -part)}
    assert modes_that_fit(seen) == (name,)


def test_what_no_rounding_does_fits_none_and_nothing_seen_fits_nothing() -> None:
    assert modes_that_fit({0.25: 1.0, 0.75: 0.0}) == ()
    assert modes_that_fit({}) == ()
    assert set(modes_that_fit({0.5: 0.0, -0.5: 0.0})) == {"rz", "rne", "rnz", "ro"} - {"ro"}
