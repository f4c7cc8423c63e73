"""What benchmark dashboards take: Bencher's metric format, github-action-benchmark, PyTorch's HUD."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from assay.results.record import Record
from assay.results.units import plain

if TYPE_CHECKING:
    from assay.results.judge import Judgement

LONGEST_NAME, LONGEST_SLUG = 1024, 64
DIRECTIONS = {"lower": "customSmallerIsBetter", "higher": "customBiggerIsBetter"}


def label(record: Record) -> str:
    """Name a series: case and subject."""
    return plain(f"{record.key} {record.subject}".strip())


def cut(text: str, longest: int) -> str:
    """Cut a name to ``longest`` bytes of UTF-8, which is what Bencher counts (Rust's ``len``); its hash keeps two long ones apart."""
    raw = text.encode()
    if len(raw) <= longest:
        return text
    return f"{raw[: longest - 13].decode(errors='ignore')}-{digest(text)}"


def digest(text: str) -> str:
    """Give twelve characters that tell a text from others."""
    return hashlib.sha256(text.encode(errors="backslashreplace")).hexdigest()[:12]


def bmf(records: Sequence[Record]) -> dict[str, Any]:
    """Bencher Metric Format (bencher.dev/docs/reference/bencher-metric-format): names up to 1,024 bytes, measures up to 64."""
    found: dict[str, Any] = {}
    for record in records:
        measure: dict[str, float] = {"value": record.value}
        if record.interval is not None:
            measure |= {"lower_value": record.interval[0], "upper_value": record.interval[1]}
        measures = found.setdefault(cut(label(record), LONGEST_NAME), {})
        measures[slug(record, taken=measures)] = measure
    return found


def slug(record: Record, *, taken: Mapping[str, Any]) -> str:
    """Name a measure; one that another metric of the case has already gets a hash, since it would take its place."""
    text = f"{record.metric} {record.unit}"
    name = cut(re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or digest(text), LONGEST_SLUG)
    return f"{name[: LONGEST_SLUG - 13].rstrip('-')}-{digest(text)}" if name in taken else name


def action_benchmark(records: Sequence[Record]) -> dict[str, list[dict[str, Any]]]:
    """Give github-action-benchmark's custom rows by direction (its README, "customSmallerIsBetter"): it takes one direction a file."""
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in DIRECTIONS.values()}
    for record in records:
        if record.better in DIRECTIONS:
            row: dict[str, Any] = {"name": f"{label(record)} {record.metric}", "unit": record.unit, "value": record.value}
            if record.interval is not None:
                row["range"] = f"{record.interval[0]:.6g}..{record.interval[1]:.6g}"
            row["extra"] = f"n={record.n}\nrun={record.run}\nagg={record.agg}"
            found[DIRECTIONS[record.better]].append(row)
    return found


def hud(judgement: Judgement) -> list[dict[str, Any]]:
    """PyTorch's HUD, schema v3 (pytorch/test-infra, benchmark database): unit and direction have no field, so they go to extra_info."""
    cases = {str(case["key"]): case for case in judgement.cases}
    return [hud_row(record, cases.get(record.key, {}), judgement) for record in judgement.records]


def hud_row(record: Record, case: Mapping[str, Any], judgement: Judgement) -> dict[str, Any]:
    """Give one figure; HUD keeps values as single floats."""
    params = {name: str(value) for name, value in dict(case.get("params") or {}).items()}
    extra = {"unit": record.unit, "better": record.better, "subject": record.subject, "key": record.key, "run": record.run}
    metric = {"name": record.metric, "benchmark_values": [record.value], "target_value": record.limit or 0.0, "extra_info": extra}
    return {
        "benchmark": {"name": record.suite, "mode": str(case.get("align", "")), "dtype": params.get("dtype", ""), "extra_info": params},
        "model": {"name": record.suite, "type": "benchmark", "backend": str(case.get("device", "")), "origins": ["assay"]},
        "runners": [{"name": str(judgement.described.get("host", "")), "type": record.hw_class}],
        "dependencies": {},
        "metric": metric,
    }
