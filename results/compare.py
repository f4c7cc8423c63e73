"""Two sets of runs, case by case: same, faster, slower, or why nobody can tell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from assay.harness.errors import RefusalError
from assay.harness.rundir import RunDir
from assay.results.effect import decide, measure_effect
from assay.results.outcome import combine
from assay.results.record import Record, finite_float
from assay.results.side import HARDWARE, METRIC, SOFTWARE, Side, differing, read_side

RULE = "compare/1"  # another number where equal figures would be judged otherwise
# Worst first. ``missing``: head has no figure where base has one; ``new``: the other way round.
STATUSES = ("slower", "missing", "not-comparable", "inconclusive", "new", "known", "faster", "same")
CODES = {"slower": 1, "missing": 2, "not-comparable": 4, "inconclusive": 4, "new": 4, "known": 0, "faster": 0, "same": 0}


@dataclass(frozen=True)
class Row:
    """One case and subject, compared.

    ``base`` and ``head`` are geometric means of per-run medians in ``unit``; ``change`` is head / base - 1, ``interval`` its 95 % interval,
    ``noise`` the standard deviation between runs of one side as a share of the figure.
    """

    key: str
    subject: str
    status: str
    reason: str
    metric: str = METRIC
    unit: str = "s"
    base: float | None = None
    head: float | None = None
    change: float | None = None
    interval: tuple[float, float] | None = None
    n_base: int = 0
    n_head: int = 0
    noise: float | None = None


@dataclass(frozen=True)
class Comparison:
    """Everything that was compared, and under which thresholds."""

    base: tuple[str, ...]
    head: tuple[str, ...]
    min_effect: float
    min_seconds: float
    rows: tuple[Row, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """Count rows by status, worst first."""
        counted = Counter(row.status for row in self.rows)
        return {status: counted[status] for status in STATUSES if counted[status]}

    def decides(self) -> int:
        """Give the exit code for somebody who asked the comparison to decide.

        Slower: 1. Missing on the head's side: 2. Inconclusive, not comparable, new on the head's side, or nothing compared at all: 4.
        """
        return combine(CODES[row.status] for row in self.rows)

    def as_dict(self) -> dict[str, Any]:
        """Give the comparison as plain JSON types."""
        rows = [asdict(row) | {"interval": None if row.interval is None else list(row.interval)} for row in self.rows]
        return asdict(self) | {
            "schema": "assay.compare/1",
            "rule": RULE,
            "base": list(self.base),
            "head": list(self.head),
            "notes": list(self.notes),
            "counts": self.counts,
            "rows": rows,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Comparison:
        """Read what ``as_dict`` wrote; KeyError or TypeError for anything else."""
        names = {f.name for f in fields(Row)}
        rows = [Row(**{k: v for k, v in row.items() if k in names}) for row in data["rows"]]
        kept = tuple(replace(row, interval=None if row.interval is None else (row.interval[0], row.interval[1])) for row in rows)
        thresholds = float(data["min_effect"]), float(data["min_seconds"])
        return cls(tuple(data["base"]), tuple(data["head"]), *thresholds, kept, tuple(data["notes"]))


def compare(base: Sequence[RunDir], head: Sequence[RunDir], *, min_effect: float, min_seconds: float) -> Comparison:
    """Compare the runs ``head`` with the runs ``base``.

    RefusalError for thresholds that are not positive and for one metric in two units; StoreError for a run that cannot be read.
    """
    return compare_sides([read_side(run) for run in base], [read_side(run) for run in head], min_effect=min_effect, min_seconds=min_seconds)


def compare_sides(base: Sequence[Side], head: Sequence[Side], *, min_effect: float, min_seconds: float) -> Comparison:
    """Compare sides that are read already; a run that is named twice on one side counts once."""
    for name, value in (("min_effect", min_effect), ("min_seconds", min_seconds)):
        if (finite_float(value) or 0.0) <= 0:
            message = "must be a positive number"
            raise RefusalError(message, value=value, where=name, fix="The defaults are min_effect 0.03 and min_seconds 1e-6.")
    base, head = unique(base), unique(head)
    whole, notes = obstacle(base, head), remarks(base, head)
    keys = dict.fromkeys(key for side in (*base, *head) for key in side.times)
    rows = [compare_key(key, base, head, whole, min_effect=min_effect, min_seconds=min_seconds) for key in keys]
    return Comparison(tuple(s.id for s in base), tuple(s.id for s in head), min_effect, min_seconds, tuple(rows), notes)


def unique(sides: Sequence[Side]) -> list[Side]:
    """Keep each run once."""
    return list({side.id: side for side in sides}.values())


def obstacle(base: Sequence[Side], head: Sequence[Side]) -> tuple[str, str]:
    """Give (status, reason) of what keeps every row from being judged; empty if nothing does."""
    sides = [*base, *head]
    if {side.id for side in base} & {side.id for side in head}:
        return "inconclusive", "the same run is on both sides, which compares it with itself"
    if not all(side.hw_class for side in sides):
        nameless = next(side.id for side in sides if not side.hw_class)
        return "not-comparable", f"run {nameless} does not say which hardware it was measured on"
    if len({side.hw_class for side in sides}) > 1:
        named = differing(sides, names=HARDWARE) or differing(sides) or "the facts do not say in what"
        return "not-comparable", f"the hardware differs: {named}"
    if len({side.inject for side in sides}) > 1:
        return "not-comparable", "faults were planted in some of these runs and not in others"
    return "", ""


def remarks(base: Sequence[Side], head: Sequence[Side]) -> tuple[str, ...]:
    """Say what a reader should know besides the rows."""
    sides = [*base, *head]
    notes = [problem for side in sides for problem in side.problems]
    if len({side.sw_class for side in sides}) > 1:
        notes.append(f"the software differs: {differing(sides, names=SOFTWARE) or 'the facts do not say in what'}")
    if any(side.inject for side in sides):
        notes.append("faults were planted: these figures say nothing about the machine")
    return tuple(notes)


def compare_key(
    key: tuple[str, str],
    base: Sequence[Side],
    head: Sequence[Side],
    whole: tuple[str, str],
    *,
    min_effect: float,
    min_seconds: float,
) -> Row:
    """Compare one case and subject."""
    here, there = [side.times[key] for side in base if key in side.times], [side.times[key] for side in head if key in side.times]
    plain = Row(*key, *whole, unit=(here or there)[0].unit, n_base=len(here), n_head=len(there))
    better = one_scale([*here, *there])
    if not here or not there:
        return one_sided(plain, key[0], base if not here else head, planted=(here or there)[0].inject)
    try:
        effect = measure_effect([record.value for record in here], [record.value for record in there])
    except ValueError:
        return replace(plain, status="inconclusive", reason="a time that is not positive cannot be compared")
    status, reason = whole
    if not status:
        status, reason = decide(effect, better=better, min_effect=min_effect, min_seconds=min_seconds, counts=(len(here), len(there)))
        reason += gaps(plain, len(base), len(head))
    return replace(
        plain,
        status=status,
        reason=reason,
        base=effect.base,
        head=effect.head,
        change=effect.change,
        interval=effect.ci95,
        noise=effect.noise,
    )


def gaps(row: Row, base: int, head: int) -> str:
    """Say in how many runs of a side the case has a figure, where it is not all of them."""
    sides = (("base", row.n_base, base), ("head", row.n_head, head))
    return "".join(f"; only {found} of {runs} {name} runs have this figure" for name, found, runs in sides if found < runs)


def one_sided(plain: Row, key: str, without: Sequence[Side], *, planted: bool) -> Row:
    """Say that a case has a figure on one side only, and why; planted faults join no real series and are none of it."""
    if plain.status == "not-comparable" or planted:
        return replace(
            plain, status="not-comparable", reason=plain.reason or "a fault was planted in this case, so it continues no real series"
        )
    why = next((side.absent[key] for side in without if key in side.absent), "not in its plan")
    missing = plain.n_head == 0
    said = f"base has it, head has no figure ({why})" if missing else f"head has it, base has no figure ({why})"
    return replace(plain, status="missing" if missing else "new", reason=said)


def one_scale(records: Sequence[Record]) -> str:
    """Give the direction of one metric; RefusalError where its records differ in unit or direction."""
    units, directions = {record.unit for record in records}, {record.better for record in records}
    if len(units) > 1 or len(directions) > 1:
        runs = ", ".join(sorted({record.run for record in records}))
        message = (
            f"{records[0].metric} of {records[0].key} comes in {' and '.join(sorted(units | (directions if len(units) == 1 else set())))}"
        )
        raise RefusalError(message, where=runs, fix="Judge the run again with the version of Assay that measured it.")
    return directions.pop()
