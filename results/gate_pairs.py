"""The runs of a gate's pass, read pair by pair, with the keys that both sides share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from assay.harness.case import Case
from assay.harness.errors import StoreError
from assay.harness.rundir import RunDir
from assay.results.record import Record
from assay.results.side import Side, read_side

Name = tuple[str, str]  # key of the case, subject


@dataclass(frozen=True)
class Pairs:
    """The runs of one pass, as (base, head) a pair; each side of a pair may be several runs (a command may write more than one)."""

    sides: Sequence[tuple[Side, Side]] = ()
    planned: Sequence[str] = ()

    @property
    def every(self) -> tuple[list[Side], list[Side]]:
        """Give all base sides and all head sides."""
        return [base for base, _ in self.sides], [head for _, head in self.sides]


def read_pairs(runs: Sequence[tuple[Sequence[RunDir], Sequence[RunDir]]], *, across: Sequence[str] = ()) -> Pairs:
    """Read the runs of a pass. ``across``: parameters that differ between the sides on purpose and are left out of the keys."""
    sides = [(joined(base, across), joined(head, across)) for base, head in runs]
    planned = dict.fromkeys(key for pair in sides for side in pair for key in (*(k for k, _ in side.times), *side.absent))
    return Pairs(sides, tuple(planned))


def joined(runs: Sequence[RunDir], across: Sequence[str]) -> Side:
    """Read what one turn of one side measured; StoreError for none, or for a case that it measured twice."""
    if not runs:
        message = "this turn measured nothing, so there is nothing to compare"
        raise StoreError(message)
    read = [renamed(read_side(run), run, across) for run in runs]
    times: dict[Name, Record] = {}
    for side in read:
        twice = sorted(set(times) & set(side.times))
        if twice:
            message = f"{twice[0][0]} was measured twice in one turn: {', '.join(run.id for run in runs)}"
            raise StoreError(message)
        times |= side.times
    absent = {key: why for side in read for key, why in side.absent.items()}
    problems = tuple(problem for side in read for problem in side.problems)
    return replace(
        read[0], id="+".join(side.id for side in read), times=times, absent=absent, problems=problems, inject=any(s.inject for s in read)
    )


def renamed(side: Side, run: RunDir, across: Sequence[str]) -> Side:
    """Leave parameters out of a side's keys; StoreError where two cases become one by it."""
    if not across:
        return side
    names = shared_names(run, across)
    times = {(names.get(key, key), subject): record for (key, subject), record in side.times.items()}
    if len(times) < len(side.times):
        message = f"{run.id}: cases that differ only in {', '.join(across)} are on one side, so nobody knows which of them to compare"
        raise StoreError(message)
    return replace(side, times=times, absent={names.get(key, key): why for key, why in side.absent.items()})


def shared_names(run: RunDir, across: Sequence[str]) -> dict[str, str]:
    """Give the key that both sides share, by the key of each planned case; ``inject`` and ``timer`` may be left out like a parameter."""
    names = {}
    for data in run.read_json("plan.json")["cases"]:
        case = Case.from_dict(data)
        kept = {name: value for name, value in case.params.items() if name not in across}
        inject, timer = ({} if name in across else dict(getattr(case, name)) for name in ("inject", "timer"))
        names[case.key] = replace(case, params=kept, inject=inject, timer=timer).key
    return names


def own_names(runs: Sequence[RunDir], across: Sequence[str]) -> dict[str, list[str]]:
    """Give the keys that a side knows its cases by, by the key that both sides share."""
    found: dict[str, list[str]] = {}
    for run in runs:
        for own, shared in shared_names(run, across).items():
            found.setdefault(shared, []).append(own)
    return found
