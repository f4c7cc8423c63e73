"""What a healthy device of a class shows, found from all of them: the slow ones are left out, one look after the other. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from assay.results.robust import LEAST_SPREAD, critical_z, mad_sigma, run_noise

ENOUGH = 8  # peers: n points have a largest z of (n - 1) / sqrt(n), which is 2.47 for 8, so fewer can never tell
ROUNDS = 10


@dataclass(frozen=True)
class Crowd:
    """What the peers' figures say of a healthy one, on the log scale (larger is faster)."""

    centre: float
    spread: float
    noise: float | None
    n: int

    def scale(self, runs: int) -> float:
        """Give the standard deviation of a healthy device's median over so many runs."""
        noise = 0.0 if self.noise is None else self.noise / math.sqrt(runs)
        return max(self.spread, noise, LEAST_SPREAD)


def settle(logs: Mapping[str, Sequence[float]], *, min_deficit: float, tests: int | None) -> tuple[Crowd | None, set[str]]:
    """Find what a healthy device shows and who is slow against it.

    What is slow is left out and the rest looked at again, until nothing more is slow: an eighth of a fleet that is bad widens the MAD and
    hides itself otherwise. At most half may be left out. No crowd under ``ENOUGH`` peers.
    """
    if len(logs) < ENOUGH:
        return None, set()
    scores = {subject: median(values) for subject, values in logs.items()}
    slow: set[str] = set()
    crowd = gather(logs, scores, slow)
    for _ in range(ROUNDS):
        k = critical_z(crowd.n, tests or len(logs))
        low = [subject for subject, score in scores.items() if lacking(score, crowd.centre) > min_deficit]
        found = {subject for subject in low if scores[subject] - crowd.centre < -k * crowd.scale(len(logs[subject]))}
        if found <= slow or len(found | slow) > len(logs) // 2:
            break
        slow |= found
        crowd = gather(logs, scores, slow)
    return crowd, slow


def gather(logs: Mapping[str, Sequence[float]], scores: Mapping[str, float], without: set[str]) -> Crowd:
    """Describe the peers, some left out."""
    kept = [subject for subject in logs if subject not in without]
    runs = [logs[subject] for subject in kept]
    chosen = [scores[subject] for subject in kept]
    return Crowd(median(chosen), mad_sigma(chosen), run_noise(runs), len(kept))


def lacking(score: float, centre: float) -> float:
    """Give the share of the peers' speed that is missing, from logarithms of speed."""
    return -math.expm1(min(score - centre, 700.0))
