"""Localisation: every component planted and named, a healthy fabric silent, and what a schedule cannot tell apart named together."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from assay.harness.errors import RefusalError
from assay.results.blame import Cell, blame, schedule

HOSTS = [f"n{i:02d}" for i in range(16)]


def hit(name: str, a: str, b: str, rail: int) -> bool:
    """Tell whether a component, such as ``nic_n03_2``, takes part in a cell."""
    kind, *rest = name.split("_")
    at_end = rest[0] in (a, b)
    on_rail = rest[-1] == str(rail)
    return {"plane": on_rail, "node": at_end, "nic": at_end and on_rail, "link": {*rest[:2]} == {a, b} and on_rail}[kind]


def fabric(rounds: int, *, noise: float = 0.005, seed: int = 1, **slow: float) -> dict[Cell, float]:
    """Make bandwidths; ``slow`` maps a component, such as ``nic_n03_2``, to its deficit."""
    rng = np.random.default_rng(seed)
    found = {}
    for number, pairs in enumerate(schedule(HOSTS, rounds, seed=seed)):
        for (a, b), rail in itertools.product(pairs, range(8)):
            value = 50e9 * (1 + noise * rng.standard_normal())
            for name, deficit in slow.items():
                value *= 1 - deficit * hit(name, a, b, rail)
            found[number, a, b, rail] = value
    return found


def test_every_pair_meets_once_and_nobody_twice_in_a_round() -> None:
    for hosts in (HOSTS, HOSTS[:7]):
        rounds = schedule(hosts, len(hosts) - (len(hosts) % 2 == 0), seed=3)
        pairs = [frozenset(pair) for made in rounds for pair in made]
        assert len(pairs) == len(set(pairs)) == len(hosts) * (len(hosts) - 1) // 2
        assert all(len({host for pair in made for host in pair}) == 2 * len(made) for made in rounds)
    assert schedule(HOSTS, 3, seed=1) == schedule(HOSTS, 3, seed=1) != schedule(HOSTS, 3, seed=2)


@pytest.mark.parametrize("rounds", [1, 2, 3, 4])
def test_a_healthy_fabric_is_silent(rounds: int) -> None:
    assert blame(fabric(rounds)) == []


@pytest.mark.parametrize(("planted", "name"), [("plane_3", "plane 3"), ("node_n05", "node n05"), ("nic_n05_2", "nic n05:2")])
def test_a_planted_fault_is_named(planted: str, name: str) -> None:
    (found,) = blame(fabric(3, **{planted: 0.05}))
    assert found.names == (name,)
    assert found.kind == name.partition(" ")[0]
    assert found.deficit == pytest.approx(0.05, abs=0.01)
    assert name in found.sentence


def test_a_link_is_told_from_a_card() -> None:
    a, b = schedule(HOSTS, 3, seed=1)[1][4]
    (found,) = blame(fabric(3, **{f"link_{a}_{b}_6": 0.1}))
    assert found.names == (f"link {min(a, b)}-{max(a, b)}:6",)


def test_two_faults_are_two_names() -> None:
    found = blame(fabric(4, node_n03=0.05, nic_n10_7=0.2))
    assert {one.names for one in found} == {("node n03",), ("nic n10:7",)}


def test_one_round_cannot_tell_two_ends_apart() -> None:
    (found,) = blame(fabric(1, node_n05=0.05))
    partner = next(other for pair in schedule(HOSTS, 1, seed=1)[0] if "n05" in pair for other in pair if other != "n05")
    assert set(found.names) == {"node n05", f"node {partner}"}
    assert "cannot tell" in found.sentence
    (found,) = blame(fabric(1, nic_n05_2=0.1))
    assert len(found.names) == 3  # both cards, and the link between them


def test_what_is_small_is_never_named() -> None:
    assert blame(fabric(3, noise=0.0001, node_n05=0.005)) == []
    assert blame(fabric(3, noise=0.0001, node_n05=0.005), min_deficit=0.002) != []


def test_bad_input_is_refused() -> None:
    assert blame({}) == []
    for value in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(RefusalError, match="positive finite"):
            blame({(0, "a", "b", 0): value})
    for rounds in (0, 16):
        with pytest.raises(RefusalError, match="rounds"):
            schedule(HOSTS, rounds)
    with pytest.raises(RefusalError, match="two hosts"):
        schedule(["a"], 1)
