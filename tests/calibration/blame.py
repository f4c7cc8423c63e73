"""How often the right component is named, and how often a healthy fabric is accused; beside "the one that is in all failing pairs"."""

from __future__ import annotations

from collections import Counter

import numpy as np

from assay.results.blame import Cell, blame, schedule
from tests.calibration.models import proportion

RAILS = 8
FAULTS = (("none", 0.0), ("node", 0.03), ("nic", 0.05), ("nic", 0.10), ("plane", 0.03), ("link", 0.10))
FAILS = 0.05  # a peer's fixed limit: so much under the median fails


def measure(
    rng: np.random.Generator, *, hosts: int, rounds: int, noise: float, kind: str, deficit: float, spread: float = 0.003
) -> tuple[dict[Cell, float], str]:
    """Draw one sweep; gives (bandwidths, true component). Every card has a spread of its own, and a pair is as fast as its slower end."""
    names = [f"n{i:03d}" for i in range(hosts)]
    pairs = schedule(names, rounds, seed=int(rng.integers(1 << 30)))
    cards = {(name, rail): 50e9 * (1 + spread * rng.standard_normal()) for name in names for rail in range(RAILS)}
    number, rail = int(rng.integers(rounds)), int(rng.integers(RAILS))
    a, b = pairs[number][int(rng.integers(len(pairs[number])))]
    truth = {
        "none": "",
        "node": f"node {a}",
        "nic": f"nic {a}:{rail}",
        "plane": f"plane {rail}",
        "link": f"link {min(a, b)}-{max(a, b)}:{rail}",
    }[kind]
    found = {}
    for i, made in enumerate(pairs):
        for x, y in made:
            for k in range(RAILS):
                ends = [
                    cards[end, k] * (1 - deficit * ((kind == "node" and end == a) or (kind == "nic" and (end, k) == (a, rail))))
                    for end in (x, y)
                ]
                value = min(ends) * (1 - deficit * ((kind == "plane" and k == rail) or (kind == "link" and {x, y} == {a, b} and k == rail)))
                found[i, x, y, k] = value * (1 + noise * rng.standard_normal())
    return found, truth


def in_all_failing(bandwidths: dict[Cell, float]) -> str:
    """Name the node that is in every failing pair, as a peer's guide says; empty where none fails, or no node is in all of them."""
    limit = (1 - FAILS) * float(np.median(list(bandwidths.values())))
    failing = [cell for cell, value in bandwidths.items() if value < limit]
    counted = Counter(host for _, a, b, _ in failing for host in (a, b))
    always = [host for host, times in counted.items() if times == len(failing)]
    return f"node {always[0]}" if len(always) == 1 else ""


def cell(rng: np.random.Generator, *, hosts: int, rounds: int, noise: float, kind: str, deficit: float, trials: int) -> dict[str, int]:
    """Count how often we name the right one alone, name it among others, name a wrong one, and how often the peer's guide is right."""
    counted: Counter[str] = Counter()
    for _ in range(trials):
        values, truth = measure(rng, hosts=hosts, rounds=rounds, noise=noise, kind=kind, deficit=deficit)
        named = blame(values)
        first = named[0].names if named else ()
        if not truth:
            counted["right" if not named else "wrong"] += 1
        elif first == (truth,) and len(named) == 1:
            counted["right"] += 1
        elif truth in first:
            counted["among"] += 1
        elif first:
            counted["wrong"] += 1
        counted["peer"] += in_all_failing(values) == truth
    return counted


def main(seed: int, size: int) -> str:
    """Write the table as Markdown; ``size`` is trials a cell."""
    rng = np.random.default_rng(seed)
    lines = [
        f"{size} sweeps a cell, 8 rails. A cell: the right component named alone [95 %], named among others / a wrong one named; peer's guide right.",
        "",
        f"| hosts | rounds | noise | {' | '.join(f'{kind} {100 * d:g} %' if d else 'none' for kind, d in FAULTS)} |",
        "|" + "---|" * (3 + len(FAULTS)),
    ]
    for hosts in (16, 64):
        for rounds, noise in ((1, 0.01), (2, 0.01), (3, 0.01), (4, 0.01), (3, 0.02), (8, 0.02)):
            cells = []
            for kind, deficit in FAULTS:
                counted = cell(rng, hosts=hosts, rounds=rounds, noise=noise, kind=kind, deficit=deficit, trials=size)
                low, high = proportion(counted["right"], size)
                rest = f" {counted['among'] / size:.2f}/{counted['wrong'] / size:.2f}" if counted["right"] < size else ""
                cells.append(f"{counted['right'] / size:.2f} [{low:.2f}, {high:.2f}]{rest}; peer {counted['peer'] / size:.2f}")
            lines.append(f"| {hosts} | {rounds} | {100 * noise:g} % | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
