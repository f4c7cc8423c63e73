"""Pairwise localisation: each kind of fault planted and named, none planted and silence, and the limits of few rounds said."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pytest

from assay.results.blame import Blame, find_blame
from assay.results.fabric import Cell, Component, critical
from assay.results.pairing import pair_rounds

RAILS = 8


def fabric(
    n: int = 16, *, rounds: int = 3, noise: float = 0.01, seed: int = 1, slow: Mapping[Component, float] | None = None
) -> dict[Cell, float]:
    """Measure a fabric in which some components lose a share of their bandwidth."""
    rng = np.random.default_rng(seed)
    found: dict[Cell, float] = {}
    for number, pairs in enumerate(pair_rounds(names(n), rounds=rounds, seed=seed)):
        for a, b in pairs:
            for rail in range(RAILS):
                parts = [Component("plane", (), rail), Component("link", tuple(sorted((a, b))), rail)]
                parts += [part for host in (a, b) for part in (Component("node", (host,)), Component("nic", (host,), rail))]
                lost = max((slow or {}).get(part, 0.0) for part in parts)
                found[number, rail, a, b] = 50e9 * (1 - lost) * (1 + noise * float(rng.standard_normal()))
    return found


def names(n: int) -> list[str]:
    return [f"h{i:02d}" for i in range(n)]


def link(n: int = 16, *, rounds: int = 3, seed: int = 1) -> Component:
    """Give a link that these rounds use."""
    return Component("link", tuple(sorted(pair_rounds(names(n), rounds=rounds, seed=seed)[0][0])), 6)


def named(blame: Blame) -> list[tuple[Component, ...]]:
    return [fault.candidates for fault in blame.faults]


NODE, NIC, PLANE = Component("node", ("h03",)), Component("nic", ("h05",), 2), Component("plane", (), 4)


@pytest.mark.parametrize("seed", range(8))
def test_a_sound_fabric_is_silent(seed: int) -> None:
    blame = find_blame(fabric(seed=seed))
    assert named(blame) == []
    assert blame.noise == pytest.approx(0.01, rel=0.3)
    assert blame.coverage == "16 hosts, 3 rounds, 24 of 120 pairs of hosts measured"


@pytest.mark.parametrize(("part", "lost"), [(NODE, 0.03), (NIC, 0.05), (NIC, 0.5), (PLANE, 0.03), (link(), 0.10), (NODE, 0.4)])
def test_each_fault_is_named_exactly(part: Component, lost: float) -> None:
    blame = find_blame(fabric(slow={part: lost}))
    assert named(blame) == [(part,)]
    assert blame.faults[0].deficit == pytest.approx(lost, abs=0.015)
    assert str(part) in blame.faults[0].sentence


def test_several_faults_are_found_one_after_the_other() -> None:
    planted = {NODE: 0.05, NIC: 0.2, PLANE: 0.08}
    assert sorted(map(str, named(find_blame(fabric(32, slow=planted))))) == sorted(str((part,)) for part in planted)


def test_one_round_cannot_tell_the_two_ends() -> None:
    (fault,) = find_blame(fabric(rounds=1, slow={NODE: 0.05})).faults
    partner = next(b if a == "h03" else a for a, b in pair_rounds(names(16), rounds=1, seed=1)[0] if "h03" in (a, b))
    assert set(fault.candidates) == {NODE, Component("node", (partner,))}
    assert "cannot tell" in fault.sentence
    (fault,) = find_blame(fabric(rounds=1, slow={NIC: 0.2})).faults
    assert NIC in fault.candidates
    assert {part.level for part in fault.candidates} == {"nic", "link"}


def test_two_rounds_cannot_tell_a_link_from_a_card_but_name_a_card() -> None:
    bad = link(rounds=2)
    (fault,) = find_blame(fabric(rounds=2, slow={bad: 0.10})).faults
    assert set(fault.candidates) == {bad, *(Component("nic", (host,), 6) for host in bad.hosts)}
    assert named(find_blame(fabric(rounds=2, slow={NIC: 0.10}))) == [(NIC,)]


def test_a_link_that_was_measured_once_is_to_be_measured_again() -> None:
    assert "three times" in find_blame(fabric(slow={link(): 0.10})).faults[0].sentence


def test_the_order_of_cells_and_of_ends_changes_nothing() -> None:
    cells = fabric(slow={NODE: 0.05, NIC: 0.1})
    turned = {(r, k, b, a): cells[r, k, a, b] for r, k, a, b in reversed(cells)}
    assert find_blame(turned) == find_blame(cells)


def test_what_is_no_bandwidth_failed_and_hides_nothing() -> None:
    cells = fabric(slow={NIC: 0.2})
    bad = [cell for cell in cells if "h09" in cell][:3]
    blame = find_blame(cells | dict(zip(bad, (math.nan, 0.0, -1.0), strict=True)))
    assert named(blame) == [(NIC,)]
    assert blame.failed == tuple(sorted(bad))


def test_constants_and_almost_nothing_are_defined() -> None:
    equal = dict.fromkeys(fabric(), 1.0)
    assert named(find_blame(equal)) == []
    cell = next(iter(equal))
    (fault,) = find_blame(equal | {cell: 0.9}).faults
    assert fault.candidates[0] == Component("link", tuple(sorted(cell[2:])), cell[1])
    assert named(find_blame({})) == []
    assert named(find_blame({(0, 0, "a", "b"): 1.0})) == []


def test_a_small_fabric_names_its_node() -> None:
    assert named(find_blame(fabric(4, rounds=3, slow={Component("node", ("h01",)): 0.1}))) == [(Component("node", ("h01",)),)]


@pytest.mark.parametrize("cells", [1, 2, 3, 24])
def test_the_critical_value_is_that_of_a_higher_median(cells: int) -> None:
    # Brute force: with 5 components the chance is FALSE_NAMES / 5 = 0.001 a component.
    drawn = np.sort(np.random.default_rng(cells).standard_normal((400_000, cells)), axis=1)[:, cells // 2]
    assert np.mean(drawn < -critical(cells, 5, 1e6)) == pytest.approx(0.001, rel=0.2)
