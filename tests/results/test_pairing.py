"""The circle method: everybody meets everybody once."""

from __future__ import annotations

from itertools import combinations

import pytest

from assay.results.pairing import pair_rounds


@pytest.mark.parametrize("n", [2, 3, 4, 7, 16, 33])
def test_all_rounds_together_hold_every_pair_once(n: int) -> None:
    hosts = [f"h{i}" for i in range(n)]
    rounds = pair_rounds(hosts, rounds=n - 1 + n % 2, seed=5)
    met = [frozenset(pair) for pairs in rounds for pair in pairs]
    assert sorted(map(sorted, met)) == sorted(map(sorted, combinations(hosts, 2)))
    for pairs in rounds:
        busy = [host for pair in pairs for host in pair]
        assert len(busy) == len(set(busy)) == n - n % 2


def test_a_seed_is_a_schedule_and_another_one_another() -> None:
    hosts = [f"h{i}" for i in range(16)]
    assert pair_rounds(hosts, rounds=3, seed=1) == pair_rounds(hosts[::-1], rounds=3, seed=1)
    assert pair_rounds(hosts, rounds=3, seed=1) != pair_rounds(hosts, rounds=3, seed=2)


@pytest.mark.parametrize(("hosts", "rounds"), [(["a"], 1), (["a", "a"], 1), (["a", "b"], 0), (["a", "b"], 2), (["a", "b", "c"], 4)])
def test_what_cannot_be_planned_is_an_error(hosts: list[str], rounds: int) -> None:
    with pytest.raises(ValueError, match="hosts"):
        pair_rounds(hosts, rounds=rounds, seed=0)
