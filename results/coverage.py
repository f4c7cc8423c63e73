"""What was planned and what came of it: a planned case that nobody measured is a row, never a gap."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from assay.harness.measurement import Measurement
from assay.results.truth import answer_doubt

FAILED = ("wrong", "error", "crashed", "timeout")
ORDER = (*FAILED, "missing", "skipped", "not_applicable")
WORDS = {"wrong": "with a wrong answer", "not_applicable": "not applicable", "error": "with an error", "timeout": "timed out"}
MANY = 3
LONG = 120


@dataclass(frozen=True)
class Row:
    """One case and what came of it; ``reason`` is empty where it was measured."""

    key: str
    suite: str
    status: str
    reason: str = ""


@dataclass(frozen=True)
class Coverage:
    """Every planned case with its status, and what was left out of the plan.

    Attributes:
        rows: one a planned case, in the plan's order; status is a measurement's, ``missing`` where there is none.
        left_out: cases that a budget or a shard kept out of the plan.

    """

    rows: tuple[Row, ...]
    left_out: tuple[Row, ...] = ()

    def count(self, *statuses: str) -> int:
        """Count planned cases with one of these statuses."""
        return sum(row.status in statuses for row in self.rows)

    @property
    def planned(self) -> int:
        """Planned cases, those that turned out not applicable included."""
        return len(self.rows)

    @property
    def measured(self) -> int:
        """Cases with a right answer."""
        return self.count("measured")

    @property
    def failed(self) -> int:
        """Cases that broke or had a wrong answer."""
        return self.count(*FAILED)

    @property
    def missing(self) -> int:
        """Planned cases of which nothing was written down."""
        return self.count("missing")

    @property
    def answered(self) -> tuple[int, int]:
        """Give (cases with an answer, right or wrong; cases that could have one)."""
        return self.count("measured", "wrong"), self.planned - self.count("skipped", "not_applicable")

    @property
    def barren(self) -> dict[str, str]:
        """Name every planned suite in which nothing was applicable, with the reason."""
        suites = dict.fromkeys(row.suite for row in self.rows)
        rows = {suite: [row for row in self.rows if row.suite == suite] for suite in suites}
        idle = {"not_applicable", "skipped"}
        return {suite: reasons(own) for suite, own in rows.items() if all(row.status in idle for row in own)}

    def text(self) -> str:
        """Say it in one line, with the reasons."""
        parts = [f"coverage: {self.measured} of {self.planned} {cases(self.planned)} measured"]
        for status in ORDER:
            rows = [row for row in self.rows if row.status == status]
            if rows:
                parts.append(f"{len(rows)} {WORDS.get(status, status)} ({reasons(rows)})")
        line = ", ".join(parts)
        return f"{line}; {len(self.left_out)} left out ({reasons(self.left_out)})" if self.left_out else line

    def as_dict(self) -> dict[str, Any]:
        """Give counts, the line, and every row that was not measured."""
        return {
            "planned": self.planned,
            "measured": self.measured,
            "failed": self.failed,
            "missing": self.missing,
            "skipped": self.count("skipped"),
            "not_applicable": self.count("not_applicable"),
            "left_out": len(self.left_out),
            "text": self.text(),
            "rows": [asdict(row) for row in self.rows if row.status != "measured"],
            "left_out_rows": [asdict(row) for row in self.left_out],
        }


def cover(plan: Mapping[str, Any], measurements: Iterable[Measurement]) -> Coverage:
    """Hold what was measured against the plan (``plan.json`` as read); a key of the plan without measurement is ``missing``."""
    done = {measurement.case.key: measurement for measurement in measurements}
    rows = []
    for case in plan.get("cases", []):
        found = done.get(case["key"])
        rows.append(Row(case["key"], case["suite"], *standing(found)))
    left = [Row(row["case"]["key"], row["case"]["suite"], "left_out", str(row.get("reason", ""))) for row in plan.get("left_out", [])]
    return Coverage(tuple(rows), tuple(left))


def standing(measurement: Measurement | None) -> tuple[str, str]:
    """Give (status, reason) of one planned case; one that claims a right answer without having compared anything is an error."""
    if measurement is None:
        return "missing", "planned, but nothing was written down"
    if measurement.status != "measured":
        return measurement.status, said(measurement)
    doubt = answer_doubt(measurement)
    return ("error", doubt) if doubt else ("measured", "")


def said(measurement: Measurement) -> str:
    """Say why a case has no figure: rank, place and phase are added where the reason does not name them itself."""
    checked, fault = measurement.checked, measurement.fault
    reason = measurement.reason or (checked.reason if measurement.status == "wrong" else fault.detail if fault is not None else "")
    before, after = [], ""
    if measurement.status == "wrong":
        before = [f"rank {checked.rank}"] if checked.rank is not None else []
        after = checked.where
    elif fault is not None:
        before = [f"rank {fault.rank}"] if fault.rank is not None else []
        before += [f"phase {fault.phase}"] if fault.phase and fault.phase not in reason else []
        before += [f"repetition {fault.repetition}"] if fault.repetition is not None else []
    place = ", ".join(part for part in before if part not in reason)
    return ": ".join(part for part in (place, reason, after if after not in reason else "") if part) or "no reason was given"


def reasons(rows: Sequence[Row]) -> str:
    """Name the different reasons of some rows, most frequent first, three at most, long ones cut: the rows have them in full."""
    counted = Counter(shortened(row.reason or "no reason was given") for row in rows).most_common()
    shown = [reason if number == len(rows) or number == 1 else f"{number} x {reason}" for reason, number in counted[:MANY]]
    return "; ".join(shown) + (f"; and {len(counted) - MANY} other reasons" if len(counted) > MANY else "")


def shortened(text: str) -> str:
    """Cut a long reason at a word."""
    return text if len(text) <= LONG else f"{text[:LONG].rpartition(' ')[0] or text[:LONG]} ..."


def cases(number: int) -> str:
    """Write the word for this many cases."""
    return "case" if number == 1 else "cases"
