"""Bus factors and wire bytes against nccl-tests' definitions and a count by hand."""

from __future__ import annotations

import pytest

from assay.collectives.factors import (
    all_reduce_factor,
    all_reduce_wire,
    all_to_all_factor,
    all_to_all_wire,
    one_way_factor,
    one_way_wire,
)


def test_factors_are_those_of_nccl_tests() -> None:
    # doc/PERFORMANCE.md of nccl-tests: all-reduce 2(n-1)/n, all-to-all (n-1)/n.
    assert [all_reduce_factor(n) for n in (2, 4, 8)] == [1.0, 1.5, 1.75]
    assert [all_to_all_factor(n) for n in (2, 4, 8)] == [0.5, 0.75, 0.875]
    assert [one_way_factor(n) for n in (2, 4, 8)] == [1.0, 1.0, 1.0]  # broadcast, sendrecv


def test_one_rank_has_no_bus() -> None:
    assert all_reduce_factor(1) is None
    assert all_to_all_factor(1) is None
    assert one_way_factor(1) is None
    assert one_way_wire(1024, 1) == 0
    assert all_reduce_wire(1024, 1) == all_to_all_wire(1024, 1) == 0


@pytest.mark.parametrize("n", [2, 3, 8])
def test_wire_bytes_are_what_a_ring_and_a_direct_exchange_send(n: int) -> None:
    nbytes = 24 * n
    ring = sum(nbytes // n for _ in range(2 * (n - 1)))  # reduce-scatter and all-gather: n - 1 steps each, one chunk a step
    direct = sum(nbytes // n for peer in range(n) if peer != 0)
    assert all_reduce_wire(nbytes, n) == ring
    assert all_to_all_wire(nbytes, n) == direct
    assert all_reduce_wire(8, 3) == 11  # 10 2/3, rounded up
