"""From pairs of runs to rows: which cases were measured on both sides of every pair, and what the rule says of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from assay.results.compare import CODES as COMPARE_CODES
from assay.results.compare import obstacle, one_scale, remarks
from assay.results.gate import Look, false_flags, hold, look
from assay.results.gate_pairs import Name, Pairs
from assay.results.side import METRIC
from assay.results.thresholds import Thresholds

if TYPE_CHECKING:
    from assay.results.paired import Floats

# Worst first.
STATUSES = ("wrong", "slower", "missing", "not-comparable", "inconclusive", "new", "known", "faster", "same")
CODES = {"wrong": 1, **COMPARE_CODES}
SUSPECT = {"slower", "faster"}
# A case that neither side was to measure is no row: the plan says so, and coverage tells it.
SET_ASIDE = ("left_out", "not_applicable", "skipped")


@dataclass(frozen=True)
class Row:
    """One case and subject, judged.

    ``base`` and ``head`` are geometric means of per-run medians in ``unit``, ``values`` the medians themselves, one (base, head) a pair.
    """

    key: str
    subject: str
    status: str
    reason: str
    metric: str = METRIC
    unit: str = "s"
    base: float | None = None
    head: float | None = None
    look: Look | None = None
    confirm: Look | None = None
    values: Sequence[tuple[float, float]] = ()
    known: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Give plain JSON types."""
        looks = {name: None if found is None else found.as_dict() for name, found in (("look", self.look), ("confirm", self.confirm))}
        return asdict(self) | looks | {"values": [list(pair) for pair in self.values]}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Row:
        """Read what ``as_dict`` wrote; KeyError or TypeError for anything else."""
        looks = {name: None if data[name] is None else look_from(data[name]) for name in ("look", "confirm")}
        return cls(**(dict(data) | looks | {"values": tuple((float(a), float(b)) for a, b in data["values"])}))


def look_from(data: Mapping[str, Any]) -> Look:
    """Read one look."""
    pairs = {name: None if data[name] is None else (data[name][0], data[name][1]) for name in ("interval", "interval90")}
    return Look(**(dict(data) | pairs))


@dataclass(frozen=True)
class Judged:
    """What a pass came to: rows, what was noticed besides, and how often the rule flagged runs of one side against each other."""

    rows: tuple[Row, ...] = ()
    notes: tuple[str, ...] = ()
    aa: tuple[int, int] = (0, 0)
    planned: int = 0
    confirmed: Mapping[str, int] = field(default_factory=dict)


def judge_pass(pairs: Pairs, thresholds: Thresholds, *, planted: bool = False) -> Judged:
    """Judge the first pass. ``planted`` lets runs with planted faults be compared, which only a self-test may.

    RefusalError for one metric in two units.
    """
    base, head = pairs.every
    stop = ("", "") if planted and len({s.hw_class for s in (*base, *head)}) == 1 else obstacle(base, head)
    names = dict.fromkeys(name for side in (*base, *head) for name in side.times)
    rows: dict[Name, Row] = {}
    whole: dict[Name, list[tuple[float, float]]] = {}
    for name in names:
        found = gap(name, pairs, stop)
        if isinstance(found, Row):
            rows[name] = found
        else:
            whole[name] = found
    rows |= looked(whole, pairs, thresholds)
    rows |= {(row.key, row.subject): row for row in nowhere(pairs, {key for key, _ in names})}
    aa = false_flags(*arrays(whole.values()), thresholds) if whole else (0, 0)
    order = sorted(rows, key=lambda name: (pairs.planned.index(name[0]) if len(rows) < 500 else 0, name))  # noqa: PLR2004 - by key where many
    return Judged(tuple(rows[name] for name in order), remarks(base, head), aa, len({key for key, _ in rows}))


