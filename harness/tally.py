"""All checks of one case: counted on each rank, merged on rank 0."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from assay.harness.measurement import Checked
from assay.harness.work import Answer


@dataclass
class Tally:
    """Checks of one rank so far; the first wrong one is kept, scores are the worst of all."""

    rank: int
    checks: int = 0
    tested: int = 0
    wrong: str = ""
    where: str = ""
    scores: dict[str, float] = field(default_factory=dict)
    limits: dict[str, float] = field(default_factory=dict)
    trouble: str = ""  # what closing raised: answers and samples stand, but somebody should know

    @property
    def ok(self) -> bool:
        """Tell whether no check was wrong so far."""
        return not self.wrong

    def add(self, answer: Answer, *, phase: str) -> None:
        """Count one answer; one that compared nothing is wrong too: it proves nothing."""
        self.checks += 1
        self.tested += int(answer.tested)  # suites count in numpy's integers too, which JSON does not know
        for name, score in answer.scores.items():
            value = float(score)
            known = self.scores.get(name, -math.inf)
            self.scores[name] = value if math.isnan(value) else max(known, value)
        self.limits.update({name: float(limit) for name, limit in answer.limits.items()})
        if self.ok and (not answer.ok or answer.tested <= 0):
            self.wrong = f"{answer.reason if answer.tested > 0 else 'the check compared nothing'} ({phase})"
            self.where = answer.where
        elif not self.where:
            self.where = answer.where


def merge(tallies: Sequence[Tally]) -> Checked:
    """Merge the ranks' tallies: right only if every rank checked something and nothing was wrong."""
    blamed = next((t for t in tallies if not t.ok or t.checks == 0), None)
    shown = blamed or tallies[0]
    names = sorted({name for t in tallies for name in t.scores})
    worst = {name: worst_of([t.scores[name] for t in tallies if name in t.scores]) for name in names}
    return Checked(
        ok=blamed is None,
        checks=sum(t.checks for t in tallies),
        tested=sum(t.tested for t in tallies),
        rank=None if blamed is None else blamed.rank,
        reason="" if blamed is None else f"rank {blamed.rank}: {blamed.wrong or 'nothing was checked'}",
        where=shown.where,
        scores=worst,
        limits={name: value for t in tallies for name, value in t.limits.items()},
    )


def worst_of(values: Sequence[float]) -> float:
    """Give the largest value, NaN being the worst of all."""
    return math.nan if any(math.isnan(v) for v in values) else max(values)
