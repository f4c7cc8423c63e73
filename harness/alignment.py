"""How well a control world's barrier aligns the ranks, measured before the first case."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from statistics import median
from time import perf_counter

from assay.harness.world.protocol import World

BARRIERS = 50
SKEWED = 0.1  # of a repetition: beyond it the ranks did not begin together


def alignment(world: World) -> Mapping[str, float]:
    """Measure the barrier (collective): its median cost, and how far apart the ranks of one host leave it, both in seconds.

    Ranks of one host share a clock (CLOCK_MONOTONIC), so their moments can be compared; those of several hosts do not, and the largest
    spread within a host stands for all. Empty for a world of one rank.
    """
    if world.size == 1:
        return {}
    costs, left = [], []
    for _ in range(BARRIERS):
        start = perf_counter()
        world.barrier()
        left.append(perf_counter())
        costs.append(left[-1] - start)
    everyone = world.allgather((socket.gethostname(), costs, left))
    hosts = {host for host, _, _ in everyone}
    skews = [median(spread(moments)) for host in hosts if len(moments := [row for name, _, row in everyone if name == host]) > 1]
    found = {"barrier_seconds": max(median(row) for _, row, _ in everyone)}
    return found | ({"skew_seconds": max(skews)} if skews else {})


def spread(rows: list[list[float]]) -> list[float]:
    """Give latest minus earliest of each repetition."""
    return [max(column) - min(column) for column in zip(*rows, strict=True)]


def skewed(timer: Mapping[str, float], *, seconds: float) -> str:
    """Mark a case whose repetitions of ``seconds`` are not long against the skew with which they begin; empty if they are."""
    skew = float(timer.get("skew_seconds", 0.0))
    return f"ranks leave the barrier {skew * 1e6:.1f} us apart, over {SKEWED:.0%} of the median" if skew > SKEWED * seconds > 0 else ""
