"""Whose process is it: ours by number, or one that hides in another pid namespace."""

from __future__ import annotations

from typing import Any

from assay.harness.telemetry.foreign import foreign


def process(pid: int) -> dict[str, Any]:
    return {"pid": pid, "name": "x", "memory_nbytes": 1}


def here(pid: int) -> bool:
    return pid < 1000


def test_ours_are_not_foreign_and_others_are() -> None:
    assert foreign([process(10), process(11)], ours={10, 11}, here=here) == []
    assert foreign([process(10), process(12)], ours={10}, here=here) == [process(12)]
    assert foreign([], ours={10}, here=here) == []


def test_beside_ours_an_unknown_number_is_foreign() -> None:
    assert foreign([process(10), process(5000)], ours={10}, here=here) == [process(5000)]


def test_in_a_container_one_hidden_process_is_ours_and_two_are_not_told_apart() -> None:
    assert foreign([process(5000)], ours={10}, here=here) == []
    assert foreign([process(5000), process(12)], ours={10}, here=here) == [process(12)]
    assert foreign([process(5000), process(5001)], ours={10}, here=here) == [process(5000), process(5001)]
