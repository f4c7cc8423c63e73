"""Figures that are too good to be true."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from assay.results.answers import verdict
from assay.results.limits import MEASURED
from assay.results.record import Record
from assay.results.rules import Rules
from assay.results.units import percent
from assay.results.verdict import Verdict


def judge_plausible(records: Sequence[Record], rules: Rules) -> tuple[list[Record], list[Verdict]]:
    """Mark figures over their limit as too good; one that beats a stated arithmetic peak fails.

    Only ``flop_rate`` fails: no unit multiplies faster than its peak, so the time or the volume is wrong. Measured limits are as
    uncertain as any figure; data in a cache never crosses the memory, and a switch that adds needs fewer wire bytes than busbw assumes:
    those are marked, not failed.
    """
    marked, found = [], []
    for record in records:
        measured = record.limit_name.startswith(f"{MEASURED} ")
        most = rules.measured if measured else rules.stated
        if record.better != "higher" or record.share is None or record.share <= most:
            marked.append(record)
            continue
        said = f"too good: {percent(record.share)} of {record.limit_name}, over {percent(most)} is not plausible"
        marked.append(replace(record, flags=(*record.flags, said)))
        if not measured and record.metric == "flop_rate":
            about = {"key": record.key, "subject": record.subject, "metric": record.metric, "unit": record.unit, "value": record.value}
            held = {"expected": most * (record.limit or 0.0), "interval": record.interval}
            reason = f"{record.subject} is {said}: the hardware is not {record.limit_name.split()[0]}, or the time is wrong"
            found.append(verdict(rules, "plausible", status="fail", reason=reason, **about, **held))
    return marked, found
