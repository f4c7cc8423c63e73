"""The table of cases: answer, time, rate, share of the limit, spread and marks of each, with a way to its plot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from assay.results.html.element import element, joined
from assay.results.html.naming import case_names, shared_params, spelled_out
from assay.results.html.samples import MOST_PLOTS, subjects
from assay.results.html.section import Section
from assay.results.html.table import MOST, Cell, Row, Table
from assay.results.record import Record
from assay.results.report_content import Content
from assay.results.tables import answer, figures
from assay.results.units import percent

COLUMNS = (
    "case",
    "answer",
    "error / allowed",
    "median",
    "95 % of the median",
    "min..p99",
    "rate",
    "share of limit",
    "n",
    "slowest",
    "marks",
)
NUMERIC = frozenset({"median", "95 % of the median", "min..p99", "rate", "n"})
SOUND = {"measured": "", "skipped": "open", "not_applicable": "open", "missing": "bad"}


def cases_section(content: Content) -> Section:
    """Write one row a planned case, then what was left out of the plan."""
    if not content.judgement.cases:
        return Section("cases", "Cases", absent="The run has no case that can be read.")
    standing = {row.key: row for row in content.judgement.coverage.rows}
    records = content.records
    drawn, named = drawn_cases(content), case_names(content.judgement.cases)
    rows = [
        case_row(i, case, standing, records.get(case["key"], []), content, name=named[case["key"]], drawn=i in drawn)
        for i, case in in_order(content.judgement.cases, standing)
    ]
    shared = [element("li", f"{suite}: {spelled_out(same)}") for suite, same in shared_params(content.judgement.cases).items() if same]
    same = joined(element("p", "The same in all cases of a suite:"), element("ul", shared, class_="fine")) if shared else None
    note = element("p", "Of several devices the slowest is shown; the interval is that of the median within this run.")
    return Section("cases", "Cases", joined(note, same, Table("Planned cases", COLUMNS, rows, numeric=NUMERIC).markup(), left_out(content)))


def in_order(cases: Sequence[Mapping[str, Any]], standing: Mapping[str, Any]) -> list[tuple[int, Mapping[str, Any]]]:
    """Number the cases in the plan's order; where the table cannot hold all, those that were not measured come first."""
    numbered = list(enumerate(cases))
    if len(numbered) <= MOST:
        return numbered
    return sorted(numbered, key=lambda row: standing[str(row[1]["key"])].status == "measured")


def drawn_cases(content: Content) -> set[int]:
    """Name the places of cases that have a plot."""
    measurements = content.judgement.measurements
    found = [i for i, case in enumerate(content.judgement.cases) if case["key"] in measurements and subjects(measurements[case["key"]])]
    return set(found[:MOST_PLOTS])


def case_row(
    number: int, case: Mapping[str, Any], standing: Mapping[str, Any], records: list[Record], content: Content, *, name: str, drawn: bool
) -> Row:
    """Write one case."""
    key = str(case["key"])
    row, measurement = standing[key], content.judgement.measurements.get(key)
    cells = figures(records, measurement)
    times = [record for record in records if record.metric == "time"]
    slowest = max(times, key=lambda record: record.value, default=None)
    rate = next((r for name in ("busbw", "flop_rate", "memory_rate", "algbw") for r in records if r.metric == name), None)
    shown = element("a", name, href=f"#case-{number}") if drawn else name
    reason = f": {row.reason}" if row.reason else ""
    return [
        Cell(shown),
        Cell(f"{answer(row.status, measurement)}{reason}", mood=SOUND.get(row.status, "bad")),
        Cell(cells.get("error / allowed", "")),
        Cell(" ".join(filter(None, (cells.get("median"), cells.get("unit")))), None if slowest is None else slowest.value),
        interval(slowest),
        Cell(" ".join(filter(None, (cells.get("min..p99"), cells.get("unit"))))),
        Cell(cells.get("rate") or cells.get("busbw") or cells.get("algbw") or "", None if rate is None else rate.value),
        Cell(cells.get("share of limit", ""), None if rate is None else rate.share),
        Cell(cells.get("n", ""), None if slowest is None else slowest.n),
        Cell(cells.get("slowest", "")),
        Cell("; ".join(dict.fromkeys(flag for record in records for flag in record.flags))),
    ]


def interval(record: Record | None) -> Cell:
    """Write the half width of the median's interval as a share of the median."""
    if record is None or record.ci_lo is None or record.ci_hi is None or record.value <= 0:
        return Cell("" if record is None else "none under 6 repetitions")
    return Cell(f"-{percent(1 - record.ci_lo / record.value)} +{percent(record.ci_hi / record.value - 1)}", record.ci_hi / record.ci_lo)


def left_out(content: Content) -> Markup | None:
    """List what a budget or a shard kept out of the plan."""
    rows = content.judgement.coverage.left_out
    if not rows:
        return None
    return Table("Left out of the plan", ("case", "reason"), [[row.key, row.reason] for row in rows]).markup()