def gap(name: Name, pairs: Pairs, stop: tuple[str, str]) -> Row | list[tuple[float, float]]:
    """Give a case's values, or the row that says why it cannot be judged: something is in the way, or a figure is missing."""
    key, subject = name
    seen = [(base.times.get(name), head.times.get(name)) for base, head in pairs.sides]
    records = [record for pair in seen for record in pair if record is not None]
    one_scale(records)
    if stop[0]:
        return Row(key, subject, stop[0], stop[1], unit=records[0].unit)
    for at, status in ((1, "missing"), (0, "new")):
        lacking = [i for i, pair in enumerate(seen) if pair[at] is None]
        if lacking:
            side, other = ("base", "head") if at == 0 else ("head", "base")
            why = next((pairs.sides[i][at].absent[key] for i in lacking if key in pairs.sides[i][at].absent), "not in its plan")
            has = sum(pair[1 - at] is not None for pair in seen)
            said = f"{side} has no figure in {len(lacking)} of {len(seen)} runs ({why}), {other} has {has}"
            return Row(key, subject, "wrong" if why.startswith("wrong") and at else status, said, unit=records[0].unit)
    return [(pair[0].value, pair[1].value) for pair in seen if pair[0] is not None and pair[1] is not None]


def nowhere(pairs: Pairs, known: set[str]) -> list[Row]:
    """Make rows of cases that were planned and have no figure on either side: absence is never a pass."""
    found = []
    base, head = pairs.every
    for key in pairs.planned:
        reasons = [next((side.absent[key] for side in sides if key in side.absent), "") for sides in (base, head)]
        if key in known or all(not why or why.startswith(SET_ASIDE) for why in reasons):
            continue
        said = "; ".join(f"{name}: {why or 'not in its plan'}" for name, why in zip(("base", "head"), reasons, strict=True))
        found.append(Row(key, "", "wrong" if reasons[1].startswith("wrong") else "missing", f"no figure on either side ({said})"))
    return found


def looked(whole: Mapping[Name, list[tuple[float, float]]], pairs: Pairs, thresholds: Thresholds) -> dict[Name, Row]:
    """Judge every case that has a figure in every run."""
    import numpy as np

    if not whole:
        return {}
    names = list(whole)
    base, head = arrays(whole.values())
    means = np.exp(np.log(base).mean(axis=1)), np.exp(np.log(head).mean(axis=1))
    units = {name: record.unit for name, record in pairs.sides[0][0].times.items()}
    return {
        name: Row(
            *name,
            found.status,
            found.reason,
            unit=units[name],
            base=float(means[0][i]),
            head=float(means[1][i]),
            look=found,
            values=tuple(whole[name]),
        )
        for i, (name, found) in enumerate(zip(names, look(base, head, thresholds), strict=True))
    }


def arrays(values: Iterable[Sequence[tuple[float, float]]]) -> tuple[Floats, Floats]:
    """Turn each case's (base, head) seconds into two arrays, cases x pairs; all must have the same number of pairs."""
    import numpy as np

    table = np.array(list(values), dtype=np.float64)
    return table[:, :, 0], table[:, :, 1]


def suspects(rows: Sequence[Row]) -> list[Row]:
    """List the rows that a confirming pass must measure again."""
    return [row for row in rows if row.status in SUSPECT]


def confirm_rows(rows: Sequence[Row], fresh: Pairs, thresholds: Thresholds) -> tuple[Row, ...]:
    """Hold every suspicion against the confirming pass; a suspicion that was not measured again stays inconclusive."""
    return tuple(confirmed(row, fresh, thresholds) if row.status in SUSPECT else row for row in rows)


def confirmed(row: Row, fresh: Pairs, thresholds: Thresholds) -> Row:
    """Hold one suspicion against its fresh pairs."""
    name = (row.key, row.subject)
    found = gap(name, fresh, ("", "")) if any(name in side.times for pair in fresh.sides for side in pair) else None
    assert row.look is not None  # noqa: S101 - a suspicion comes from a look
    if found is None or isinstance(found, Row):
        why = "no fresh pair was measured" if found is None else found.reason
        return replace(row, status="inconclusive", reason=f"suspected {row.status}, not confirmed: {why}")
    base, head = arrays([found])
    verdict, second = hold(row.look, base, head, thresholds)
    return replace(row, status=verdict.status, reason=verdict.reason, confirm=second)
