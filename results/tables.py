"""Cases and figures as aligned columns, one table a suite."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from assay.harness.measurement import Measurement
from assay.results.judge import Judgement
from assay.results.limits import CALIBRATION
from assay.results.metrics import slowest_rank
from assay.results.record import METRICS, Record, finite_float
from assay.results.units import digits, percent, plain, quantity, size, time_unit

RED, YELLOW, BOLD = "31", "33", "1"
ANSWERS = {"measured": "right", "wrong": "WRONG", "not_applicable": "n/a"}
# Messages under this many bytes are about latency: a share of the link's limit says nothing there.
SMALL = 65536
# What must stay readable of a case's name on a narrow terminal.
NARROW_LABEL = 16
GAP = "  "


def suite_lines(judgement: Judgement, *, width: int) -> list[tuple[str, str]]:
    """Write one table for each suite, in the plan's order; then marks on the quality of its figures."""
    lines: list[tuple[str, str]] = []
    records: dict[str, list[Record]] = {}
    for record in judgement.records:
        records.setdefault(record.key, []).append(record)
    standing = {row.key: row.status for row in judgement.coverage.rows}
    for suite in dict.fromkeys(str(case["suite"]) for case in judgement.cases):
        cases = [case for case in judgement.cases if case["suite"] == suite]
        shared = constants(cases)
        lines += [("", "")] if lines else []
        lines.append((heading(suite, cases, shared), BOLD))
        rows = []
        for case in cases:
            key = case["key"]
            cells = figures(records.get(key, []), judgement.measurements.get(key))
            name = label(case, shared)
            rows.append(({"case": name, "answer": answer(standing[key], judgement.measurements.get(key))} | cells, style(standing[key])))
        lines += table(rows, width=width)
        lines += marks([record for case in cases for record in records.get(case["key"], [])])
    return lines


def answer(status: str, measurement: Measurement | None) -> str:
    """Say how the answer came out, and who says so where it is not Assay."""
    by = "assay" if measurement is None else measurement.checked.by
    if status == "measured" and by != "assay":
        return "test passed" if by == "test" else "unchecked"
    return ANSWERS.get(status, status)


def style(status: str) -> str:
    """Choose the colour of a row."""
    if status in {"measured", "not_applicable", "skipped"}:
        return ""
    return RED


def figures(records: Sequence[Record], measurement: Measurement | None) -> dict[str, str]:
    """Give the cells of one case: of its slowest device, or of the cluster; without records there are none."""
    times = [record for record in records if record.metric == "time"]
    cells = {"error / allowed": worst_score(records)}
    if not times:
        return cells
    slowest = max(times, key=lambda record: record.value)
    own = {record.metric: record for record in records if record.subject == slowest.subject}
    scale, unit = time_unit(slowest.value)
    low, high = (slowest.min or slowest.value) / scale, (slowest.p99 or slowest.value) / scale
    cells |= {"median": digits(slowest.value / scale), "min..p99": f"{digits(low)}..{digits(high)}", "unit": unit}
    cells |= rate_cells(own, measurement)
    return cells | {"n": str(slowest.n), "slowest": slowest_cell(slowest, len(times), measurement)}


def rate_cells(own: Mapping[str, Record], measurement: Measurement | None) -> dict[str, str]:
    """Give rates and the share of the limit; small messages say ``latency`` instead of a share."""
    message = None if measurement is None else finite_float(measurement.volume.message_nbytes)
    if "busbw" in own or ("algbw" in own and own["algbw"].subject == "cluster"):
        cells = {name: quantity(own[name].value, own[name].unit) for name in ("algbw", "busbw") if name in own}
        held = own.get("busbw")
        return cells | {"share of limit": "latency" if (message or 0) < SMALL else share(held)}
    rate = next((own[name] for name in ("flop_rate", "memory_rate", "algbw") if name in own), None)
    return {} if rate is None else {"rate": quantity(rate.value, rate.unit), "share of limit": share(rate)}


def share(record: Record | None) -> str:
    """Write the share of a limit with the limit's name; what calibration measures is a limit itself."""
    if record is None:
        return ""
    if record.share is None:
        return "is a limit" if record.suite == CALIBRATION else "no limit known"
    return f"{percent(record.share)} of {record.limit_name}"


