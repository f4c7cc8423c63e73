"""Inputs and expected answers of the collectives against brute force over all ranks; every planted fault is found, health is silent."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from assay.collectives.exchange import Exchange
from assay.collectives.sums import EXACT, MAX_RANKS, Sums


def summed(ranks: list[Sums], repetition: int) -> Any:
    """Add everybody's input in float32, rank by rank, as any transport might."""
    total = np.zeros(ranks[0].send_count, dtype=np.float32)
    for one in ranks:
        send = np.empty_like(total)
        one.fill(send, repetition)
        total += send
    return total


def sums(n: int, count: int = 5000) -> list[Sums]:
    """Make the patterns of all ranks."""
    return [Sums(count=count, rank=r, nranks=n, seed=1) for r in range(n)]


@pytest.mark.parametrize("n", [1, 2, 3, 8, 64])
def test_sums_of_all_ranks_are_what_every_rank_expects(n: int) -> None:
    ranks = sums(n)
    for repetition in (-1, 0, 1, 1000):
        total = summed(ranks, repetition)
        assert all(one.compare(total, repetition).ok for one in ranks)
        assert ranks[0].compare(total, repetition).tested == 5000


@pytest.mark.parametrize("n", [1, 2, 1000, 2896, MAX_RANKS])
def test_no_sum_can_leave_what_float32_holds_exactly(n: int) -> None:
    one = Sums(count=10, rank=n - 1, nranks=n, seed=0)
    largest = n * (2 * (one.room - 1)) + one.total_weight
    assert largest <= EXACT
    assert one.room > 100
    assert len({one.shift(i) for i in range(100)}) == 100


def test_a_stale_answer_is_wrong_and_named() -> None:
    ranks = sums(2)
    answer = ranks[0].compare(summed(ranks, 6), 7)
    assert not answer.ok
    assert "5000 of 5000" in answer.reason
    assert "the answer of the repetition before" in answer.reason


@pytest.mark.parametrize(("missing", "doubled"), [(0, None), (1, None), (2, 0), (0, 2)])
def test_a_missing_or_doubled_rank_is_wrong(missing: int, doubled: int | None) -> None:
    ranks = sums(3)
    heard = [one for r, one in enumerate(ranks) if r != missing] + ([ranks[doubled]] if doubled is not None else [])
    assert not ranks[0].compare(summed(heard, 4), 4).ok


@pytest.mark.parametrize("element", [0, 4321, 4999])
def test_one_wrong_sum_is_found_at_its_place(element: int) -> None:
    ranks = sums(2)
    total = summed(ranks, 0)
    right = float(total[element])
    for wrong in (right + 1, -right - 1, float("nan")):
        total[element] = wrong
        answer = ranks[1].compare(total, 0)
        assert not answer.ok
        assert answer.where == f"element {element}"
        assert "1 of 5000" in answer.reason
        assert f"expected {right:.10g}" in answer.reason


def test_swapped_halves_are_wrong() -> None:
    ranks = sums(2)
    total = summed(ranks, 0)
    assert not ranks[0].compare(np.concatenate([total[2500:], total[:2500]]), 0).ok


def exchanged(ranks: list[Exchange], repetition: int) -> list[Any]:
    """Carry every block by hand from sender to receiver."""
    sent = []
    for one in ranks:
        send = np.empty(one.send_count, dtype=one.unsigned)
        one.fill(send, repetition)
        sent.append(send.reshape(len(ranks), -1))
    return [np.concatenate([sent[s][d] for s in range(len(ranks))]) for d in range(len(ranks))]


def exchanges(n: int, nbytes: int) -> list[Exchange]:
    """Make the patterns of all ranks."""
    return [Exchange(block_nbytes=nbytes // n, rank=r, nranks=n, seed=1) for r in range(n)]


@pytest.mark.parametrize(("n", "nbytes"), [(1, 8), (2, 8), (2, 4096), (3, 3 * 400), (4, 8), (3, 3 * 33), (64, 64 * 16)])
def test_exchanged_blocks_are_what_every_rank_expects(n: int, nbytes: int) -> None:
    ranks = exchanges(n, nbytes)
    for repetition in (-1, 0, 1, 1000):
        received = exchanged(ranks, repetition)
        for one, recv in zip(ranks, received, strict=True):
            answer = one.compare(recv, repetition)
            assert answer.ok
            assert answer.tested * recv.itemsize == nbytes


def test_words_where_blocks_are_words_and_bytes_where_not() -> None:
    assert exchanges(2, 8)[0].element == "int32"
    assert exchanges(4, 8)[0].element == "uint8"


def test_no_two_blocks_of_a_repetition_or_its_neighbours_look_alike() -> None:
    n = 24
    one = exchanges(n, n * 4)[0]
    seen = [
        int(one.offsets(senders=range(s, s + 1), receivers=range(d, d + 1), repetition=i)[0, 0])
        for s, d, i in product(range(n), range(n), range(8))
    ]
    assert len(set(seen)) == n * n * 8


@pytest.mark.parametrize("nbytes", [4096, 2 * 33])
def test_swapped_duplicated_and_stale_blocks_are_wrong_and_named(nbytes: int) -> None:
    ranks = exchanges(2, nbytes)
    one, recv, old = ranks[1], exchanged(ranks, 5)[1], exchanged(ranks, 4)[1]
    half = len(recv) // 2
    faults = {
        "what rank 1 sent": (np.concatenate([recv[half:], recv[:half]]), "block from rank 0, element 0"),
        "what rank 0 sent": (np.concatenate([recv[:half], recv[:half]]), "block from rank 1, element 0"),
        "meant for rank 0": (np.concatenate([exchanged(ranks, 5)[0][:half], recv[half:]]), "block from rank 0, element 0"),
        "of the repetition before": (np.concatenate([recv[:half], old[half:]]), "block from rank 1, element 0"),
    }
    for looks, (bad, where) in faults.items():
        answer = one.compare(bad, 5)
        assert not answer.ok
        assert answer.where == where
        assert looks in answer.reason or nbytes % 8


def test_one_missing_element_is_found_at_its_place() -> None:
    ranks = exchanges(3, 3 * 400)
    recv = exchanged(ranks, 0)[2]
    recv[100 + 17] = 0xFFFFFFFF
    answer = ranks[2].compare(recv, 0)
    assert answer.where == "block from rank 1, element 17"
    assert "1 of 300 elements" in answer.reason
    assert "got 0xffffffff" in answer.reason
