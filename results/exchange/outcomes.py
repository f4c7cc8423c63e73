"""A run's cases as outcomes that any test report understands; what was not measured never passes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from assay.results.record import Record
from assay.results.units import percent, plain, quantity, signed

if TYPE_CHECKING:
    from assay.results.compare import Comparison, Row
    from assay.results.judge import Judgement
    from assay.results.verdict import Verdict

Kind = Literal["passed", "failed", "error", "skipped"]
KINDS: Mapping[str, Kind] = {
    "fail": "failed",
    "error": "error",
    "no-verdict": "skipped",
    "warn": "passed",
    "skip": "skipped",
    "pass": "passed",
}
ORDER = ("failed", "error", "skipped", "passed")
COMPARED: Mapping[str, Kind] = {"slower": "failed", "missing": "error", "same": "passed", "faster": "passed", "known": "passed"}
STANDING: Mapping[str, Kind] = {"wrong": "failed", "measured": "passed", "skipped": "skipped", "not_applicable": "skipped"}


@dataclass(frozen=True)
class Outcome:
    """One case: ``kind`` is what a test report shows, ``status`` our own word, ``message`` why."""

    group: str
    name: str
    kind: Kind
    status: str
    message: str = ""
    text: str = ""
    seconds: float = 0.0
    properties: Mapping[str, str] = field(default_factory=dict)


def outcomes(judgement: Judgement) -> list[Outcome]:
    """Give one outcome a planned case, one for each verdict on the whole run that is not a pass, and one for each row that was compared."""
    verdicts: dict[str, list[Verdict]] = {}
    for verdict in judgement.verdicts:
        verdicts.setdefault(verdict.key, []).append(verdict)
    records: dict[str, list[Record]] = {}
    for record in judgement.records:
        records.setdefault(record.key, []).append(record)
    found = []
    for row in judgement.coverage.rows:
        own = verdicts.get(row.key, [])
        kinds = [STANDING.get(row.status, "error"), *(KINDS[verdict.status] for verdict in own if verdict.status != "skip")]
        reasons = [row.reason, *(f"{verdict.rule}: {verdict.reason}" for verdict in own if verdict.status not in {"pass", "skip"})]
        measurement = judgement.measurements.get(row.key)
        found.append(
            Outcome(
                row.suite,
                row.key,
                min(kinds, key=ORDER.index),
                "warn" if row.status == "measured" and any(verdict.status == "warn" for verdict in own) else row.status,
                "; ".join(dict.fromkeys(reason for reason in reasons if reason)),
                "\n".join(figure(record) for record in records.get(row.key, [])),
                measurement.seconds if measurement is not None else 0.0,
                {f"{record.subject} {record.metric} [{record.unit}]": f"{record.value:.9g}" for record in records.get(row.key, [])},
            )
        )
    whole = [verdict for verdict in verdicts.get("", []) if verdict.status not in {"pass", "skip"}]
    found += [Outcome("run", verdict.rule, KINDS[verdict.status], verdict.status, verdict.reason) for verdict in whole]
    return found + compared(judgement.comparison)


def compared(comparison: Comparison | None) -> list[Outcome]:
    """Give one outcome for each compared case; a comparison that could compare nothing is one, skipped: it never vanishes."""
    if comparison is None:
        return []
    if not comparison.rows:
        return [Outcome("compare", "comparison", "skipped", "inconclusive", "; ".join(comparison.notes) or "nothing was compared")]
    return [
        Outcome("compare", f"{row.key} {row.subject}".strip(), COMPARED.get(row.status, "skipped"), row.status, row.reason, change(row))
        for row in comparison.rows
    ]


def change(row: Row) -> str:
    """Write what was compared: both sides, the change and its interval, and the runs behind them."""
    if row.base is None or row.head is None or row.change is None:
        return ""
    text = f"{row.metric} {quantity(row.base, row.unit)} -> {quantity(row.head, row.unit)} {signed(row.change)}"
    if row.interval is not None:
        text += f" [{signed(row.interval[0])}, {signed(row.interval[1])}]"
    return plain(f"{text} n={row.n_base}/{row.n_head} runs")


def figure(record: Record) -> str:
    """Write one figure with unit, spread, number of repetitions and share of its limit."""
    text = f"{record.subject} {record.metric} {quantity(record.value, record.unit)}"
    if record.interval is not None:
        text += f" [{quantity(record.interval[0], record.unit)}, {quantity(record.interval[1], record.unit)}]"
    text += f" n={record.n}" if record.n else ""
    return plain(text + (f", {percent(record.share)} of {record.limit_name}" if record.share is not None else ""))


def worst_first(found: Sequence[Outcome]) -> list[Outcome]:
    """Sort outcomes: what failed first, otherwise as planned."""
    return sorted(found, key=lambda one: ORDER.index(one.kind))
