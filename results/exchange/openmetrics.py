"""OpenMetrics text (openmetrics.io, version 1.0.0): gauges with few labels; GitLab's metrics report is the same, rounded."""

from __future__ import annotations

import re
from collections.abc import Sequence

from assay.results.record import Record
from assay.results.units import plain

LONGEST = 200
UNITS = {
    "s": "seconds",
    "B/s": "bytes_per_second",
    "FLOP/s": "flops_per_second",
    "B": "bytes",
    "W": "watts",
    "C": "celsius",
    "J": "joules",
    "1": "ratio",
}


def write(records: Sequence[Record], *, digits: int = 17) -> str:
    """Write figures as gauges, ``assay_METRIC_UNIT{case,subject,suite}``, with ``digits`` significant ones (GitLab compares text)."""
    families: dict[str, list[Record]] = {}
    for record in records:
        families.setdefault(name_of(record), []).append(record)
    lines = []
    for name, rows in sorted(families.items()):
        unit = UNITS.get(rows[0].unit, slug(rows[0].unit))
        lines += [f"# TYPE {name} gauge", f"# UNIT {name} {unit}", f"# HELP {name} {help_text(rows[0])}"]
        for row in sorted(rows, key=lambda row: (row.key, row.subject)):
            labels = {"case": row.key, "subject": row.subject, "suite": row.suite}
            shown = ",".join(f'{label}="{escape(value)}"' for label, value in labels.items())
            lines.append(f"{name}{{{shown}}} {row.value:.{digits}g}")
    return "\n".join([*lines, "# EOF"]) + "\n"


def name_of(record: Record) -> str:
    """Name a family: its unit is its suffix, as OpenMetrics wants."""
    unit = UNITS.get(record.unit, slug(record.unit))
    metric = slug(record.metric)
    return f"assay_{metric}" if metric.endswith(f"_{unit}") else f"assay_{metric}_{unit}"


def slug(text: str) -> str:
    """Write a name of lower-case letters, digits and underscores."""
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_") or "none"


def help_text(record: Record) -> str:
    """Say what a family is."""
    return f"{slug(record.metric)} in {slug(record.unit)}, {record.better} is better"


def escape(value: str) -> str:
    """Escape a label's value, cut at ``LONGEST`` characters: labels are for telling series apart, not for texts."""
    shown = plain(value)
    kept = shown if len(shown) <= LONGEST else shown[: LONGEST - 3] + "..."
    return kept.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
