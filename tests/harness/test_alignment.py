"""How far apart ranks leave a barrier: measured in one clock, marked where it matters."""

from __future__ import annotations

import time

import pytest

from assay.harness.alignment import alignment, skewed
from tests.fakes import FakeWorld, on_ranks


class LateWorld(FakeWorld):
    """A world in which rank 1 leaves each barrier late."""

    seconds = 0.004

    def barrier(self) -> None:
        """Leave late."""
        super().barrier()
        if self.rank == 1:
            time.sleep(self.seconds)


def test_a_rank_that_leaves_late_shows_as_skew() -> None:
    found = on_ranks(2, lambda ctx: alignment(LateWorld(ctx.rank, ctx.world._meeting)))  # type: ignore[attr-defined]
    assert found[0] == found[1]
    assert found[0]["skew_seconds"] > LateWorld.seconds / 2
    assert found[0]["barrier_seconds"] > LateWorld.seconds / 2


def test_one_rank_has_nobody_to_be_apart_from() -> None:
    assert alignment(FakeWorld()) == {}


@pytest.mark.parametrize(
    ("timer", "seconds", "marked"),
    [
        ({"skew_seconds": 2e-6}, 10e-6, True),
        ({"skew_seconds": 2e-6}, 30e-6, False),
        ({}, 1e-6, False),
        ({"skew_seconds": 2e-6}, 0.0, False),
    ],
)
def test_skew_is_marked_where_it_is_a_share_of_the_median(timer: dict[str, float], seconds: float, *, marked: bool) -> None:
    said = skewed(timer, seconds=seconds)
    assert bool(said) == marked
    assert not marked or "2.0 us apart" in said
