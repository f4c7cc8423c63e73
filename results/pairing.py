"""Who is measured with whom in which round: the circle method, from a seed. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

Pair = tuple[str, str]


def pair_rounds(hosts: Sequence[str], *, rounds: int, seed: int) -> list[list[Pair]]:
    """Plan rounds in which all pairs run at once and no pair meets twice.

    Circle method: one host stays, the others move one place a round, so n - 1 rounds hold every pair exactly once (n rounds with an odd
    number, when one host rests in each). The hosts' order at the start is drawn from the seed.

    Args:
        hosts: names, each once.
        rounds: how many; ValueError for fewer than one and for more than there are without a repetition.
        seed: of the start order; the same seed gives the same rounds on every machine.

    """
    if len(set(hosts)) != len(hosts) or len(hosts) < 2:  # noqa: PLR2004 - a pair needs two
        message = "pairs need at least two hosts, each named once"
        raise ValueError(message)
    order: list[str | None] = [*sorted(hosts)]
    Random(seed).shuffle(order)  # noqa: S311 - an order, no secret
    if len(order) % 2:
        order.append(None)
    if not 1 <= rounds < len(order):
        message = f"{len(hosts)} hosts have 1 to {len(order) - 1} rounds without a repetition, not {rounds}"
        raise ValueError(message)
    return [pairs_of([order[0], *turned(order[1:], number)]) for number in range(rounds)]


def turned(order: Sequence[str | None], by: int) -> list[str | None]:
    """Move everybody some places on."""
    return [*order[len(order) - by :], *order[: len(order) - by]]


def pairs_of(order: Sequence[str | None]) -> list[Pair]:
    """Pair the first with the last, the second with the last but one, and so on; who is paired with nobody rests."""
    half = len(order) // 2
    return [(a, b) for a, b in zip(order[:half], reversed(order[half:]), strict=True) if a is not None and b is not None]