def slowest_cell(record: Record, devices: int, measurement: Measurement | None) -> str:
    """Name the slowest device, or the rank that was slowest most often, with how often."""
    if record.subject != "cluster":
        return f"{record.subject} of {devices}" if devices > 1 else ""
    found = None if measurement is None else slowest_rank(measurement.samples.rows)
    return f"rank{found[0]} in {found[1]}/{record.n}" if found is not None else ""


def worst_score(records: Sequence[Record]) -> str:
    """Give the error score nearest to (or furthest over) its limit, as a share of it."""
    scored = [record for record in records if record.metric not in METRICS and record.share is not None]
    if not scored:
        return ""
    worst = max(scored, key=lambda record: record.share or 0.0)
    return f"{worst.metric} {worst.share:.2g}"


def constants(cases: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Give the parameters that have one value in all cases of a suite (with one case: none, they name it)."""
    if len(cases) == 1:
        return {}
    first, *rest = (dict(case.get("params") or {}) for case in cases)
    return {name: value for name, value in first.items() if all(name in params and params[name] == value for params in rest)}


def heading(suite: str, cases: Sequence[Mapping[str, Any]], shared: Mapping[str, Any]) -> str:
    """Name a suite with what its cases have in common."""
    first = cases[0]
    version = f" (method {first['version']})" if first.get("version", 1) != 1 else ""
    parts = [
        f"{first.get('device')}, layout {first.get('layout')}, {first.get('align')}",
        *(spelled(name, value) for name, value in shared.items()),
    ]
    return f"{suite}{version}: {', '.join(parts)}"


def label(case: Mapping[str, Any], shared: Mapping[str, Any]) -> str:
    """Name a case by what sets it apart; a planted fault is said first."""
    planted = case.get("inject") or {}
    said = [f"PLANTED:{planted.get('kind', 'fault')}"] if planted else []
    params = dict(case.get("params") or {})
    return plain(" ".join([*said, *(spelled(name, value) for name, value in params.items() if name not in shared)]) or "(only case)")


def spelled(name: str, value: object) -> str:
    """Write one parameter; sizes as KiB and MiB."""
    if (name == "bytes" or name.endswith("nbytes")) and isinstance(value, int) and not isinstance(value, bool):
        return f"{name}={size(value).replace(' ', '')}"
    return f"{name}={value}"


def table(rows: Sequence[tuple[Mapping[str, str], str]], *, width: int) -> list[tuple[str, str]]:
    """Align rows under the names of their columns; columns that are empty everywhere are left out, long names of cases are cut."""
    names = ("case", "answer", "error / allowed", "median", "min..p99", "unit", "rate", "algbw", "busbw", "share of limit", "n", "slowest")
    used = [name for name in names if any(row.get(name) for row, _ in rows)]
    widths = {name: max(len(name), *(len(row.get(name, "")) for row, _ in rows)) for name in used}
    spare = width - 2 - sum(widths.values()) - len(GAP) * (len(used) - 1) + widths["case"]
    widths["case"] = min(widths["case"], max(spare, NARROW_LABEL))
    shown = [({name: name for name in used}, ""), *rows]
    return [(GAP + GAP.join(cell(name, row.get(name, ""), widths[name]) for name in used), mood) for row, mood in shown]


def cell(name: str, text: str, width: int) -> str:
    """Fit one cell: numbers to the right, words to the left, a name that is too long keeps its end."""
    if len(text) > width:
        text = f"..{text[len(text) - width + 2 :]}"
    return text.rjust(width) if name in {"median", "rate", "algbw", "busbw", "n"} else text.ljust(width)


def marks(records: Sequence[Record]) -> list[tuple[str, str]]:
    """List marks on the quality of figures, each once with the number of cases that carry it and the details of the first."""
    found: dict[str, set[str]] = {}
    details: dict[str, str] = {}
    for record in records:
        for flag in record.flags:
            if not flag.startswith("slowest rank"):
                mark, _, detail = flag.partition(" [")
                found.setdefault(mark, set()).add(record.key)
                details.setdefault(mark, detail.removesuffix("]"))
    shown = {mark: f"{len(keys)} {'case' if len(keys) == 1 else 'cases'}" for mark, keys in found.items()}
    return [(f"  mark: {mark} ({shown[mark]}{': ' if details[mark] else ''}{details[mark]})", YELLOW) for mark in found]
