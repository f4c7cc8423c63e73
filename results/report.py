"""A judged run in words and one table: the answer first, then the figures, the verdicts, the comparison, the coverage."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from assay.harness.case import spell
from assay.harness.measurement import Measurement
from assay.results.compare import Comparison
from assay.results.coverage import said
from assay.results.judge import Judgement
from assay.results.limits import CALIBRATION
from assay.results.outcome import WORDS
from assay.results.record import Record
from assay.results.units import duration, percent, plain, quantity, signed, size

COLOURS = {"fail": 31, "error": 31, "no-verdict": 33, "skip": 36, "pass": 32, "slower": 31, "faster": 32, "same": 32}
RATES = ("busbw", "algbw", "flop_rate", "memory_rate")
HEAD = ("case", "answer", "median", "spread", "n", "rate", "share of limit")
SMALL_NBYTES = 4096  # below, a message's time is latency and its bandwidth means nothing
SHOWN = 12  # rows of a kind, before "and N more"


def render(judgement: Judgement, *, color: bool, width: int) -> str:
    """Tell a judged run to a person; ``width`` in columns, colours only if asked for."""
    paint = painter(on=color)
    records = by_case(judgement.records)
    rows = [row(measurement, records.get(measurement.case.key, [])) for measurement in judgement.measurements]
    parts = [table(rows, judgement, paint, width=width)]
    parts += [paint("PLANTED FAULT: these figures prove a detector and join no series", "fail")] if judgement.run.get("inject") else []
    parts += ["\n".join(verdict_lines(judgement, paint))]
    if judgement.comparison is not None:
        parts += [render_comparison(judgement.comparison, color=color, width=width)]
    parts += [f"problem: {plain(problem)}" for problem in judgement.problems]
    parts += [plain(judgement.coverage.text())]
    code = judgement.exit_code
    parts += [paint(f"run {judgement.run.get('id')}: {WORDS[code]} (exit code {code})", WORDS[code])]
    return "\n".join(part for part in parts if part)


def painter(*, on: bool) -> Callable[[str, str], str]:
    """Give a function that colours a text by a status, or leaves it alone."""

    def paint(text: str, status: str) -> str:
        return f"\x1b[{COLOURS[status]}m{text}\x1b[0m" if on and status in COLOURS else text

    return paint


def by_case(records: Sequence[Record]) -> dict[str, list[Record]]:
    """Group records by case."""
    found: dict[str, list[Record]] = {}
    for record in records:
        found.setdefault(record.key, []).append(record)
    return found


def row(measurement: Measurement, records: Sequence[Record]) -> tuple[str, ...]:
    """Make one line of the table; a case of several devices shows the slowest, which it names."""
    name, answer = (
        plain(title(measurement)),
        {"measured": "right", "wrong": "WRONG", "not_applicable": "n/a"}.get(measurement.status, measurement.status),
    )
    times = [record for record in records if record.metric == "time"]
    if not times:
        return name, answer, "", "", "", "", ""
    slowest = max(times, key=lambda record: record.value)
    name += f" [{slowest.subject} of {len(times)}]" if len(times) > 1 else ""
    rate = next((r for metric in RATES for r in records if r.metric == metric and r.subject == slowest.subject), None)
    small = rate is not None and rate.metric in ("busbw", "algbw") and measurement.volume.message_nbytes < SMALL_NBYTES
    shown = "latency" if small else "" if rate is None else f"{quantity(rate.value, rate.unit)} {rate.metric}"
    share = "" if small or rate is None or rate.share is None else f"{percent(rate.share)} of {rate.limit_name}"
    return name, answer, duration(slowest.value), spread(slowest), str(slowest.n), shown, share


def spread(record: Record) -> str:
    """Write the 95 % interval of the median; the whole range where there is none."""
    if record.interval is not None:
        low, high = (end / record.value - 1 for end in record.interval)
        return f"{signed(low)} {signed(high)}"
    return f"range {duration(record.min or 0)} to {duration(record.max or 0)}"


def title(measurement: Measurement) -> str:
    """Name a case shortly: suite and parameters, bytes as sizes, seeds and defaults of no interest left out."""
    shown = []
    for name, value in measurement.case.params.items():
        if name == "bytes" and measurement.case.suite != CALIBRATION:
            shown.append(size(float(value)))
        elif name not in ("seed", "bytes", "size") and value != "":
            shown.append(str(value) if isinstance(value, str) else f"{name}={spell(value)}")
    return f"{measurement.case.suite} {' '.join(shown)}"


def table(rows: Sequence[tuple[str, ...]], judgement: Judgement, paint: Callable[[str, str], str], *, width: int) -> str:
    """Lay the table out; the first column gives way when the terminal is narrow."""
    if not rows:
        return "no case was measured"
    widths = [max(len(line[i]) for line in (HEAD, *rows)) for i in range(len(HEAD))]
    widths[0] = max(24, min(widths[0], width - sum(widths[1:]) - 2 * (len(HEAD) - 1)))
    lines = ["  ".join(cell.ljust(w) for cell, w in zip(HEAD, widths, strict=True)).rstrip()]
    for cells, measurement in zip(rows, judgement.measurements, strict=True):
        name = cells[0] if len(cells[0]) <= widths[0] else cells[0][: widths[0] - 1] + "…"
        text = "  ".join(cell.ljust(w) for cell, w in zip((name, *cells[1:]), widths, strict=True)).rstrip()
        lines.append(
            text if measurement.status == "measured" else paint(text, "skip" if measurement.status == "not_applicable" else "fail")
        )
    flagged = sorted({plain(flag) for m in judgement.measurements for flag in m.flags})
    notes = [f"  note: {flag} ({sum(flag in map(plain, m.flags) for m in judgement.measurements)} cases)" for flag in flagged]
    return "\n".join([*lines, *notes[:SHOWN]])


def verdict_lines(judgement: Judgement, paint: Callable[[str, str], str]) -> Iterator[str]:
    """Say the verdicts: what is not a pass with its reason, the passes as a count by rule."""
    passed: dict[str, int] = {}
    for verdict in judgement.verdicts:
        if verdict.status == "pass":
            passed[verdict.rule] = passed.get(verdict.rule, 0) + 1
    for status in ("fail", "error", "no-verdict", "skip"):
        rows = [verdict for verdict in judgement.verdicts if verdict.status == status and verdict.metric != "coverage"]
        for verdict in rows[:SHOWN]:
            yield paint(f"{status}: {verdict.rule}: {plain(verdict.key)}: {plain(verdict.reason)}", status)
        if len(rows) > SHOWN:
            yield f"{status}: and {len(rows) - SHOWN} more (assay show RUN --json has all)"
    if passed:
        yield paint("pass: " + ", ".join(f"{rule} {count}" for rule, count in sorted(passed.items())), "pass")
    faults = [m for m in judgement.measurements if m.fault is not None and m.fault.stacks]
    for measurement in faults[:SHOWN]:
        yield f"stacks of {plain(said(measurement))[:100]}: assay show {judgement.run.get('id')} --json, cases[].fault.stacks"


def render_comparison(comparison: Comparison, *, color: bool, width: int) -> str:
    """Tell a comparison: one line, what differs, then the changes that matter most."""
    paint = painter(on=color)
    lines = [f"comparison: {plain(comparison.text())}"]
    lines += [f"  {plain(note)}" for note in comparison.notes]
    changes = sorted(comparison.changes, key=lambda c: (c.status == "same", -abs(c.effect or 0.0)))
    for change in changes[:SHOWN]:
        where = plain(f"{short(change.key)} {change.subject}")
        text = f"  {change.status:14} {where}: {plain(change.reason)}"
        lines.append(paint(text if len(text) <= 2 * width else text[: 2 * width - 1] + "…", change.status))
    if len(changes) > SHOWN:
        lines.append(f"  and {len(changes) - SHOWN} more (assay compare BASE HEAD --json has all)")
    return "\n".join(lines)


def short(key: str) -> str:
    """Shorten a key to suite and parameters."""
    parts = key.split("/")
    return f"{parts[0]} {','.join(p for p in parts[4:-1] if p)}" if len(parts) > 5 else key  # noqa: PLR2004 - the parts of a key
